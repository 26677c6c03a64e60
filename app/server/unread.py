"""Lets go of clients that read nothing: neither an answer, nor the end of their connection."""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.server.patience import Patience
from app.server.send_watch import SendWatch, has_sent_all

FAREWELL_SECONDS: Final = 0.25
"""Between two looks at whether a client has everything. It may take so long to close its side of TLS too."""


class ReadingHttpProtocol(HttpToolsProtocol):
    """One connection, to a client that reads what it gets, however slowly.

    Args:
        patience: how long it waits for the client.
        options: of uvicorn's protocol.
    """

    transport: asyncio.Transport

    def __init__(self, *, patience: Patience, **options: Any) -> None:
        super().__init__(**options)
        self._patience = patience
        self._unread: SendWatch | None = None
        self._leaving: TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """There is nothing to watch any more."""
        self._stop_unread()
        if self._leaving is not None:
            self._leaving.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close the connection, after the answer that is being made.

        TLS would then wait for the client to close its side too. One that keeps the connection for later does not look at
        it, and need not be waited for (RFC 9112 section 9.8).
        """
        super().shutdown()
        if self.scheme == "https":
            self._leave_soon(was_done=False)

    def pause_writing(self) -> None:
        """The client is slower than its answer. It may be, as long as it takes anything."""
        super().pause_writing()
        self._unread = self._watch(self._patience.unread)

    def resume_writing(self) -> None:
        """The client has taken most of what waited for it."""
        self._stop_unread()
        super().resume_writing()

    def _leave_soon(self, *, was_done: bool) -> None:
        self._leaving = self.loop.call_later(FAREWELL_SECONDS, self._leave, was_done)

    def _leave(self, was_done: bool) -> None:
        """Abort when the client has everything, which is seen twice: the loop may be about to send more."""
        is_done = self.transport.is_closing() and has_sent_all(self.transport.get_extra_info("socket"))
        if is_done and was_done:
            self.transport.abort()
        else:
            self._leave_soon(was_done=is_done)

    def _watch(self, seconds: float) -> SendWatch:
        connection = self.transport.get_extra_info("socket")
        return SendWatch(self.loop, connection, seconds, self.transport.abort)

    def _stop_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
