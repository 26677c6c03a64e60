"""The protocol every storage back-end implements.

Few methods, all asynchronous. None knows about rules or principals. A back-end translates every
foreign exception into the errors named here; it raises no other.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, NamedTuple, Protocol, TypeVar, runtime_checkable

from app.domain.entries import Entry, FileInfo, Found, Listing
from app.domain.entry_table import EntryTable
from app.domain.paths import ArtifactPath

CONTROL_FILE_LIMIT = 1024 * 1024
"""Most bytes that a control file may have."""

Observer = Callable[[str, str, float], None]
"""Called once per storage call with (operation, outcome, seconds). Operation is `list`, `head`, `get` or
`check`. Outcome is `ok`, `not-found`, `moved`, `changed`, `denied`, `cancelled`, `refused` (a control file
that is none) or the reason of a `StoreUnavailable`."""


PRIMARY: Final = "primary"
"""Name of the first store, or of the only one."""
REPLICA: Final = "replica-"
"""The names of its copies begin with this; a number from 1 follows."""
OVERLAY: Final = "overlay"
"""Name of the store whose files replace theirs."""

SIGNED_FIELDS: Final = (
    "Content-Type",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Cache-Control",
)
"""Header fields that a signed URL can set (Amazon S3 API Reference, GetObject: `response-*`)."""

Result = TypeVar("Result")

ListNames = Callable[[ArtifactPath], Awaitable[Sequence[Entry]]]
"""Gives the entries of one folder, perhaps from a cache. Raises as `ObjectStore.list_folder`."""


class SignedUrl(NamedTuple):
    """A signed URL.

    Attributes:
        until: until then the same request gives the same URL; seconds since the epoch, UTC. It is valid for longer.
    """

    url: str
    until: float


class FirstPage(NamedTuple):
    """The first part of a folder, in byte order of the names. Names of folders end in a slash.

    Attributes:
        entries: some of the entries up to the last name.
        skipped: as in `Listing.skipped`, as far as known.
        last: a name. Every file whose name comes before it and has no `~` is among the entries.
    """

    entries: EntryTable
    skipped: tuple[str, ...]
    last: bytes


class FolderWatch(Protocol):
    """Notified while a folder is listed, if it needs more than one call."""

    def began(self, first_page: FirstPage) -> None:
        """Take the first part; there is more to come. Called at most once."""
        ...


@runtime_checkable
class SocketSource(Protocol):
    """A span that may be written to a socket in place of being iterated.

    Attributes:
        straight: bytes that are still to be written; 0 where iterating is as good.
    """

    @property
    def straight(self) -> int: ...

    async def write_some(self, connection: int) -> int:
        """Write the next bytes to a socket, until it takes none at present or others have to have their turn.

        Args:
            connection: descriptor of the socket, which does not block. It may be closed during the call.

        Returns:
            The number of bytes; 0 where the socket takes none at present.

        Raises:
            ObjectChanged, StoreUnavailable: as iterating does.
            ConnectionError: the socket takes no more, ever.
        """
        ...


QuickRead = Callable[[], bytes | None]
"""Gives the bytes of a file; None where that would take waiting, or where the file is another by now."""


@runtime_checkable
class QuickReads(Protocol):
    """What a store may have beside `ObjectStore`."""

    def quick_reader(self, path: ArtifactPath, info: FileInfo) -> QuickRead:
        """What reads a whole small file without waiting, as often as it is called.

        Args:
            info: as a listing of the file's folder has it: the bytes are of that very file.
        """
        ...


class ObjectStore(Protocol):
    """A tree of files.

    A path has one spelling, byte for byte. The system below a store may accept others (a file system that
    ignores case, an S3 engine that replaces backslashes); the store itself never does, and raises `NotFound`.

    Every method may raise, in addition to what it names:
        StoreUnavailable: refused, timed out, throttled or broken; a retry may help.
        StoreDenied: the server's own credentials do not suffice.

    Attributes:
        is_one: whether all answers come from the same store.
        has_first_pages: whether `list_folder` may notify a watch.
    """

    is_one: bool
    has_first_pages: bool

    async def list_folder(self, path: ArtifactPath, watch: FolderWatch | None = None) -> Listing:
        """Everything directly in one folder, to the last page.

        Entries that cannot be served are left out, logged and named in `Listing.skipped`: names that no
        `ArtifactPath` can hold, special files, broken links, what the server may not read. An existing but empty folder gives a
        listing without entries; so does an empty root.

        Args:
            watch: may be notified of the folder's first page.

        Raises:
            NotFound: no such folder.
            Moved: the path leads through a link. The target may be a link again, or absent.
        """
        ...

    def walk(
        self, path: ArtifactPath, after: str, list_names: ListNames
    ) -> AsyncGenerator[Sequence[Found], None]:
        """Everything below a folder, in byte order of the paths, each folder (`name/`) before what is in it.

        It comes in pages, each read on demand. At most one of them, and one folder's names at
        each level, is ever held. Links are not followed. What cannot be served comes as `Skipped`, anywhere
        among the entries of its folder, and is logged. A folder that is not there has nothing in it.

        Args:
            path: the folder.
            after: text of a path; only paths behind it in byte order are given. Empty for everything.
            list_names: for a store that needs the names in the folders above `after`.
        """
        ...

    async def head(self, path: ArtifactPath, *, is_listed: bool = False) -> FileInfo:
        """The info of a file.

        Args:
            is_listed: a listing of its folder has shown this name, so that its spelling needs no confirmation.

        Raises:
            NotFound: no such file (a folder is not a file).
            Moved: as `list_folder`. The target may be a file or a folder.
        """
        ...

    async def read_small(self, path: ArtifactPath, *, is_listed: bool = False) -> bytes:
        """Read a whole control file. Links are not followed.

        Args:
            is_listed: as for `head`.

        Raises:
            NotFound: no such file.
            Moved: as `list_folder`. The target may be a file or a folder.
            ValueError: it has more than `CONTROL_FILE_LIMIT` bytes, so it is neither a control file nor missing.
        """
        ...

    def open_range(
        self, path: ArtifactPath, info: FileInfo, first: int, length: int
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a span of a file's bytes for reading.

        Entering the context makes the storage call, so every error before the first byte is
        raised there. Leaving it, early or not, releases the connection or file. Chunks are at most 1 MiB,
        fetched only as they are consumed. Together they are exactly `length` bytes, or an error is raised.
        The iterator may be a `SocketSource` too.

        Args:
            info: from `head`. The bytes come from that object or not at all.
            first: offset of the first byte.
            length: number of bytes, at least 1.

        Raises:
            NotFound, ObjectChanged: on entering, the file is gone or replaced; ObjectChanged also while
                iterating. StoreUnavailable may be raised while iterating too, when the stream breaks.
        """
        ...

    async def presign(
        self, path: ArtifactPath, *, fields: Mapping[str, str], expires: int, origin: str = ""
    ) -> SignedUrl | None:
        """A URL from which anybody can GET the file for a while, or None if the store has none.

        The same request gives the same URL for a while, so that caches that key files by URL find them again.

        Args:
            fields: header fields of the answer, of those in `SIGNED_FIELDS`.
            expires: seconds that the URL is valid, at least.
            origin: from the file's info. The URL is of that store.
        """
        ...

    async def check(self) -> tuple[str, ...]:
        """One cheap call that shows that the store is reachable and its root readable.

        Returns:
            The names of stores that do not answer, if the others suffice.
        """
        ...

    async def from_one(self, use: Callable[[ObjectStore], Awaitable[Result]]) -> Result:
        """Make several calls to the same store.

        Several stores of one tree may be of different ages. So what belongs together, such as a folder and
        its control files, must come from one.
        A single store passes itself.

        Args:
            use: makes the calls. It is called again with another store if the first fails or is slow, so it must not
                change anything.

        Raises:
            Anything that `use` raises.
        """
        ...
