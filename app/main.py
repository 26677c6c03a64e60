"""Wires the rooms together. Nothing happens at import: the store is opened when the server starts."""

from __future__ import annotations

import gc
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import structlog
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from app.auth.keys import KeyRing
from app.auth.networks import parse_networks
from app.auth.principal import Authenticator
from app.cache.byte_cache import ByteCache
from app.cache.freshness import Lifetimes
from app.cache.listing_cache import ListingCache
from app.cache.response_cache import PageCache
from app.cache.worker_channel import DIRECTORY_VARIABLE, Siblings
from app.catalog import Catalog, SnapshotLoader, cost_of, is_same
from app.config import ConfigError, Settings, load_settings
from app.pages.contexts import Site
from app.pages.html import HtmlPages
from app.pages.static import load_static
from app.pages.templates_dir import load_default_licences, templates_directory
from app.policy.eula import DefaultLicences
from app.policy.site_policy import SitePolicy
from app.policy.site_policy_file import SitePolicyError, parse_site_policy
from app.responses.folder_listing import FolderPages
from app.responses.headers import page_headers
from app.responses.kept_redirects import Redirects
from app.responses.problems import CacheHeaders
from app.routes.services import Bucket, Services
from app.server.application import build_application
from app.server.fast_path import AtOnce
from app.storage.open_store import open_storage
from app.storage.store import ObjectStore
from app.storage.urls import S3Place, parse_storage_url
from app.telemetry import AccessLog, ConsoleAccessLog, JsonAccessLog, Metrics, configure_logging, is_json

DEFAULT_LICENCE = "default"
SWITCH_SECONDS = 0.001

_log = structlog.get_logger(__name__)


class Application:
    """The ASGI application: opens everything when the server starts, and hands requests to the front door.

    Args:
        settings: checked.
        site_policy: as `read_site_policy` gives it.
    """

    def __init__(self, settings: Settings, site_policy: SitePolicy) -> None:
        self._settings = settings
        self._site_policy = site_policy
        self._lifespan = Router(lifespan=self._open)
        self._front: ASGIApp = self._lifespan
        self.at_once: AtOnce | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Requests take no way through a router that has no routes.
        await (self._lifespan if scope["type"] == "lifespan" else self._front)(scope, receive, send)

    @asynccontextmanager
    async def _open(self, _: Router) -> AsyncIterator[None]:
        settings, metrics = self._settings, Metrics()
        async with open_storage(settings.storage, settings.overlay, watch=metrics) as store:
            services = wire(settings, self._site_policy, store, metrics)
            self._front = front = build_application(services)
            self.at_once = front.at_once
            _log.info(
                "serving", storage=" ".join(settings.storage), replica=settings.replica_id, pid=os.getpid()
            )
            with _open_siblings(services):
                yield
            await services.catalog.aclose()
            if services.access_log is not None:
                services.access_log.close()


def create_app(settings: Settings, site_policy: SitePolicy) -> ASGIApp:
    """The ASGI application for these settings.

    Args:
        settings: checked.
        site_policy: as `read_site_policy` gives it.
    """
    return Application(settings, site_policy)


@contextmanager
def _open_siblings(services: Services) -> Iterator[None]:
    """Listen to the other workers, where there are any."""
    if services.siblings is None:
        yield
        return
    services.siblings.open()
    try:
        yield
    finally:
        services.siblings.close()


def create_app_from_environment() -> ASGIApp:
    """What each worker process runs: the settings come by the environment that it was started with.

    Raises:
        ConfigError: the settings cannot be used.
    """
    settings = load_settings(environ=os.environ).settings
    configure_logging(settings.log_level, settings.log_format)
    prepare_process()
    return create_app(settings, read_site_policy(settings))


def prepare_process() -> None:
    """Set up the interpreter for serving; once for each process that does."""
    _calm_garbage_collector()
    # While a thread renders a large folder, every turn of the event loop waits for as long as this; usually 5 ms.
    sys.setswitchinterval(SWITCH_SECONDS)


def _calm_garbage_collector() -> None:
    """Have the garbage collector look at long-lived objects less often.

    What is in memory lives long and is never part of a cycle. With Python's usual thresholds, a pass over all of
    it comes every few hundred new objects and holds up every request: up to 380 ms were seen with a million
    entries. What is loaded by now lives to the end, and is left out of it. The pass over what has survived one holds
    up requests too, 60 ms for 400,000 objects, so it comes often enough to find no more than 20,000.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 10, 1_000)


def wire(
    settings: Settings,
    site_policy: SitePolicy,
    store: ObjectStore,
    metrics: Metrics,
    clock: Callable[[], float] = time.monotonic,
) -> Services:
    """Make what the routes use.

    Args:
        store: open, for as long as the services are used.
        clock: seconds, by which the age of folders is told; never goes back.
    """
    templates = templates_directory()
    keys = KeyRing([key.get_secret_value() for key in settings.secret_keys] or [_ephemeral_key()])
    networks = parse_networks(settings.trusted_networks)
    proxies = parse_networks(settings.trusted_proxies)
    held = ByteCache(settings.cache_bytes)
    site, html = Site(settings.site_title), HtmlPages(templates)
    catalog = build_catalog(settings, site_policy, store, held, clock)
    meeting_place = os.environ.get(DIRECTORY_VARIABLE)
    return Services(
        site=site,
        catalog=catalog,
        siblings=Siblings(Path(meeting_place), catalog.invalidate) if meeting_place else None,
        folder_pages=FolderPages(site, html, PageCache(held), page_headers(settings.replica_id)),
        redirects=Redirects(held, page_headers(settings.replica_id), clock=time.time),
        cache_headers=CacheHeaders(settings.cache_ttl, settings.cache_grace, settings.cache_max_stale),
        store=store,
        authenticator=Authenticator(keys, networks, proxies),
        keys=keys,
        html=html,
        static=load_static(templates),
        metrics=metrics,
        access_log=_access_log(settings),
        delivery=settings.delivery,
        presign_seconds=settings.presign_seconds,
        replica_id=settings.replica_id,
        buckets=_buckets(settings),
        trusted_networks=networks,
        trusted_proxies=proxies,
    )


def build_catalog(
    settings: Settings,
    site_policy: SitePolicy,
    store: ObjectStore,
    held: ByteCache,
    clock: Callable[[], float] = time.monotonic,
) -> Catalog:
    """The catalog over an open store.

    Args:
        held: where folders are kept.
        clock: as `wire` takes it.
    """
    texts = load_default_licences(templates_directory())
    buckets = _buckets(settings)
    loader = SnapshotLoader(
        store,
        site=site_policy,
        default_public=settings.default_tier == "public",
        default_licences=DefaultLicences(texts, DEFAULT_LICENCE),
        # What publishing tools of older servers put before the path in a link file.
        link_prefix=buckets[0].prefix if buckets else "",
    )
    folders = ListingCache(
        loader.load,
        held=held,
        cost=cost_of,
        is_same=is_same,
        lifetimes=Lifetimes(settings.cache_ttl, settings.cache_grace, settings.cache_max_stale),
        replica=settings.replica_id,
        clock=clock,
    )
    return Catalog(
        store,
        folders,
        loader,
        site_policy,
        look=loader.load_with,
        absent_seconds=folders.missing_seconds,
        clock=clock,
    )


def read_site_policy(settings: Settings, note_licence: Callable[[Path], object] | None = None) -> SitePolicy:
    """Read the site policy file that the settings name; without one, a policy that says nothing.

    Args:
        note_licence: told of each file that the policy names.

    Raises:
        ConfigError: the file cannot be read, or every fault in it with its line.
    """
    path = settings.policy_file
    if path is None:
        return SitePolicy()

    def read_beside(name: str) -> str:
        licence = path.parent / name
        if note_licence is not None:
            note_licence(licence)
        return licence.read_text("utf-8")

    try:
        return parse_site_policy(path.read_text("utf-8"), source=str(path), read_text=read_beside)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError((f"policy_file: {path} cannot be read: {error}",)) from error
    except SitePolicyError as error:
        raise ConfigError(tuple(map(str, error.faults))) from error


def _access_log(settings: Settings) -> AccessLog | None:
    if settings.log_level not in ("debug", "info"):
        return None
    return JsonAccessLog(sys.stderr) if is_json(settings.log_format) else ConsoleAccessLog()


def _buckets(settings: Settings) -> tuple[Bucket, ...]:
    urls = (*settings.storage, *((settings.overlay,) if settings.overlay else ()))
    places = map(parse_storage_url, urls)
    return tuple(Bucket(place.bucket, place.prefix) for place in places if isinstance(place, S3Place))


def _ephemeral_key() -> str:
    _log.warning("no_secret_keys", effect="tokens and licence acceptances end with this process")
    return secrets.token_hex(32)
