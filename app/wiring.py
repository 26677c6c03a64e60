"""Wires the rooms of one site together."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import structlog
from fastapi import APIRouter

from app.auth.keys import KeyRing
from app.auth.login import Login
from app.auth.networks import parse_networks
from app.auth.principal import Authenticator
from app.auth.revocation import Revocations
from app.cache.byte_cache import ByteCache
from app.cache.freshness import Lifetimes
from app.cache.listing_cache import ListingCache
from app.cache.response_cache import RedirectCache, ResponseCache
from app.cache.worker_channel import DIRECTORY_VARIABLE, WorkerChannel
from app.catalog import Catalog, SnapshotLoader, cost_of, is_same
from app.config import Settings
from app.login_wiring import build_login, contact_url
from app.pages.contexts import Site
from app.pages.html import HtmlPages
from app.pages.static import load_static
from app.pages.templates_dir import load_default_licences, templates_directory
from app.policy.eula import DefaultLicences
from app.policy.site_policy import SitePolicy
from app.responses.caching import CacheHeaders
from app.responses.delivery import Delivery
from app.responses.folder_listing import FolderPages
from app.responses.headers import page_headers
from app.responses.requester import Requester
from app.responses.subtree_listing import SubtreeListing
from app.routes.account import build_account_router
from app.routes.errors import ErrorAnswers
from app.routes.file import FileRoute
from app.routes.folder import FolderRoute
from app.routes.forms import Forms
from app.routes.health import build_health_router
from app.routes.index_files import IndexFiles
from app.routes.invalidate import Bucket, build_invalidate_router
from app.routes.legacy_api import build_legacy_router
from app.routes.licence import build_licence_router
from app.routes.manifest import build_manifest_router
from app.routes.session import LoginDesk, build_session_router
from app.routes.session_cookie import SessionCookies
from app.routes.sign_on import SignOn, build_sign_on_router
from app.routes.static import build_static_router
from app.routes.tree import TreeApp
from app.server.application import build_application
from app.server.fast_lookup import FastLookup
from app.server.fast_path import FastPath
from app.server.fast_request import RequestReader
from app.server.front_door import FrontDoor
from app.server.hosts import Hosts
from app.storage.store import ObjectStore
from app.storage.urls import S3Place, parse_storage_url
from app.telemetry import AccessLog, ConsoleAccessLog, JsonAccessLog, Metrics, is_json, writer_to

DEFAULT_LICENCE: Final = "default"

_log = structlog.get_logger(__name__)


class WiredSite(NamedTuple):
    """One site, ready to answer.

    Attributes:
        channel: to the other workers of this replica, where there are any.
        access_log: takes a line for each request; None where the log level leaves them out.
    """

    front_door: FrontDoor
    catalog: Catalog
    authenticator: Authenticator
    login: Login
    channel: WorkerChannel | None
    access_log: AccessLog | None


class SiteWiring:
    """What a site needs beside its store: made once, however many servers are made of it.

    Args:
        settings: checked.
        policy: as `read_site_policy` gives it.
    """

    def __init__(self, settings: Settings, policy: SitePolicy) -> None:
        self._settings = settings
        self._policy = policy
        templates = templates_directory()
        self._html = HtmlPages(templates)
        self._static = load_static(templates)
        self._keys = KeyRing([key.get_secret_value() for key in settings.secret_keys] or [_ephemeral_key()])
        self._networks = parse_networks(settings.trusted_networks)
        self._proxies = parse_networks(settings.trusted_proxies)
        revocations = Revocations(settings.revoked_file)
        self._login = build_login(settings, self._keys, revocations)
        self._site = Site(settings.site_title, self._login.is_possible, contact_url(settings.contact))
        self._authenticator = Authenticator(
            self._keys, self._login.sessions, revocations, self._networks, self._proxies
        )

    def open(
        self,
        store: ObjectStore,
        metrics: Metrics,
        *,
        age_clock: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
        held: ByteCache | None = None,
        lifetimes: Lifetimes | None = None,
    ) -> WiredSite:
        """Make a server.

        Args:
            store: open, for as long as the server is used.
            age_clock: seconds, by which the age of folders is told; never goes back.
            clock: seconds since the epoch, UTC.
            held: where folders and pages are kept; of the size that the settings say where None.
            lifetimes: how long folders are kept; as the settings say where None.
        """
        settings = self._settings
        held = ByteCache(settings.cache_bytes) if held is None else held
        catalog = build_catalog(settings, self._policy, store, held, age_clock, lifetimes)
        requester = Requester(self._authenticator, self._networks, self._proxies, clock)
        shared = page_headers(settings.replica_id)
        pages = FolderPages(self._site, self._html, ResponseCache(held), shared)
        redirects = RedirectCache(held, shared, clock=clock)
        cache_headers = CacheHeaders(settings.cache_ttl, settings.cache_grace, settings.cache_max_stale)
        subtrees = SubtreeListing(catalog, store, clock)
        delivery = Delivery(
            store,
            redirects,
            serving=self._policy.serving,
            mode=settings.delivery,
            requester=requester,
            presign_seconds=settings.presign_seconds,
            clock=clock,
        )
        errors = ErrorAnswers(self._html, self._site)
        channel, is_own_host = _worker_channel(catalog), Hosts(settings.site_hosts)
        access_log = _access_log(settings)
        front_door = build_application(
            TreeApp(
                FolderRoute(
                    catalog,
                    pages,
                    subtrees,
                    cache_headers,
                    IndexFiles(catalog, delivery, self._policy.serving),
                ),
                FileRoute(catalog, delivery),
                requester,
                errors,
                redirects_links=settings.links == "redirect",
            ),
            self._routers(store, metrics, catalog, pages, requester, subtrees, channel, clock),
            errors,
            FastPath(
                RequestReader(requester, is_own_host),
                FastLookup(catalog, pages, redirects, cache_headers, self._policy.serving),
                metrics=metrics,
                access_log=access_log,
                replica_id=settings.replica_id,
            ),
            is_own_host=is_own_host,
            metrics=metrics,
            access_log=access_log,
            replica_id=settings.replica_id,
        )
        return WiredSite(front_door, catalog, self._authenticator, self._login, channel, access_log)

    def _routers(
        self,
        store: ObjectStore,
        metrics: Metrics,
        catalog: Catalog,
        pages: FolderPages,
        requester: Requester,
        subtrees: SubtreeListing,
        channel: WorkerChannel | None,
        clock: Callable[[], float],
    ) -> Sequence[APIRouter]:
        """One for each family of reserved paths."""
        site, html, forms = self._site, self._html, Forms(self._keys, requester, clock)
        return (
            build_health_router(store, metrics, requester),
            build_legacy_router(catalog, pages, requester),
            build_manifest_router(subtrees, requester),
            build_invalidate_router(catalog, requester, channel, _buckets(self._settings)),
            build_licence_router(catalog, requester, self._keys, forms, html, site, clock),
            *self._login_routers(requester, forms, clock),
            build_static_router(self._static),
        )

    def _login_routers(
        self, requester: Requester, forms: Forms, clock: Callable[[], float]
    ) -> Sequence[APIRouter]:
        login, html, site = self._login, self._html, self._site
        cookies = SessionCookies(login.sessions, requester, clock)
        sign_on = SignOn(login, cookies, requester, self._keys, clock)
        return (
            build_session_router(LoginDesk(login, sign_on, cookies, forms, html, site, clock)),
            build_sign_on_router(sign_on),
            build_account_router(login, cookies, requester, forms, html, site),
        )


def build_catalog(
    settings: Settings,
    site_policy: SitePolicy,
    store: ObjectStore,
    held: ByteCache,
    clock: Callable[[], float] = time.monotonic,
    lifetimes: Lifetimes | None = None,
) -> Catalog:
    """The catalog over an open store.

    Args:
        held: where folders are kept.
        clock: seconds, by which the age of folders is told; never goes back.
        lifetimes: how long folders are kept; as the settings say where None.
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
        lifetimes=lifetimes or Lifetimes(settings.cache_ttl, settings.cache_grace, settings.cache_max_stale),
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


def _worker_channel(catalog: Catalog) -> WorkerChannel | None:
    meeting_place = os.environ.get(DIRECTORY_VARIABLE)
    return WorkerChannel(Path(meeting_place), catalog.invalidate) if meeting_place else None


def _access_log(settings: Settings) -> AccessLog | None:
    if settings.log_level not in ("debug", "info"):
        return None
    return JsonAccessLog(writer_to(sys.stderr)) if is_json(settings.log_format) else ConsoleAccessLog()


def _buckets(settings: Settings) -> tuple[Bucket, ...]:
    urls = (*settings.storage, *((settings.overlay,) if settings.overlay else ()))
    places = map(parse_storage_url, urls)
    return tuple(Bucket(place.bucket, place.prefix) for place in places if isinstance(place, S3Place))


def _ephemeral_key() -> str:
    _log.warning("no_secret_keys", effect="tokens and licence acceptances end with this process")
    return secrets.token_hex(32)
