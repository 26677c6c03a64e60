"""Everything below a folder in one answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Final, Literal, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from app.catalog import Catalog
from app.catalog.stored_digests import Described, with_digests
from app.domain.access import Access, Principal, VisibleEntry, VisibleFiles
from app.domain.mounts import AT_ROOT, Mount
from app.domain.paths import ArtifactPath
from app.pages.checksum_list import STORED, checksum_line, left_out_line, left_out_total, source_line
from app.pages.entry_lines import entry_lines
from app.pages.formats import iso_text
from app.pages.links import next_walk_query
from app.pages.lists import entry_line
from app.pages.lists import left_out_line as ndjson_left_out_line
from app.pages.representations import REPRESENTATIONS
from app.responses.caching import LISTING_VARY, kept_for
from app.responses.line_stream import require_chunks, stream_lines
from app.responses.listed_digests import ListedDigests
from app.responses.record import note_for_all
from app.responses.rendered import rendered
from app.responses.subtree_digests import SubtreeDigests
from app.storage.store import ObjectStore

NO_CHECKSUM: Final = "no checksum is stored"
NOT_OPEN: Final = "not open to you"
UNREADABLE: Final = "closed, its rules cannot be read"

LineForm = Literal["ndjson", "text"]
Parts = AsyncGenerator[Sequence[VisibleEntry], None]


class Subtree(NamedTuple):
    """A request for a subtree.

    Attributes:
        path: the folder.
        principal: who asks.
        form: of the answer.
        fields: of the query, for a link that asks for the same.
        limit: most entries; None for all.
        after: begin behind this path below the folder, or None.
        digests: whether lines of ndjson have the digests that are stored with the files.
        mount: where the folder is listed.
    """

    path: ArtifactPath
    principal: Principal
    form: LineForm
    fields: Mapping[str, str]
    limit: int | None
    after: str | None
    digests: bool = False
    mount: Mount = AT_ROOT


class SubtreeListing:
    """Answers with everything below a folder.

    Args:
        store: holds the digests of its files.
        digests: says what other files say of them.
        clock: seconds since the epoch, UTC.
    """

    def __init__(
        self, catalog: Catalog, store: ObjectStore, digests: ListedDigests, clock: Callable[[], float]
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._digests = digests
        self._clock = clock

    async def answer(self, request: Request, asked: Subtree) -> Response:
        """A page if a limit is given, and otherwise a stream: everything, or the connection breaks.

        Raises:
            BadParameter: `after` is no path, or the client speaks HTTP/1.0.
            As `Catalog.walk` before the first entry.
        """
        require_chunks(request, "a list of a whole subtree")
        as_of = {"X-Pierhead-As-Of": iso_text(self._clock()) or ""}
        parts = self._catalog.walk(asked.path, asked.principal, asked.after, mount=asked.mount)
        listed = SubtreeDigests(self._catalog, self._digests, asked.principal)
        if asked.limit is not None:
            first = _FirstEntries(parts, asked.limit)
            lines = _lines(asked, first.parts(), self._store, listed)
            return await _page(request, asked, first, lines, as_of)
        headers = {
            "Content-Type": REPRESENTATIONS[asked.form].media_type,
            **kept_for(asked.principal),
            "Vary": LISTING_VARY,
            **as_of,
        }
        lines = _lines(asked, parts, self._store, listed)
        return await stream_lines(request, asked.principal, lines, headers)


async def _page(
    request: Request,
    asked: Subtree,
    first: _FirstEntries,
    lines: AsyncGenerator[bytes, None],
    headers: dict[str, str],
) -> Response:
    body = bytearray()
    async with aclosing(lines):
        async for line in lines:
            body += line
    note_for_all(request, asked.principal)
    link = ""
    if asked.limit is not None and first.last is not None and first.is_cut:
        link = f'<{next_walk_query(asked.path, first.last, asked.limit, asked.fields)}>; rel="next"'
        headers["Link"] = link
    return await rendered(
        request,
        bytes(body),
        REPRESENTATIONS[asked.form].media_type,
        asked.principal,
        headers,
        also_validated=link,
    )


class _FirstEntries:
    """Some entries, and whether others follow.

    Attributes:
        last: the last of them; None if there is none.
        is_cut: whether others follow.
    """

    def __init__(self, parts: Parts, limit: int) -> None:
        self._parts = parts
        self._limit = limit
        self.last: VisibleEntry | None = None
        self.is_cut = False

    async def parts(self) -> Parts:
        """Them, after which the attributes are right."""
        left = self._limit
        async with aclosing(self._parts) as parts:
            async for part in parts:
                self.is_cut = len(part) > left
                if some := part[:left]:
                    self.last = some[-1]
                    yield some
                if self.is_cut:
                    return
                left -= len(part)


async def _lines(
    asked: Subtree, parts: Parts, store: ObjectStore, listed: SubtreeDigests
) -> AsyncGenerator[bytes, None]:
    """What is written of the entries, and at the end that folders were left out, if any were."""
    async with aclosing(parts):
        if asked.form == "ndjson" and not asked.digests:
            async for lines in _plain_lines(parts, asked.mount):
                yield lines
            return
        async with aclosing(with_digests(parts, store, listed.of)) as described:
            lines_of_each = (
                _checksum_lines(described, asked.path)
                if asked.form == "text"
                else _ndjson_lines(described, asked.mount)
            )
            async for line in lines_of_each:
                yield line


async def _plain_lines(parts: Parts, mount: Mount) -> AsyncGenerator[bytes, None]:
    left_out = 0
    async for part in parts:
        left_out += _count_left_out(part)
        yield entry_lines(part, mount)
    if left_out:
        yield ndjson_left_out_line(left_out)


async def _ndjson_lines(
    entries: AsyncGenerator[Described, None], mount: Mount
) -> AsyncGenerator[bytes, None]:
    left_out = 0
    async for visible, digests in entries:
        left_out += _is_left_out(visible)
        yield entry_line(visible, mount, digests)
    if left_out:
        yield ndjson_left_out_line(left_out)


async def _checksum_lines(
    entries: AsyncGenerator[Described, None], root: ArtifactPath
) -> AsyncGenerator[bytes, None]:
    files = folders = 0
    source = STORED
    async for visible, digests in entries:
        if _is_left_out(visible):
            folders += 1
            yield left_out_line(UNREADABLE, visible, root)
        if visible.entry.is_folder or visible.locked:
            continue
        sha256 = next((digest for digest in digests or () if digest.algorithm == "sha-256"), None)
        if sha256 is not None:
            said_by = visible.path.parent.child(sha256.source) if sha256.source else None
            if (named := source_line(said_by, root) if said_by else STORED) != source:
                source = named
                yield source
            yield checksum_line(sha256.value.hex(), visible, root)
        else:
            files += 1
            yield left_out_line(NOT_OPEN if digests is None else NO_CHECKSUM, visible, root)
    if files or folders:
        yield left_out_total(files, folders)


def _count_left_out(part: Sequence[VisibleEntry]) -> int:
    return 0 if isinstance(part, VisibleFiles) else sum(map(_is_left_out, part))


def _is_left_out(visible: VisibleEntry) -> bool:
    """Whether this is a folder whose rules cannot be read, so that its entries do not follow."""
    return visible.entry.is_folder and visible.access is Access.CLOSED
