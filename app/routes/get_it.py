"""`?get=`: a page with commands that fetch a file of a folder, or the folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from app.catalog import Catalog, FolderView
from app.domain.access import Access, Licence, VisibleEntry
from app.domain.entries import Digest, File
from app.domain.errors import ImpossiblePath, NotFound
from app.domain.paths import ArtifactPath, display_name
from app.domain.reserved import MANIFEST_PREFIX
from app.domain.totals import totals_of
from app.pages.contexts import Site
from app.pages.formats import date_text, iso_text, size_text
from app.pages.get_page import GetPage, Needs, file_commands, folder_commands
from app.pages.html import HtmlPages, totals_text
from app.responses.caching import NOT_STORED
from app.responses.headers import FOLDER_SECURITY_POLICY
from app.responses.listed_digests import ListedDigests
from app.responses.parsed_request import ParsedRequest
from app.responses.record import note_for_all, record_of, site_of
from app.routes.errors import licence_url
from app.routes.file_view import may_view

_MOST_LICENCES: Final = 8
_HEADERS: Final = {**NOT_STORED, "Content-Security-Policy": FOLDER_SECURITY_POLICY}
"""Not stored: it has the host of the request, and nobody should paste what another request put into a cache."""


class GetItRoute:
    """Answers `?get=NAME`, and `?get=` for the folder itself.

    Args:
        digests: say the digests of files.
        html: renders the page.
        site: named on it.
        site_url: makes a URL of a path that has its root path.
        clock: seconds since the epoch, UTC.
    """

    def __init__(
        self,
        catalog: Catalog,
        digests: ListedDigests,
        html: HtmlPages,
        site: Site,
        site_url: Callable[[Request, str], str],
        clock: Callable[[], float],
    ) -> None:
        self._catalog = catalog
        self._digests = digests
        self._html = html
        self._site = site
        self._site_url = site_url
        self._clock = clock

    async def answer(self, request: Request, parsed: ParsedRequest, name: str) -> Response:
        """The page.

        Args:
            name: percent-encoded; empty for the folder.

        Raises:
            NotFound: the folder has no such file, or not for this principal.
            As `Catalog.view_folder` and `Catalog.open_file`.
        """
        record_of(request).route = "get"
        principal = parsed.identity.principal
        view = await self._catalog.view_folder(parsed.path, principal, mount=parsed.mount)
        page = (
            await self._of_file(request, parsed, view, name)
            if name
            else self._of_folder(request, parsed, view)
        )
        note_for_all(request, principal)
        return Response(self._html.get(page), headers=_HEADERS, media_type="text/html")

    async def _of_file(self, request: Request, parsed: ParsedRequest, view: FolderView, name: str) -> GetPage:
        visible = _found(view, parsed.path, name)
        digests = await self._digests_of(view, visible)
        needs = _needs(request, [visible])
        url = self._site_url(request, parsed.mount.url(visible.path))
        shown = display_name(visible.entry.name)
        return GetPage(
            site_of(self._site, request),
            visible.path,
            parsed.mount,
            file_commands(url, shown, needs, digests),
            _facts(visible),
            digests,
            needs,
            has_view=isinstance(visible.entry, File) and may_view(visible.entry.name, visible.entry.size),
        )

    def _of_folder(self, request: Request, parsed: ParsedRequest, view: FolderView) -> GetPage:
        entries, mount = view.entries(), parsed.mount
        needs = _needs(request, entries)
        url = self._site_url(request, mount.url(parsed.path))
        manifest = self._site_url(request, f"{mount.root_path}{MANIFEST_PREFIX}{parsed.path.url}")
        read = iso_text(self._clock() - view.age)
        facts = [
            ("In this folder", totals_text(totals_of(entries))),
            ("As of", f"{date_text(read)} UTC" if read else ""),
        ]
        return GetPage(
            site_of(self._site, request),
            parsed.path,
            mount,
            folder_commands(url, manifest, mount.url(parsed.path).count("/") - 1, needs),
            tuple(fact for fact in facts if fact[1]),
            needs=needs,
        )

    async def _digests_of(self, view: FolderView, visible: VisibleEntry) -> tuple[Digest, ...]:
        """Those that are stored too, if the file may be had now."""
        if not visible.is_open:
            return (
                () if visible.locked else (await self._digests.of(view)).by_name.get(visible.entry.name, ())
            )
        opened = await self._catalog.open_file(visible.path, view.principal)
        return (await self._digests.completed(opened, view.principal)).info.digests


def _needs(request: Request, entries: Iterable[VisibleEntry]) -> Needs:
    """What a request for all of some entries must bring along."""
    licences: dict[Licence, str] = {}
    is_private = False
    for visible in entries:
        is_private |= visible.access is Access.PRIVATE
        for licence in visible.licences:
            if licence not in licences and len(licences) < _MOST_LICENCES:
                licences[licence] = licence_url(request, licence, visible.path)
    return Needs(tuple(licences.items()), is_private)


def _found(view: FolderView, folder: ArtifactPath, name: str) -> VisibleEntry:
    try:
        path = ArtifactPath.parse((folder.url + name).encode("utf-8", "surrogateescape"))
    except ImpossiblePath:
        raise NotFound from None
    visible = None if path.is_folder or path.parent != folder else view.find(path.name, is_folder=False)
    if visible is None:
        raise NotFound
    return visible


def _facts(visible: VisibleEntry) -> tuple[tuple[str, str], ...]:
    entry = visible.entry
    if not isinstance(entry, File):
        return ()
    modified = iso_text(entry.modified)
    size = size_text(entry.size) + (f" ({entry.size:,} bytes)" if entry.size >= 1024 else "")
    return (("Size", size), *((("Last modified", f"{date_text(modified)} UTC"),) if modified else ()))
