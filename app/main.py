"""The ASGI application. Nothing happens at import: the store is opened when the server starts."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import structlog
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from app.cache.worker_channel import WorkerChannel
from app.config import ConfigError, Settings
from app.domain.drain import Drain
from app.policy.site_policy import SitePolicy
from app.policy.site_policy_file import SitePolicyError, parse_site_policy
from app.server.fast_path import FastPath
from app.storage.open_store import open_storage
from app.telemetry import Metrics, watched_descriptors, writer_to
from app.wiring import SiteWiring
from app.wiring.revocations import kept_fresh

if TYPE_CHECKING:
    from app.auth.oidc.workloads import Workloads

SWITCH_SECONDS = 0.001

_log = structlog.get_logger(__name__)


class Application:
    """The ASGI application: opens everything when the server starts, and hands requests to the front door.

    Args:
        settings: checked.
        site_policy: as `read_site_policy` gives it.
        sources: for each setting, where its value came from.

    Attributes:
        fast_path: answers from memory; None before the server has started.
        drain: begins when the server is told to stop.
    """

    def __init__(
        self,
        settings: Settings,
        site_policy: SitePolicy,
        sources: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.drain = Drain()
        self._settings = settings
        self._sources = sources
        self._site_policy = site_policy
        self._lifespan = Router(lifespan=self._open)
        self._front: ASGIApp = self._lifespan
        self._admin: ASGIApp = self._lifespan
        self.fast_path: FastPath | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # This router has no routes; requests do not pass it.
        await (self._lifespan if scope["type"] == "lifespan" else self._front)(scope, receive, send)

    async def answer_operator(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application of the admin listener; for when the server has started."""
        await self._admin(scope, receive, send)

    @asynccontextmanager
    async def _open(self, _: Router) -> AsyncIterator[None]:
        settings, metrics = self._settings, Metrics()
        writer_to(sys.stderr).note_dropped = metrics.log_lines_dropped.inc
        async with open_storage(settings.storage, settings.overlay, watch=metrics) as store:
            wiring = SiteWiring(settings, self._site_policy, sources=self._sources, drain=self.drain)
            site = wiring.open(store, metrics)
            self._admin = site.operating.admin
            self._front = site.front_door
            self.fast_path = site.front_door.fast_path
            _log.info(
                "serving", storage=" ".join(settings.storage), replica=settings.replica_id, pid=os.getpid()
            )
            with _open_channel(site.channel):
                async with (
                    watched_descriptors(),
                    _keys_kept_fresh(site.workloads),
                    kept_fresh(wiring.revocations, settings, metrics),
                    site.operating.states.published(),
                ):
                    yield
            await site.catalog.aclose()
            await site.login.aclose()
            if site.access_log is not None:
                site.access_log.close()


def create_app(
    settings: Settings, site_policy: SitePolicy, sources: Mapping[str, str] = MappingProxyType({})
) -> Application:
    """The ASGI application for these settings. Args as `Application`."""
    return Application(settings, site_policy, sources)


def _keys_kept_fresh(workloads: Workloads | None) -> AbstractAsyncContextManager[None]:
    """Have the keys of other issuers at hand, where there are any."""
    return nullcontext() if workloads is None else workloads.kept_fresh()


@contextmanager
def _open_channel(channel: WorkerChannel | None) -> Iterator[None]:
    """Listen to the other workers, if there are any."""
    if channel is None:
        yield
        return
    channel.open()
    try:
        yield
    finally:
        channel.close()


def prepare_process() -> None:
    """Set up the interpreter for serving; once for each process that does."""
    _calm_garbage_collector()
    # While a thread renders a large folder, each turn of the event loop waits this long; the default is 5 ms.
    sys.setswitchinterval(SWITCH_SECONDS)


def _calm_garbage_collector() -> None:
    """Make the garbage collector check long-lived objects less often.

    Cached values live long and are never part of a cycle. With Python's default thresholds, a pass over all of
    them comes every few hundred new objects and blocks every request: up to 380 ms were measured with a million
    entries. Everything that is loaded by now lives to the end, and is left out. The pass over objects that survived one blocks
    requests too, 60 ms for 400,000 objects, so it comes often enough to find at most 20,000.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 10, 1_000)
    gc.enable()


def read_site_policy(settings: Settings, note_licence: Callable[[Path], object] | None = None) -> SitePolicy:
    """Read the site policy file that the settings name; without one, return an empty policy.

    Args:
        note_licence: called with each file that the policy names.

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
