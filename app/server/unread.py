"""Lets go of clients that ask for much and read nothing of it."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.server.patience import Patience
from app.server.send_watch import SendWatch


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

    def connection_lost(self, exc: Exception | None) -> None:
        """There is nothing to watch any more."""
        self._stop_unread()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client is slower than its answer. It may be, as long as it takes anything."""
        super().pause_writing()
        self._unread = self._watch(self._patience.unread)

    def resume_writing(self) -> None:
        """The client has taken most of what waited for it."""
        self._stop_unread()
        super().resume_writing()

    def _watch(self, seconds: float) -> SendWatch:
        connection = self.transport.get_extra_info("socket")
        return SendWatch(self.loop, connection, seconds, self.transport.abort)

    def _stop_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
