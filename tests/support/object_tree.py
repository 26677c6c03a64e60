"""A tree of files, folders and links in a dictionary, as `MemoryStore` serves it."""

from __future__ import annotations

import hashlib
from operator import itemgetter
from typing import NamedTuple

from app.domain.entries import (
    Digest,
    Entry,
    File,
    FileInfo,
    Folder,
    Link,
    Listing,
    Skipped,
    StoredFields,
    walk_order,
)
from app.domain.errors import Moved, NotFound
from app.domain.paths import ArtifactPath
from app.storage.folder_walk import Single

NOTHING_STORED = StoredFields()


class StoredObject(NamedTuple):
    """One file, as it was put."""

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
            opaque_tag(self.content),
            self.content_type,
            self.digests,
            stored=self.stored,
        )


def opaque_tag(content: bytes) -> str:
    """What tells contents apart."""
    return hashlib.sha256(content).hexdigest()[:32]


def as_bytes(path: str) -> bytes:
    """A path as the order of a walk compares it."""
    return path.encode("utf-8", "surrogateescape")


class ObjectTree:
    """Keys are flat, as in S3: a key that ends in `/` makes an empty folder, a file and a folder may share a name."""

    def __init__(self) -> None:
        self._objects: dict[str, StoredObject] = {}
        self._links: dict[str, str] = {}
        self._skipped: dict[str, tuple[str, ...]] = {}
        self._walked: dict[str, list[tuple[bytes, Single]]] = {}

    def put(self, path: str, found: StoredObject) -> None:
        """Store a file, or an empty folder where the path ends in `/`."""
        self._objects[path] = found
        self._walked.clear()

    def remove(self, path: str) -> None:
        """Take one file, link or folder marker away."""
        if self._links.pop(path, None) is None:
            del self._objects[path]
        self._walked.clear()

    def clear(self) -> None:
        """Take everything away."""
        for held in (self._objects, self._links, self._skipped, self._walked):
            held.clear()

    def link(self, path: str, target: str) -> None:
        """As `MemoryStore.link`."""
        self._links[path] = target
        self._walked.clear()

    def skip(self, folder: str, names: tuple[str, ...]) -> None:
        """As `MemoryStore.skip`."""
        self._skipped[folder] = names
        self._walked.clear()

    def list_folder(self, folder: ArtifactPath) -> Listing:
        """What is in a folder.

        Raises:
            NotFound: there is no such folder.
            Moved: the path leads through a link.
        """
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
        return Listing(folder, tuple(entries), (*self._skipped.get(folder.text, ()), *dangling), links=known)

    def find(self, path: ArtifactPath) -> StoredObject:
        """A file.

        Raises:
            NotFound: there is no such file.
            Moved: the path leads through a link.
        """
        if path.is_folder:
            raise NotFound
        self._follow(path)
        if found := self._objects.get(path.text):
            return found
        raise NotFound

    def found_below(self, path: ArtifactPath) -> list[tuple[bytes, Single]]:
        """Everything below a folder, each with its place, in the order of a walk; kept until the tree changes."""
        if path.text not in self._walked:
            self._walked[path.text] = sorted(
                ((_place(f), f) for f in self._find_below(path)), key=itemgetter(0)
            )
        return self._walked[path.text]

    def _find_below(self, path: ArtifactPath) -> set[Single]:
        found = {
            Single(folder, Skipped(name))
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
                    found.add(Single(folder, self._entry(folder, rest)))
        return found

    def _found_link(self, folder: ArtifactPath, name: str) -> set[Single]:
        if hops := self._hops(folder.text + name):
            link = Link(name, hops)
            return {Single(folder, link), Single(folder, self._linked_entry(link))}
        return {Single(folder, Skipped(name))}

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


def _place(found: Single) -> bytes:
    if isinstance(found.entry, Skipped):
        return as_bytes(found.folder.text + found.entry.name)
    if isinstance(found.entry, Link):
        return as_bytes(found.folder.text) + b"\0"  # before every entry of the folder
    return as_bytes(found.folder.text) + walk_order(found.entry)
