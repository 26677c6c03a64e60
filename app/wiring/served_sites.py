"""All sites of one plan, from their opening to their last answer. When the settings change, others take their place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Self

from starlette.types import ASGIApp

from app.auth.limits import Limits
from app.domain.lifetime import Lifetime
from app.plan import Plan, SitePlan
from app.server.fast_path import AnswersAtOnce
from app.server.late import loaded_soon
from app.server.sites import Door, SiteSwitch
from app.telemetry import Metrics
from app.wiring.login import build_keys
from app.wiring.logs import build_access_log
from app.wiring.operator import Operator
from app.wiring.parts import Shared
from app.wiring.served_site import ServedSite

if TYPE_CHECKING:
    from app.telemetry.tracing import Tracing


class ServedSites:
    """The sites of a plan. Make them with `open`.

    Attributes:
        answer: the application of all of them.
        fast_path: answers from memory.
        admin: the application of the operator's own listener.
    """

    answer: ASGIApp
    fast_path: AnswersAtOnce

    def __init__(self, sites: Sequence[ServedSite], operator: Operator, resources: AsyncExitStack) -> None:
        self._sites = sites
        self._operator = operator
        self._resources = resources
        self._announced = AsyncExitStack()
        self.admin = operator.admin

    @classmethod
    async def open(cls, plan: Plan, lifetime: Lifetime, metrics: Metrics, tracing: Tracing | None) -> Self:
        """Open all sites.

        Args:
            tracing: makes spans; None for none.

        Raises:
            Whatever keeps one of them from opening; nothing stays open then.
        """
        operator = Operator(plan.settings, plan.sources, build_keys(plan.settings), lifetime, metrics)
        shared = Shared(operator, Limits(time.monotonic), lifetime.versions, tracing)
        async with AsyncExitStack() as opening:
            opened: list[ServedSite] = []
            for one in plan.sites:
                site = await ServedSite.open(one, tuple(_other_hosts(plan, one)), shared, metrics)
                opening.push_async_callback(site.close)
                opened.append(site)
            await opening.enter_async_context(loaded_soon((operator.admin,)))
            sites = cls(opened, operator, AsyncExitStack())
            sites._let_in(plan, opening, metrics)
            sites._resources = opening.pop_all()
        return sites

    def _let_in(self, plan: Plan, opening: AsyncExitStack, metrics: Metrics) -> None:
        if not plan.has_tables:
            # Without a way to it that is longer than that of a server which knows of one site only.
            self.answer, self.fast_path = self._sites[0].answer, self._sites[0].fast_path
            return
        doors = {
            host: Door(site.answer, site.fast_path)
            for one, site in zip(plan.sites, self._sites, strict=True)
            for host in one.settings.site_hosts
        }
        if plan.sites[0].is_main:
            other = Door(self._sites[0].answer, self._sites[0].fast_path)
        else:
            access_log = build_access_log(plan.settings, metrics.log_lines_dropped.inc)
            if access_log is not None:
                opening.callback(access_log.close)
            other = Door(self._sites[0].for_other_hosts(access_log), None)
        self.answer = self.fast_path = SiteSwitch(doors, other)

    async def listen(self) -> None:
        """See `ServedSite.listen`."""
        for site in self._sites:
            await site.listen()

    def take_over(self, former: Self) -> None:
        """As `ServedSite.take_over`: each site from the one that it replaces."""
        before = {site.key_name: site for site in former._sites}
        for site in self._sites:
            if site.key_name in before:
                site.take_over(before[site.key_name])

    async def announce(self) -> None:
        """Show the state of these sites to the other workers of the replica. Only those of one plan may be shown."""
        await self._announced.enter_async_context(self._operator.states.published())

    async def prewarm(self) -> None:
        """Read the folders that the settings name."""
        await asyncio.gather(*(site.prewarm() for site in self._sites))

    async def retire(self) -> None:
        """Make room for the next ones. Each site closes after its last answer."""
        await self._announced.aclose()
        for site in self._sites:
            await site.retire()

    @property
    def are_closed(self) -> bool:
        """Whether retired sites have answered everything and let go of their stores."""
        return all(site.is_closed for site in self._sites)

    async def close(self) -> None:
        """Close everything."""
        await self._announced.aclose()
        await self._resources.aclose()


def _other_hosts(plan: Plan, one: SitePlan) -> Iterator[str]:
    """The host names of all sites but one."""
    return (host for site in plan.sites if site is not one for host in site.settings.site_hosts)
