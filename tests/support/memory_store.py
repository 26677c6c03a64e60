"""An `ObjectStore` that holds its tree in a dictionary and fails when told to."""

from __future__ import annotations

import asyncio
import hashlib
import math
from bisect import bisect_right
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from operator import itemgetter
from typing import NamedTuple

from app.domain.entries import (
    Digest,
    Entry,
    File,
    FileInfo,
    Folder,
    Found,
    Link,
    Listing,
    Skipped,
    StoredFields,
    walk_order,
)
from app.domain.entry_table import EntryTable
from app.domain.errors import Moved, NotFound, ObjectChanged
from app.domain.paths import ArtifactPath
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

CHUNK_BYTES = 64 * 1024
NOTHING_STORED = StoredFields()


class Call(NamedTuple):
    """One call that was made: `list`, `walk`, `head`, `get`, `presign` or `check`, and the path's text.

    Each page of a walk is a call, with the text of the path behind which it begins.
    """

    operation: str
    path: str


class _Object(NamedTuple):
    content: bytes
    modified: float
    content_type: str | None
    digests: tuple[Digest, ...] = ()
    stored: StoredFields = NOTHING_STORED

    @property
    def info(self) -> FileInfo:
        return FileInfo(
            len(self.content),
            self.modified,
            _opaque_tag(self.content),
            self.content_type,
            self.digests,
            stored=self.stored,
        )


def _opaque_tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


class MemoryStore:
    """Keys are flat, as in S3: a key that ends in `/` makes an empty folder, a file and a folder may share a name.

    Attributes:
        calls: every call made so far, in order.
        presign_base: where presigned URLs point; None for a store that has none.
        presign_until: what they say of themselves, as in `SignedUrl`.
        page_entries: how much one page of a walk has.
        first_entries: with so many of a larger folder, those who watch are told of its beginning; 0 for never.
        rest: what the remainder of such a folder waits for.
    """

    is_one = True

    def __init__(self, *, observe: Observer | None = None, presign_base: str | None = None) -> None:
        self.calls: list[Call] = []
        self.presign_base = presign_base
        self.presign_until = math.inf
        self.page_entries = 1000
        self.first_entries = 0
        self.rest = asyncio.Event()
        self.rest.set()
        self._observe: Observer = observe or (lambda operation, outcome, seconds: None)
        self._objects: dict[str, _Object] = {}
        self._links: dict[str, str] = {}
        self._skipped: dict[str, tuple[str, ...]] = {}
        self._walked: dict[str, list[tuple[bytes, Found]]] = {}
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
        self._objects[path] = _Object(content, modified, content_type, digests, stored)
        self._walked.clear()

    @staticmethod
    def e_tag_of(content: bytes) -> str:
        """Value of the `ETag` field of a file with this content."""
        return f'"{_opaque_tag(content)}"'

    def remove(self, path: str) -> None:
        """Take one file, link or folder marker away."""
        if self._links.pop(path, None) is None:
            del self._objects[path]
        self._walked.clear()

    def clear(self) -> None:
        """Begin anew: an empty tree, no failures, no calls."""
        for held in (
            self.calls,
            self._objects,
            self._links,
            self._skipped,
            self._walked,
            self._next_errors,
            self._standing_errors,
        ):
            held.clear()

    def link(self, path: str, target: str) -> None:
        """Make `path` a link to the file or folder at `target`, both without a trailing slash."""
        self._links[path] = target
        self._walked.clear()

    def skip(self, folder: str, *names: str) -> None:
        """Let a folder's listing say that these names are there but cannot be served."""
        self._skipped[folder] = names
        self._walked.clear()

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
            self._follow(folder)
            below = [key.removeprefix(folder.text) for key in self._objects if key.startswith(folder.text)]
            links = [link.removeprefix(folder.text) for link in self._links if link.startswith(folder.text)]
            if not (below or links) and folder.segments:
                raise NotFound
            entries = {self._entry(folder, rest) for rest in below if rest}
            led = {name: self._hops(folder.text + name) for name in links if "/" not in name}
            known = tuple(Link(name, hops) for name, hops in led.items() if hops)
            entries |= {self._linked_entry(link) for link in known}
            dangling = tuple(name for name, hops in led.items() if not hops)
            if watch is not None and 0 < self.first_entries < len(entries):
                in_order = sorted(entries, key=walk_order)[: self.first_entries]
                watch.began(FirstPage(EntryTable.of(in_order), (), walk_order(in_order[-1])))
                await self.rest.wait()
            skipped = (*self._skipped.get(folder.text, ()), *dangling)
            return Listing(folder, tuple(entries), skipped, links=known)

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
                below = self._found_below(path)
                begin = bisect_right(below, _bytes(after), key=itemgetter(0))
                end = begin + self.page_entries
                page, is_more = below[begin:end], end < len(below)
            yield [found for _, found in page]
            after = page[-1][0].decode("utf-8", "surrogateescape") if page else after

    async def head(self, path: ArtifactPath, *, is_listed: bool = False) -> FileInfo:
        """See `ObjectStore.head`."""
        with observed(self._observe, "head"):
            self._start("head", path)
            return self._find(path).info

    async def read_small(self, path: ArtifactPath, *, is_listed: bool = False) -> bytes:
        """See `ObjectStore.read_small`."""
        with observed(self._observe, "get"):
            self._start("get", path)
            content = self._find(path).content
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
            found = self._find(path)
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

    def _found_below(self, path: ArtifactPath) -> list[tuple[bytes, Found]]:
        """Everything below a folder, each with its place, in the order of a walk; kept until the tree changes."""
        if path.text not in self._walked:
            self._walked[path.text] = sorted(
                ((_place(f), f) for f in self._find_below(path)), key=itemgetter(0)
            )
        return self._walked[path.text]

    def _find_below(self, path: ArtifactPath) -> set[Found]:
        found = {
            Found(folder, Skipped(name))
            for text, names in self._skipped.items()
            for name in names
            if (folder := ArtifactPath.from_text(text)).text.startswith(path.text)
        }
        for key in [*self._objects, *self._links]:
            segments = key.split("/")
            for depth in range(len(path.segments), len(segments)):
                if not key.startswith(path.text) or not segments[depth]:
                    continue
                folder, rest = ArtifactPath(tuple(segments[:depth]), True), "/".join(segments[depth:])
                if key in self._links and depth == len(segments) - 1:
                    found |= self._found_link(folder, rest)
                else:
                    found.add(Found(folder, self._entry(folder, rest)))
        return found

    def _found_link(self, folder: ArtifactPath, name: str) -> set[Found]:
        if hops := self._hops(folder.text + name):
            link = Link(name, hops)
            return {Found(folder, link), Found(folder, self._linked_entry(link))}
        return {Found(folder, Skipped(name))}

    def _find(self, path: ArtifactPath) -> _Object:
        if path.is_folder:
            raise NotFound
        self._follow(path)
        if found := self._objects.get(path.text):
            return found
        raise NotFound

    def _follow(self, path: ArtifactPath) -> None:
        """Raise Moved where the path leads through a link, wherever that leads."""
        for depth in range(1, len(path.segments) + 1):
            head, rest = "/".join(path.segments[:depth]), path.segments[depth:]
            if target := self._links.get(head):
                named = ArtifactPath.from_text("/".join((target, *rest)))
                raise Moved(named.as_folder if path.is_folder else named)

    def _is_folder(self, text: str) -> bool:
        return any(key.startswith(text + "/") for key in self._objects)

    def _entry(self, folder: ArtifactPath, rest: str) -> Entry:
        name, slash, _ = rest.partition("/")
        return Folder(name) if slash else self._file(name, folder.text + name)

    def _hops(self, link: str) -> tuple[ArtifactPath, ...]:
        """Where a link leads, as `Link` has it; empty where that is nothing."""
        hops = []
        for _ in range(len(self._links)):
            link = self._links[link]
            hops.append(link)
            if link not in self._links:
                break
        is_folder = self._is_folder(link)
        if not (is_folder or link in self._objects):
            return ()
        return tuple(ArtifactPath(tuple(hop.split("/")), is_folder) for hop in hops)

    def _linked_entry(self, link: Link) -> Entry:
        target = link.hops[-1]
        return Folder(link.name) if target.is_folder else self._file(link.name, target.text)

    def _file(self, name: str, key: str) -> File:
        info = self._objects[key].info
        return File(name, info.size, info.modified, info.e_tag)


def _place(found: Found) -> bytes:
    if isinstance(found.entry, Skipped):
        return _bytes(found.folder.text + found.entry.name)
    if isinstance(found.entry, Link):
        return _bytes(found.folder.text) + b"\0"  # before every entry of the folder
    return _bytes(found.folder.text) + walk_order(found.entry)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


async def _chunks(content: bytes) -> AsyncGenerator[bytes, None]:
    for start in range(0, len(content), CHUNK_BYTES):
        yield content[start : start + CHUNK_BYTES]
