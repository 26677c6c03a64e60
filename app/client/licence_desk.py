"""Shows licences to the user and takes the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from yarl import URL

from app.client.answers import document
from app.client.errors import LicenceNeeded, RequiredLicence
from app.client.licences import LicenceBook, text_of
from app.client.patience import Patience
from app.client.request import Reporter
from app.client.server import Server


class LicenceDesk:
    """Settles what stands before files, one licence at a time.

    Args:
        book: knows the accepted licences.
        reporter: shows and asks.
    """

    def __init__(self, server: Server, patience: Patience, book: LicenceBook, reporter: Reporter) -> None:
        self._server = server
        self._patience = patience
        self._book = book
        self._reporter = reporter
        self._asking = asyncio.Lock()
        self._declined: set[str] = set()
        self._shown: set[str] = set()

    async def settle(self, needed: LicenceNeeded) -> bool:
        """Whether all licences before a file are accepted, if need be after asking.

        Raises:
            FetchFailed: a text cannot be had.
        """
        async with self._asking:
            for licence in needed.licences:
                if not self._book.is_accepted(licence) and not await self._ask(licence, needed):
                    return False
            self._remember(needed.licences, needed.url)
        return True

    async def show(self, needed: LicenceNeeded) -> None:
        """Show the licences before a file, each text once.

        Raises:
            FetchFailed: a text cannot be had.
        """
        for licence in needed.licences:
            if licence.digest not in self._shown:
                self._shown.add(licence.digest)
                self._reporter.licence(licence, await self._text(licence, needed))

    async def _ask(self, licence: RequiredLicence, needed: LicenceNeeded) -> bool:
        if licence.digest in self._declined or not self._reporter.can_ask():
            return False
        self._reporter.licence(licence, await self._text(licence, needed))
        if await self._reporter.accepts(licence):
            self._remember((licence,), needed.url)
            return True
        self._declined.add(licence.digest)
        return False

    async def _text(self, licence: RequiredLicence, needed: LicenceNeeded) -> str:
        url = URL(needed.url, encoded=True)
        path = url.raw_path.removeprefix(needed.root_path)
        described = url.with_path(f"{needed.root_path}/api/license{path}", encoded=True)

        async def read() -> bytes:
            async with self._server.open("GET", described) as answer:
                return await document(answer.response)

        return text_of(licence, await self._patience.persist(read))

    def _remember(self, licences: Iterable[RequiredLicence], url: str) -> None:
        try:
            self._book.remember(licences, url)
        except OSError as error:
            self._reporter.notice(f"the licence is accepted for this time only: {error}")
