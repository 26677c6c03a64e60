"""`?view=1`: a page that shows a text file with numbered lines, or an image."""

from __future__ import annotations

from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from app.catalog import OpenedFile
from app.domain.access import Access
from app.domain.errors import BadParameter, ObjectArchived
from app.domain.texts import text_of
from app.domain.turns import run_aside
from app.http_semantics import media_type_for
from app.pages.contexts import Site
from app.pages.file_view import MAX_IMAGE_BYTES, ImagePage
from app.pages.formats import count_text, size_text
from app.pages.html import HtmlPages
from app.pages.text_view import MAX_LINES, MAX_TEXT_BYTES, TextPage, lines_of, numbered
from app.responses.caching import PRIVATE, REVALIDATED
from app.responses.parsed_request import ParsedRequest
from app.responses.record import note_for_all, record_of, site_of
from app.responses.rendered import rendered
from app.storage.store import ObjectStore

_ALLOWED: Final = (
    f"left out: pages show text files of at most {size_text(MAX_TEXT_BYTES)} and {MAX_LINES:,} lines, "
    f"and images of at most {size_text(MAX_IMAGE_BYTES)}"
)
_TEXTS: Final = frozenset({"application/json", "application/xml", "application/toml", "application/x-sh"})
_IMAGES: Final = frozenset(
    {"image/avif", "image/gif", "image/jpeg", "image/png", "image/svg+xml", "image/webp"}
)
"""Those that browsers show, and run nothing of as the image of a page (HTML's section on `img`)."""


class FileView:
    """Shows text files and images.

    Args:
        store: where the bytes are.
        html: renders the page.
        site: named on it.
    """

    def __init__(self, store: ObjectStore, html: HtmlPages, site: Site) -> None:
        self._store = store
        self._html = html
        self._site = site

    async def answer(self, request: Request, parsed: ParsedRequest, opened: OpenedFile) -> Response:
        """The page.

        Args:
            opened: a file that the principal may have.

        Raises:
            BadParameter: it is neither a text nor an image, or too large.
            ObjectArchived: it must be restored first.
            As `ObjectStore.open_range`.
        """
        info = opened.info
        if info.is_archived:
            raise ObjectArchived(info.storage_class)
        if not may_view(opened.path.name, info.size, info.content_type) or info.stored.encoding:
            raise BadParameter("view", _ALLOWED)
        record_of(request).route = "view"
        if _media_type(opened.path.name, info.content_type) in _IMAGES:
            body = self._image_page(request, parsed, opened)
        else:
            content = await self._read(opened)
            body = await run_aside(
                partial(self._text_page, request, parsed, opened, content), size=len(content)
            )
        note_for_all(request, parsed.identity.principal)
        kept = REVALIDATED if opened.access is Access.PUBLIC else PRIVATE
        return await rendered(request, body, "text/html; charset=utf-8", parsed.identity.principal, kept)

    async def _read(self, opened: OpenedFile) -> bytes:
        if not opened.info.size:
            return b""
        async with self._store.open_range(opened.path, opened.info, 0, opened.info.size) as chunks:
            return b"".join([chunk async for chunk in chunks])

    def _text_page(
        self, request: Request, parsed: ParsedRequest, opened: OpenedFile, content: bytes
    ) -> bytes:
        text = text_of(content)
        lines = lines_of(text)
        if len(lines) > MAX_LINES or "\0" in text[:1024]:
            raise BadParameter("view", _ALLOWED)
        summary = f"{count_text(len(lines), 'line', 'lines')}, {size_text(opened.info.size)}"
        site, link = site_of(self._site, request), record_of(request).link
        return self._html.text(
            TextPage(site, opened.path, parsed.mount, link, summary, lines=numbered(lines))
        )

    def _image_page(self, request: Request, parsed: ParsedRequest, opened: OpenedFile) -> bytes:
        site, link = site_of(self._site, request), record_of(request).link
        return self._html.image(ImagePage(site, opened.path, parsed.mount, link, size_text(opened.info.size)))


def may_view(name: str, size: int, content_type: str | None = None) -> bool:
    """Whether a file is one that a page shows, as far as name, size and media type tell."""
    media_type = _media_type(name, content_type)
    if media_type in _IMAGES:
        return 0 < size <= MAX_IMAGE_BYTES
    return size <= MAX_TEXT_BYTES and (media_type.startswith("text/") or media_type in _TEXTS)


def _media_type(name: str, content_type: str | None) -> str:
    return (content_type or media_type_for(name)).partition(";")[0].strip().lower()
