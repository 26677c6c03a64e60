"""What a folder holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Final, NamedTuple, TypeGuard

from app.domain.paths import ArtifactPath


class File(NamedTuple):
    """One file of a listing.

    Attributes:
        name: its name within the folder.
        size: bytes.
        modified: seconds since the epoch, UTC; None where the store gives none.
        e_tag: opaque validator without quotes, as the store gives it; None where a listing has none.
        stamp: tells apart files that have one e_tag, within one store; None where the e_tag does that.
        storage_class: where the store keeps it, if that is not the usual place (S3: any class but STANDARD).
    """

    name: str
    size: int
    modified: float | None
    e_tag: str | None = None
    stamp: str | None = None
    storage_class: str | None = None

    @property
    def is_folder(self) -> bool:
        return False


class Folder(NamedTuple):
    """One sub-folder of a listing.

    Attributes:
        name: its name within the folder, without a slash.
        modified: seconds since the epoch, UTC; None where the store has no time for folders (S3).
        size: bytes of all files below it that the principal may see; None where that is not known.
    """

    name: str
    modified: float | None = None
    size: int | None = None

    @property
    def is_folder(self) -> bool:
        return True


Entry = File | Folder


class LockedFile(NamedTuple):
    """A file that is listed only by its name.

    Attributes:
        name: its name within the folder.
    """

    name: str

    @property
    def is_folder(self) -> bool:
        return False

    @property
    def size(self) -> None:
        return None

    @property
    def modified(self) -> None:
        return None

    @property
    def e_tag(self) -> None:
        return None


def locked(entry: Entry) -> LockedFile | Folder:
    """An entry without everything that strangers must not see: on S3, an ETag is often the MD5 of a file's bytes."""
    return Folder(entry.name) if entry.is_folder else LockedFile(entry.name)


class Digest(NamedTuple):
    """A digest of all bytes of a file.

    Attributes:
        algorithm: its key in the registry "Hash Algorithms for HTTP Digest Fields" (RFC 9530 section 5).
        value: its bytes.
        source: name of the file beside it that says so; empty if it is stored with the file itself.
    """

    algorithm: str
    value: bytes
    source: str = ""


class StoredFields(NamedTuple):
    """Header fields that were stored with an object, as they are; empty for a missing field."""

    encoding: str = ""
    language: str = ""
    cache_control: str = ""
    disposition: str = ""


class FileInfo(NamedTuple):
    """What a store reports about an object.

    Attributes:
        size: bytes.
        modified: seconds since the epoch, UTC (whole seconds where the store has no finer time); None where it gives none.
        e_tag: strong validator without quotes (RFC 9110 section 8.8.3); equal bytes on every replica. None where the
            store has none: then nothing tells two states of the file apart for certain.
        content_type: the media type stored with the object; None if none was stored, or only a default.
        digests: as stored with the object, at most one for each algorithm; never computed.
        origin: the one of several stores that it is from; empty if there is only one.
        stamp: as in `File`. Never shown, because each replica has another.
        stored: other header fields that are stored with the object, unchecked.
        storage_class: as in `File`.
        is_archived: whether it must be restored before it can be read.
    """

    size: int
    modified: float | None
    e_tag: str | None
    content_type: str | None = None
    digests: tuple[Digest, ...] = ()
    origin: str = ""
    stamp: str | None = None
    stored: StoredFields = StoredFields()
    storage_class: str | None = None
    is_archived: bool = False


class ControlFile(NamedTuple):
    """A file that governs its folder instead of being published.

    Attributes:
        name: its name within the folder.
        content: all of its bytes; None if it is larger than a control file may be (malformed).
    """

    name: str
    content: bytes | None


class Link(NamedTuple):
    """A link of the store's own that leads to something.

    Attributes:
        name: its name within the folder.
        hops: each further link on the way, and last what it leads to. All are named as folders where that is one.
    """

    name: str
    hops: tuple[ArtifactPath, ...]


class Listing(NamedTuple):
    """One folder as the store has it, before any rule is applied.

    Attributes:
        path: the folder.
        entries: everything in it, in no particular order, control files included.
        skipped: names of entries that exist but cannot be served (dangling links, special files). A control
            file among them is unreadable, which is not the same as missing.
        origin: the one of several stores that it is from; empty if there is only one.
        links: the entries that are links. The entries themselves show the targets.
    """

    path: ArtifactPath
    entries: Sequence[Entry]
    skipped: tuple[str, ...] = ()
    origin: str = ""
    links: tuple[Link, ...] = ()


class Skipped(NamedTuple):
    """An entry that exists and cannot be served, as in `Listing.skipped`."""

    name: str


class Found(NamedTuple):
    """What a walk through a tree finds in one folder, up to a sub-folder, which it enters next.

    Attributes:
        folder: that all of it is directly in.
        files: in the order of the walk.
        sub_folder: behind them, if any.
        others: what is listed otherwise or not at all, in no order. A link comes here before every entry of its folder,
            and in its place as what it leads to.
    """

    folder: ArtifactPath
    files: Sequence[File] = ()
    sub_folder: Folder | None = None
    others: Sequence[Skipped | Link] = ()

    @property
    def size(self) -> int:
        """How many there are in all."""
        return len(self.files) + (self.sub_folder is not None) + len(self.others)


def walk_order(entry: Entry | LockedFile) -> bytes:
    """Sort key for the entries of one folder. With it, a walk gives all paths in byte order.

    A folder counts with its slash, so that it comes just before its entries, and nothing comes between.
    """
    return (entry.name + "/" if entry.is_folder else entry.name).encode("utf-8", "surrogateescape")


def in_walk_order(entries: Sequence[Entry]) -> list[Entry]:
    """Entries of one folder in that order."""
    if are_files(entries) and "".join(map(name_of, entries)).isascii():
        return sorted(entries, key=name_of)  # the same, quicker
    return sorted(entries, key=walk_order)


def up_to_folders(entries: Sequence[Entry]) -> Iterator[tuple[Sequence[File], Folder | None]]:
    """Entries of one folder, cut behind each sub-folder. What follows the last is files alone, and none only where none is."""
    if are_files(entries):
        yield entries, None
        return
    files: list[File] = []
    for entry in entries:
        if isinstance(entry, File):
            files.append(entry)
        else:
            yield files, entry
            files = []
    if files:
        yield files, None


def are_files(entries: Sequence[Entry]) -> TypeGuard[Sequence[File]]:
    """Whether no folder is among some entries."""
    return _ONLY_FILES.issuperset(map(type, entries))


_ONLY_FILES: Final = frozenset({File})

name_of: Callable[[Entry], str] = itemgetter(0)
"""The name of an entry. For many of them, `map` does this without a call of Python for each."""
