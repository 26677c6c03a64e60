"""Applications that the first answer of the tree does not need: they are built once the server is ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

READY_SECONDS: Final = 1.0
"""Between the start and the building, so that requests that wait for the start have the processor to themselves."""

_log = structlog.get_logger(__name__)


class LateApplication:
    """An ASGI application that a thread builds. A request that comes earlier has it built, and waits for it.

    Args:
        build: builds it; imports what it needs. If it fails, the next request tries again.
    """

    def __init__(self, build: Callable[[], ASGIApp]) -> None:
        self._build = build
        self._building: asyncio.Task[ASGIApp] | None = None
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._app or await self.load())(scope, receive, send)

    async def load(self) -> ASGIApp:
        """Have it built, if it is not yet. Raises what `build` raises.

        The thread goes on when a request that waits for it is cancelled, and the others still wait for the same one.
        """
        if self._app is not None:
            return self._app
        if self._building is None:
            self._building = asyncio.create_task(asyncio.to_thread(self._build))
        building = self._building
        try:
            self._app = await asyncio.shield(building)
        finally:
            if building.done() and self._building is building:
                self._building = None
        return self._app


@asynccontextmanager
async def loaded_soon(late: Sequence[LateApplication]) -> AsyncIterator[None]:
    """Load applications soon, one after the other, while the block runs."""
    loading = asyncio.create_task(_load_soon(late))
    try:
        yield
    finally:
        loading.cancel()
        with suppress(asyncio.CancelledError):
            await loading


async def _load_soon(late: Sequence[LateApplication]) -> None:
    await asyncio.sleep(READY_SECONDS)
    try:
        for application in late:
            await application.load()
    except Exception:  # noqa: BLE001 - a request tries again, and is answered with what it meets then
        _log.exception("late_application_failed", effect="requests for the server's own paths try again")
