"""Sends the first entries of a large folder while the rest is being read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from starlette.requests import Request

from app.catalog import FolderView, PartialView
from app.domain.access import VisibleEntry
from app.domain.errors import PierheadError, StoreUnavailable
from app.pages.representations import REPRESENTATIONS
from app.responses.caching import LISTING_VARY, NOT_STORED
from app.responses.folder_listing import FolderPages
from app.responses.headers import FOLDER_SECURITY_POLICY
from app.responses.line_stream import SEND_NOW, LineStream, has_chunks

_LINES_AT_ONCE: Final = 30
"""Entries of the first chunk: a screenful, made in a millisecond. The others are made while it is sent."""
_ENTRIES_AT_ONCE: Final = 200
"""Entries that are handled before others get a turn."""


def may_be_partial(request: Request, representation: str) -> bool:
    """Whether a part of the answer can go out before the rest is known."""
    has_lines = REPRESENTATIONS[representation].line is not None
    return has_lines and request.method == "GET" and has_chunks(request)


async def partial_answer(
    early: PartialView, representation: str, pages: FolderPages, *, in_parts: bool
) -> LineStream:
    """All entries of the folder: the first ones in listing order, and then the others.

    Where the page comes in parts, the others of its first part: so that the next one goes on where this ends.

    Not cached: the complete page follows and is cached instead.

    Args:
        representation: one for which it `may_be_partial`.
        in_parts: as `FolderPages.whole` takes it.
    """
    headers = {
        "Content-Type": REPRESENTATIONS[representation].media_type,
        **NOT_STORED,
        "Vary": LISTING_VARY,
        "Content-Security-Policy": FOLDER_SECURITY_POLICY,
    }
    return await LineStream.start(_pieces(early, representation, pages, in_parts=in_parts), headers)


async def _pieces(
    early: PartialView, representation: str, pages: FolderPages, *, in_parts: bool
) -> AsyncGenerator[bytes, None]:
    line_at = REPRESENTATIONS[representation].line
    assert line_at is not None
    line = line_at(early.first.mount)
    before = pages.around(early.first, representation)[0]
    try:
        first = early.first.entries()
        yield b"".join((before, *map(line, first[:_LINES_AT_ONCE])))
        yield b"".join(map(line, first[_LINES_AT_ONCE:]))
        yield SEND_NOW
        shown = set(map(_name, first))
        entries, after = await pages.first_part(await _whole(early), representation, in_parts=in_parts)
        for number, visible in enumerate(entries):
            if number % _ENTRIES_AT_ONCE == 0:
                await asyncio.sleep(0)  # even if none of them is to be sent
            if visible is not None and _name(visible) not in shown:
                yield line(visible)
        yield after
    finally:
        early.whole.cancel()


def _name(visible: VisibleEntry) -> tuple[str, bool]:
    """The identity of an entry in its folder."""
    return visible.entry.name, visible.entry.is_folder


async def _whole(early: PartialView) -> FolderView:
    """The complete folder.

    Raises:
        StoreUnavailable: it cannot be read, or this principal may no longer see it: the answer must break off.
    """
    try:
        return await early.whole
    except PierheadError as error:
        raise StoreUnavailable("broken-stream") from error
