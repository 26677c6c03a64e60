"""An `ObjectStore` over a tree in memory, which fails when told to and counts calls."""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_right
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from operator import itemgetter
from typing import NamedTuple

from app.domain.entries import Digest, FileInfo, Found, Listing, StoredFields, walk_order
from app.domain.entry_table import EntryTable
from app.domain.errors import ObjectChanged
from app.domain.paths import ArtifactPath
from app.storage.folder_walk import as_page
from app.storage.observation import observed
from app.storage.store import (
    CONTROL_FILE_LIMIT,
    FirstPage,
    FolderWatch,
    ListNames,
    ObjectStore,
    Observer,
    Result,
    SignedUrl,
)
from tests.support.object_tree import NOTHING_STORED, ObjectTree, StoredObject, as_bytes, opaque_tag

CHUNK_BYTES = 64 * 1024


class Call(NamedTuple):
    """One call that was made: `list`, `walk`, `head`, `get`, `presign` or `check`, and the path's text.

    Each page of a walk is a call, with the text of the path behind which it begins.
    """

    operation: str
    path: str


class MemoryStore:
    """Its keys are those of an `ObjectTree`.

    Attributes:
        calls: every call made so far, in order.
        presign_base: where presigned URLs point; None for a store that has none.
        presign_until: what they say of themselves, as in `SignedUrl`.
        page_entries: how much one page of a walk has.
        first_entries: with so many of a larger folder, those who watch are told of its beginning; 0 for never.
        rest: what the remainder of such a folder waits for.
    """

    is_one = True
    has_first_pages = True

    def __init__(self, *, observe: Observer | None = None, presign_base: str | None = None) -> None:
        self.calls: list[Call] = []
        self.presign_base = presign_base
        self.presign_until = math.inf
        self.page_entries = 1000
        self.first_entries = 0
        self.rest = asyncio.Event()
        self.rest.set()
        self._observe: Observer = observe or (lambda operation, outcome, seconds: None)
        self._tree = ObjectTree()
        self._next_errors: list[Exception] = []
        self._standing_errors: dict[str, Exception] = {}

    def put(
        self,
        path: str,
        content: bytes = b"",
        *,
        modified: float = 1e9,
        content_type: str | None = None,
        digests: tuple[Digest, ...] = (),
        stored: StoredFields = NOTHING_STORED,
    ) -> None:
        """Store a file, or an empty folder where the path ends in `/`."""
        self._tree.put(path, StoredObject(content, modified, content_type, digests, stored))

    @staticmethod
    def e_tag_of(content: bytes) -> str:
        """Value of the `ETag` field of a file with this content."""
        return f'"{opaque_tag(content)}"'

    def remove(self, path: str) -> None:
        """Take one file, link or folder marker away."""
        self._tree.remove(path)

    def clear(self) -> None:
        """Begin anew: an empty tree, no failures, no calls."""
        self._tree.clear()
        for held in (self.calls, self._next_errors, self._standing_errors):
            held.clear()

    def link(self, path: str, target: str) -> None:
        """Make `path` a link to the file or folder at `target`, both without a trailing slash."""
        self._tree.link(path, target)

    def skip(self, folder: str, *names: str) -> None:
        """Let a folder's listing say that these names are there but cannot be served."""
        self._tree.skip(folder, names)

    def fail_next(self, error: Exception) -> None:
        """Raise `error` from the next call, whatever it is. Several queue up."""
        self._next_errors.append(error)

    def fail_on(self, operation: str, error: Exception | None, *, path: str | None = None) -> None:
        """Raise `error` from every call of one operation (on one path) from now on; None ends that."""
        key = operation if path is None else f"{operation} {path}"
        if error is None:
            self._standing_errors.pop(key, None)
        else:
            self._standing_errors[key] = error

    async def list_folder(self, path: ArtifactPath, watch: FolderWatch | None = None) -> Listing:
        """See `ObjectStore.list_folder`."""
        folder = path.as_folder
        with observed(self._observe, "list"):
            self._start("list", folder)
            listing = self._tree.list_folder(folder)
            if watch is not None and 0 < self.first_entries < len(listing.entries):
                in_order = sorted(listing.entries, key=walk_order)[: self.first_entries]
                watch.began(FirstPage(EntryTable.of(in_order), (), walk_order(in_order[-1])))
                await self.rest.wait()
            return listing

    async def walk(
        self, path: ArtifactPath, after: str, list_names: ListNames
    ) -> AsyncGenerator[Sequence[Found], None]:
        """See `ObjectStore.walk`."""
        is_more = True
        while is_more:
            with observed(self._observe, "list"):
                self.calls.append(Call("walk", after))
                self._fail_if_told("walk", after)
                # Looked up anew for each page, as S3 does: the tree may have changed since the one before.
                below = self._tree.found_below(path)
                begin = bisect_right(below, as_bytes(after), key=itemgetter(0))
                end = begin + self.page_entries
                page, is_more = below[begin:end], end < len(below)
            yield as_page(single for _, single in page)
            after = page[-1][0].decode("utf-8", "surrogateescape") if page else after

    async def head(self, path: ArtifactPath, *, is_listed: bool = False) -> FileInfo:
        """See `ObjectStore.head`."""
        with observed(self._observe, "head"):
            self._start("head", path)
            return self._tree.find(path).info

    async def read_small(self, path: ArtifactPath, *, is_listed: bool = False) -> bytes:
        """See `ObjectStore.read_small`."""
        with observed(self._observe, "get"):
            self._start("get", path)
            content = self._tree.find(path).content
            if len(content) > CONTROL_FILE_LIMIT:
                raise ValueError("too big for a control file")
            return content

    @asynccontextmanager
    async def open_range(
        self, path: ArtifactPath, info: FileInfo, first: int, length: int
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `ObjectStore.open_range`."""
        with observed(self._observe, "get"):
            self._start("get", path)
            found = self._tree.find(path)
            if found.info.e_tag != info.e_tag:
                raise ObjectChanged
        async with aclosing(_chunks(found.content[first : first + length])) as chunks:
            yield chunks

    async def presign(
        self, path: ArtifactPath, *, fields: Mapping[str, str], expires: int, origin: str = ""
    ) -> SignedUrl | None:
        """See `ObjectStore.presign`."""
        self._start("presign", path)
        if self.presign_base is None:
            return None
        return SignedUrl(f"{self.presign_base}{path.url}?signature=fake", self.presign_until)

    async def check(self) -> tuple[str, ...]:
        """See `ObjectStore.check`."""
        with observed(self._observe, "check"):
            self._start("check", ArtifactPath.of())
        return ()

    async def from_one(self, use: Callable[[ObjectStore], Awaitable[Result]]) -> Result:
        """See `ObjectStore.from_one`."""
        return await use(self)

    def _start(self, operation: str, path: ArtifactPath) -> None:
        self.calls.append(Call(operation, path.text))
        self._fail_if_told(operation, path.text)

    def _fail_if_told(self, operation: str, path: str) -> None:
        if self._next_errors:
            raise self._next_errors.pop(0)
        for key in (operation, f"{operation} {path}"):
            if error := self._standing_errors.get(key):
                raise error


async def _chunks(content: bytes) -> AsyncGenerator[bytes, None]:
    for start in range(0, len(content), CHUNK_BYTES):
        yield content[start : start + CHUNK_BYTES]
