"""Pages of folders: from the cache, or else rendered and compressed once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from functools import partial
from typing import Final, NamedTuple

from app.cache.response_cache import ListingKey, ResponseCache, StoredResponse
from app.cache.single_flight import SingleFlight
from app.catalog import FolderSorter, FolderTotals, FolderView, Page, name_filter, take_page
from app.domain.access import VisibleEntry
from app.domain.entries import Entry
from app.domain.order import Order
from app.domain.paths import ArtifactPath
from app.domain.totals import Totals, totals_of
from app.domain.turns import MANY_ENTRIES, free_in_parts, run_aside
from app.domain.visible_parts import made_entries
from app.http_semantics import known_media_type
from app.pages.contexts import FolderPage, Site
from app.pages.html import HtmlPages
from app.pages.legacy_lists import ls_json
from app.pages.links import next_query
from app.pages.representations import REPRESENTATIONS, Representation
from app.policy.serving import ServingRules
from app.responses.caching import LISTING_VARY, Variation
from app.responses.folder_documents import Documents, FolderDocuments
from app.responses.headers import store_headers
from app.responses.listed_digests import FolderDigests
from app.responses.page_request import PageRequest
from app.responses.stored_page import stored_page

LS: Final = Representation(
    "ls", "application/json", lambda _, page: ls_json(page.entries, known_media_type, page.mount)
)
"""The representation of `/api/ls/`. It cannot be requested by `format`."""
_FORMS: Final = {**REPRESENTATIONS, LS.name: LS}

PAGE_ROWS: Final = 2000
"""Most rows of one page in a browser, which takes seconds to lay out five times as many."""
_IN_PARTS: Final = "html-in-parts"
"""Stands for `html` in the keys of pages that are not all of their folder."""
_AS_NAMED: Final = Variation()
_NOT_MODIFIED: Final = frozenset(
    {
        b"etag",
        b"vary",
        b"x-content-type-options",
        b"referrer-policy",
        b"content-security-policy",
        b"x-pierhead-replica",
    }
)


class _Beside(NamedTuple):
    """What is on a page beside the entries of its folder."""

    documents: FolderDocuments
    digests: FolderDigests = FolderDigests()
    totals: Totals | None = None


class FolderPages:
    """Renders folders.

    Args:
        site: named on every page.
        html: renders HTML.
        cache: keeps rendered pages.
        sorter: sorts folders that are not in the listing order.
        totals: counts what is in them.
        serving: says which folders those are.
        documents: gives the files of a folder that its page shows as well.
        digests: gives what files of a folder say of others.
        shared: headers that every answer has.
        variation: says on what else pages depend.
    """

    def __init__(
        self,
        site: Site,
        html: HtmlPages,
        cache: ResponseCache,
        sorter: FolderSorter,
        totals: FolderTotals,
        serving: ServingRules,
        documents: Documents,
        digests: Callable[[FolderView], Awaitable[FolderDigests]],
        shared: Mapping[str, str],
        variation: Variation = _AS_NAMED,
    ) -> None:
        self._site = site
        self._html = html
        self._cache = cache
        self._sorter = sorter
        self._totals = totals
        self._serving = serving
        self._documents = documents
        self._digests = digests
        self._shared = shared
        self._variation = variation
        self._flights: SingleFlight[tuple[ListingKey, Hashable], StoredResponse] = SingleFlight()

    def order_of(self, folder: ArtifactPath) -> Order | None:
        """The order that is a folder's own; None for the listing order."""
        return self._serving.options_for(folder).folder_order

    def ready(
        self, view: FolderView, representation: str, encoding: str, *, in_parts: bool = False
    ) -> StoredResponse | None:
        """A page that was rendered for the same tier from the same snapshot; or None.

        A rendered page means that this tier may see the folder: no other page is ever cached.
        """
        return self._cache.get(*_place(view, representation, encoding, in_parts))

    async def whole(
        self, view: FolderView, representation: str, encoding: str, *, in_parts: bool = False
    ) -> StoredResponse:
        """The page of a folder with all its entries, or with the first of them.

        Args:
            view: of a principal who may list the folder.
            in_parts: whether a page for people has `PAGE_ROWS` rows at most.
        """
        if (page := self.ready(view, representation, encoding, in_parts=in_parts)) is not None:
            return page
        key, version = _place(view, representation, encoding, in_parts)
        cut = _limited(PageRequest(), representation, in_parts=in_parts)
        if (beside := self._beside_at_once(view, representation)) is not None:
            page = self._render(view, representation, encoding, cut, beside)
            self._cache.put(key, version, page)
            return page

        async def render() -> StoredResponse:
            page, is_lasting = await self._made(view, representation, encoding, cut)
            if is_lasting:
                self._cache.put(key, version, page)
            return page

        return await self._flights.join((key, version), render)

    async def part(
        self,
        view: FolderView,
        representation: str,
        encoding: str,
        cut: PageRequest,
        *,
        in_parts: bool = False,
    ) -> StoredResponse:
        """The page of a folder with some of its entries. It is not cached: there are too many of these.

        Args:
            in_parts: as in `whole`, where the request has no limit of its own.

        Raises:
            BadParameter: `cut.after` is no name, or `cut.name_like` is too long.
        """
        limited = _limited(cut, representation, in_parts=in_parts)
        return (await self._made(view, representation, encoding, limited))[0]

    def around(
        self, view: FolderView, representation: str, next_after: str | None = None
    ) -> tuple[bytes, bytes]:
        """The parts of a page before and after its entries, for a folder whose entries are not all known yet.

        Args:
            next_after: as in `FolderPage`.
        """
        site = self._site.under(view.mount.root_path)
        context = FolderPage(site, view.snapshot.path, (), next_after, mount=view.mount)
        return REPRESENTATIONS[representation].around(self._html, context)

    async def first_part(
        self, view: FolderView, representation: str, *, in_parts: bool
    ) -> tuple[Iterable[VisibleEntry | None], bytes]:
        """The entries that a page has in the listing order, as `each` of a view gives them, and what comes after them."""
        limit = _limited(PageRequest(), representation, in_parts=in_parts).most
        if limit is None or len(view.snapshot.entries) <= limit:
            return view.each(), self.around(view, representation)[1]
        part = await run_aside(
            lambda: take_page(view.snapshot.entries, view.show, after=None, limit=limit), entries=limit
        )
        return part.entries, self.around(view, representation, part.next_after)[1]

    async def _made(
        self, view: FolderView, representation: str, encoding: str, cut: PageRequest
    ) -> tuple[StoredResponse, bool]:
        """A page, and whether the next one would be the same: it is not where the store did not give all that is on it."""
        beside = await self._beside(view, representation, cut)
        render = partial(self._render, view, representation, encoding, cut, beside)
        page = await run_aside(render, entries=len(view.snapshot.entries))
        return page, beside.documents.is_complete and beside.digests.is_complete

    def _beside_at_once(self, view: FolderView, representation: str) -> _Beside | None:
        """What is on the page of a whole folder beside its entries; None where that may take waiting, or the page a thread."""
        if len(view.snapshot.entries) >= MANY_ENTRIES or _FORMS[representation].has_digests:
            return None
        documents = self._documents.ready(view) if representation == "html" else FolderDocuments()
        return None if documents is None else _Beside(documents)

    async def _beside(self, view: FolderView, representation: str, cut: PageRequest) -> _Beside:
        form = _FORMS[representation]
        has_documents = representation == "html" and cut.is_first_of_all
        documents = await self._documents.of(view) if has_documents else FolderDocuments()
        digests = await self._digests(view) if form.has_digests else FolderDigests()
        is_cut = cut.most is not None and len(view.snapshot.entries) > cut.most
        totals = await self._totals.of(view) if _is_counted(form, cut) and is_cut else None
        return _Beside(documents, digests, totals)

    def _render(
        self, view: FolderView, representation: str, encoding: str, cut: PageRequest, beside: _Beside
    ) -> StoredResponse:
        context = self._context(view, representation, cut, beside)
        page = self._page(context, representation, encoding, view.snapshot.origin)
        if (following := next_query(context, cut.format)) is not None:
            link = (b"link", f'<{following}>; rel="next"'.encode("ascii"))
            page = StoredResponse.of(page.body, (*page.headers, link), page.e_tag.decode("ascii"))
        made = made_entries(context.entries)
        del context
        free_in_parts(made)
        return page

    def _context(
        self, view: FolderView, representation: str, cut: PageRequest, beside: _Beside
    ) -> FolderPage:
        order = cut.order or self.order_of(view.snapshot.path)
        part = self._part(view, cut, order)
        is_counted = part.next_after is None and _is_counted(_FORMS[representation], cut)
        return FolderPage(
            self._site.under(view.mount.root_path),
            view.snapshot.path,
            part.entries,
            part.next_after,
            cut.limit,
            order,
            view.mount,
            beside.documents.shown,
            cut.name_like,
            beside.digests.by_name,
            part.previous_after,
            totals_of(part.entries) if is_counted else beside.totals,
            has_sizes=cut.sizes,
        )

    def _part(self, view: FolderView, cut: PageRequest, order: Order | None) -> Page:
        most = cut.most
        if order is None and cut.is_first_of_all and (most is None or len(view.snapshot.entries) <= most):
            return Page(view.entries(), None)
        show = view.show if cut.name_like is None else _shown_if(name_filter(cut.name_like), view.show)
        entries = view.snapshot.entries if order is None else self._sorter.entries(view, order)
        return take_page(entries, show, after=cut.after, limit=most, order=order)

    def _page(self, context: FolderPage, representation: str, encoding: str, origin: str) -> StoredResponse:
        form = _FORMS[representation]
        body = form.page(self._html, context)
        vary = self._variation.of(LISTING_VARY, context.mount.root_path)
        headers = {"Content-Type": form.media_type, "Vary": vary, **self._shared, **store_headers(origin)}
        return stored_page(body, encoding, headers)


def _is_counted(form: Representation, cut: PageRequest) -> bool:
    """Whether a page says how much there is in all. Who sets a limit pays for that many entries."""
    return form.has_totals and cut.is_first_of_all and cut.limit is None


def _limited(cut: PageRequest, representation: str, *, in_parts: bool) -> PageRequest:
    return cut._replace(rows=PAGE_ROWS) if in_parts and representation == "html" else cut


def _place(
    view: FolderView, representation: str, encoding: str, in_parts: bool
) -> tuple[ListingKey, Hashable]:
    """Where a page is kept, and what it is made from.

    A page with the origin of its request is kept for the last origin only: anybody can ask by many hosts.
    """
    if in_parts and representation == "html" and len(view.snapshot.entries) > PAGE_ROWS:
        representation = _IN_PARTS
    mount, version = view.mount, view.snapshot.version
    if not mount.origin:
        return ListingKey(view.snapshot.path, view.tier, representation, encoding, mount), version
    key = ListingKey(view.snapshot.path, view.tier, representation, encoding, mount._replace(origin=""))
    return key, (version, mount.origin)


def _shown_if(
    is_meant: Callable[[str], bool], show: Callable[[Entry], VisibleEntry | None]
) -> Callable[[Entry], VisibleEntry | None]:
    return lambda entry: show(entry) if is_meant(entry.name) else None


def not_modified_headers(page: StoredResponse) -> list[tuple[bytes, bytes]]:
    """The fields of a page that a 304 repeats (RFC 9110 section 15.4.5)."""
    return [field for field in page.headers if field[0] in _NOT_MODIFIED]
