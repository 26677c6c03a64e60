"""The ASGI application. Nothing happens at import: the store is opened when the server starts."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import structlog
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from app.config import ConfigError, Settings
from app.domain.lifetime import Lifetime
from app.domain.own_file import read_own_file, read_own_text
from app.plan import Plan, SitePlan
from app.policy.site_policy import SitePolicy
from app.policy.site_policy_file import SitePolicyError, parse_site_policy
from app.server.fast_path import AnswersAtOnce
from app.server.tls import Certificates
from app.server.whole_answer import WholeAnswers
from app.telemetry import Metrics, configure_logging, watched_descriptors, writer_to
from app.wiring.logs import build_tracing
from app.wiring.served_sites import ServedSites

if TYPE_CHECKING:
    from app.telemetry.tracing import Tracing

SWITCH_SECONDS = 0.001

_log = structlog.get_logger(__name__)


class Application:
    """The ASGI application: opens everything when the server starts, and hands requests to the sites.

    Args:
        plan: what to serve.
        plans: those that are to replace it, one after the other; None if it stays to the end.

    Attributes:
        fast_path: answers from memory; None before the server has started.
        whole_answers: writes them, on all connections.
        certificates: answer the handshakes of TLS; None without.
        lifetime: of this process. Its drain begins when the server is told to stop.
    """

    def __init__(self, plan: Plan, plans: AsyncIterator[Plan] | None = None) -> None:
        self.lifetime = Lifetime()
        self.fast_path: AnswersAtOnce | None = None
        self.whole_answers = WholeAnswers()
        self.certificates = Certificates(plan.tls) if plan.tls else None
        self._plan = plan
        self._plans = plans
        self._lifespan = Router(lifespan=self._open)
        self._answer: ASGIApp = self._lifespan
        self._admin: ASGIApp = self._lifespan
        self._served: list[ServedSites] = []
        self._tracing: Tracing | None = None
        self._prewarming: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # This router has no routes; requests do not pass it.
        await (self._lifespan if scope["type"] == "lifespan" else self._answer)(scope, receive, send)

    async def answer_operator(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application of the admin listener; for when the server has started."""
        await self._admin(scope, receive, send)

    @asynccontextmanager
    async def _open(self, _: Router) -> AsyncIterator[None]:
        metrics = Metrics()
        writer_to(sys.stderr).note_dropped = metrics.log_lines_dropped.inc
        self.lifetime.reload = self._plan.reload
        self.lifetime.is_warming = any(site.settings.prewarm for site in self._plan.sites)
        metrics.note_reload(self._plan.reload)
        async with AsyncExitStack() as last, watched_descriptors():
            last.callback(metrics.note_until_now)
            self._tracing = build_tracing(self._plan.settings)
            if self._tracing is not None:
                last.push_async_callback(self._tracing.aclose)
            last.push_async_callback(self._close)
            await self._serve(self._plan, metrics)
            for site in self._plan.sites:
                named = {"site": site.name} if site.name else {}
                storage, replica = " ".join(site.settings.storage), site.settings.replica_id
                _log.info("serving", **named, storage=storage, replica=replica, pid=os.getpid())
            async with in_background(self._follow(metrics)):
                yield

    async def _serve(self, plan: Plan, metrics: Metrics) -> None:
        """Answer by this plan from now on. What is being answered goes on by the one before it."""
        sites = await ServedSites.open(plan, self.lifetime, metrics, self._tracing)
        if plan.tls is not None and self.certificates is not None:
            self.certificates.use(plan.tls)
            metrics.certificate_expires.set(plan.tls.expires())
        former = self._served[-1:]
        await sites.listen()
        for before in former:
            sites.take_over(before)
        for one in [one for one in self._served if one.are_closed]:
            self._served.remove(one)
            await one.close()
        self._served.append(sites)
        self._answer, self._admin, self.fast_path = sites.answer, sites.admin, sites.fast_path
        if self._prewarming is not None:
            self._prewarming.cancel()
        for one in former:
            await one.retire()
        await sites.announce()
        self._prewarming = asyncio.create_task(self._prewarm(sites))

    async def _prewarm(self, sites: ServedSites) -> None:
        try:
            await sites.prewarm()
        finally:
            self.lifetime.is_warming = False

    async def _follow(self, metrics: Metrics) -> None:
        """Replace the plan by each one that comes."""
        if self._plans is None:
            return
        async for plan in self._plans:
            if self.lifetime.drain.has_begun:
                _log.warning("reload_ignored", why="the server is stopping")
                continue
            reload = plan.reload
            if reload is not None and not reload.faults:
                try:
                    await self._serve(plan, metrics)
                except Exception as error:  # noqa: BLE001 - whatever it is, the former sites go on
                    _log.exception("reload_failed")
                    reload = reload._replace(faults=(f"{type(error).__name__}: {error}",))
                else:
                    configure_logging(plan.settings.log_level, plan.settings.log_format)
                    _log.info("reloaded", pid=os.getpid())
            self.lifetime.reload = reload
            metrics.note_reload(reload)

    async def _close(self) -> None:
        if self._prewarming is not None:
            self._prewarming.cancel()
            await asyncio.gather(self._prewarming, return_exceptions=True)
        for sites in self._served:
            await sites.close()


def create_app(
    settings: Settings, site_policy: SitePolicy, sources: Mapping[str, str] = MappingProxyType({})
) -> Application:
    """The ASGI application of one site. Args as `SitePlan`."""
    return Application(Plan(settings, (SitePlan(settings, site_policy, sources),), sources))


@asynccontextmanager
async def in_background(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Have something done for as long as the block lasts, at most."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


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

    def read_text(name: str) -> str:
        licence = path.parent / name
        if note_licence is not None:
            note_licence(licence)
        return read_own_text(licence)

    try:
        return parse_site_policy(
            read_own_text(path),
            source=str(path),
            read_text=read_text,
            read_bytes=lambda name: read_own_file(path.parent / name),
        )
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError((f"policy_file: {path} cannot be read: {error}",)) from error
    except SitePolicyError as error:
        raise ConfigError(tuple(map(str, error.faults))) from error
