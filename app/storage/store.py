"""The protocol every storage back-end implements.

Few methods, all asynchronous, none of which knows about rules or principals. A back-end translates every
foreign exception at its border into the errors named here; nothing else escapes.
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
"""Name of the first of several stores, and of the one there is."""
REPLICA: Final = "replica-"
"""What the names of its copies begin with; a number from 1 follows."""
OVERLAY: Final = "overlay"
"""Name of the store whose files lie over theirs."""

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
"""Gives the entries of one folder, from a cache perhaps. Raises as `ObjectStore.list_folder`."""


class SignedUrl(NamedTuple):
    """A URL that carries its own permission.

    Attributes:
        until: up to when the same question gives the same URL; seconds since the epoch, UTC. It holds for longer.
    """

    url: str
    until: float


class FirstPage(NamedTuple):
    """The first part of a folder, in byte order of the names, where those of folders end in a slash.

    Attributes:
        entries: some of the entries up to the last name.
        skipped: as in `Listing.skipped`, as far as they are known.
        last: a name. Every file with a name that comes before it, and has no `~`, is among the entries.
    """

    entries: EntryTable
    skipped: tuple[str, ...]
    last: bytes


class FolderWatch(Protocol):
    """Notified while a folder is listed, if it needs more than one call."""

    def began(self, first_page: FirstPage) -> None:
        """There is a first part, and more to come. Called at most once."""
        ...


@runtime_checkable
class SocketSource(Protocol):
    """A span whose first part may go from the file straight to a socket. The rest is iterated.

    Attributes:
        straight: bytes that may still go that way.
    """

    @property
    def straight(self) -> int: ...

    async def write_some(self, connection: int) -> int:
        """Write the next bytes to a socket, as many as it takes at once.

        Args:
            connection: descriptor of the socket, which does not block. It may be closed during the call.

        Returns:
            The number of bytes; 0 where the socket takes none at present.

        Raises:
            ObjectChanged, StoreUnavailable: as iterating does.
            ConnectionError: the socket takes no more, ever.
        """
        ...


class ObjectStore(Protocol):
    """A tree of files.

    A path has one spelling, byte for byte. What lies beneath a store may take others for the same (a file system that
    is blind to case, an S3 engine that turns backslashes); the store itself never does, and says `NotFound`.

    Every method may raise, beside what it names:
        StoreUnavailable: refused, timed out, throttled or broken; a retry may help.
        StoreDenied: the server's own credentials do not suffice.

    Attributes:
        is_one: whether whatever it says comes from one and the same store.
    """

    is_one: bool

    async def list_folder(self, path: ArtifactPath, watch: FolderWatch | None = None) -> Listing:
        """Everything directly in one folder, to the last page.

        What cannot be served is left out, logged and named in `Listing.skipped`: names that no
        `ArtifactPath` can hold, special files, broken links, what the server may not read. An existing but empty folder gives a
        listing without entries; so does the root, whatever it holds.

        Args:
            watch: may be notified of the folder's first page.

        Raises:
            NotFound: no such folder.
            Moved: the path leads through a link; the target is what that names, which may be a link again, or absent.
        """
        ...

    def walk(
        self, path: ArtifactPath, after: str, list_names: ListNames
    ) -> AsyncGenerator[Sequence[Found], None]:
        """Everything below a folder, in byte order of the paths, each folder (`name/`) before what is in it.

        It comes in pages, each read when it is asked for; no more than one of them, and one folder's names at
        each level, is ever held. Links are not followed. What cannot be served comes as `Skipped`, anywhere
        among the entries of its folder, and is logged. A folder that is not there has nothing in it.

        Args:
            path: the folder.
            after: text of a path; only what comes behind it in byte order is given. Empty for everything.
            list_names: for a store in which the names of the folders that `after` leads through must be known.
        """
        ...

    async def head(self, path: ArtifactPath, *, is_listed: bool = False) -> FileInfo:
        """One look at a file.

        Args:
            is_listed: a listing of its folder has shown this name, so that its spelling needs no confirmation.

        Raises:
            NotFound: no such file (a folder is not a file).
            Moved: as `list_folder`; whether the target is a file or a folder is not said.
        """
        ...

    async def read_small(self, path: ArtifactPath, *, is_listed: bool = False) -> bytes:
        """The whole of a control file. Links are not followed.

        Args:
            is_listed: as for `head`.

        Raises:
            NotFound: no such file.
            Moved: as `list_folder`; whether the target is a file or a folder is not said.
            ValueError: it has more than `CONTROL_FILE_LIMIT` bytes: not a control file, and not a missing
                one either.
        """
        ...

    def open_range(
        self, path: ArtifactPath, info: FileInfo, first: int, length: int
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a span of a file's bytes for reading.

        Entering the context makes the storage call, so that every error that precedes the first byte is
        raised there. Leaving it, early or not, releases the connection or file. Chunks are at most 1 MiB,
        fetched only as they are consumed. Together they are exactly `length` bytes, or an error is raised.
        The iterator may be a `SocketSource` too.

        Args:
            info: what `head` gave: the bytes come from that very object or not at all.
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
        """A URL from which anybody can GET the file for a while, or None where the store has no such thing.

        The same request gives the same URL for a while, so that caches that key files by URL find them again.

        Args:
            fields: header fields that the answer is to have, of those in `SIGNED_FIELDS`.
            expires: seconds after which the URL may be refused, at the earliest.
            origin: of the file's info, so that the URL is that of the store which has the file.
        """
        ...

    async def check(self) -> tuple[str, ...]:
        """One cheap call that proves the store is reachable and its root readable.

        Returns:
            Of several stores, the names of those that do not answer where the others suffice.
        """
        ...

    async def from_one(self, use: Callable[[ObjectStore], Awaitable[Result]]) -> Result:
        """Have several questions answered by one and the same store.

        Several stores of one tree may be of different ages, so what belongs together, such as a folder and
        the control files in it, is never to be made of answers of two. A store that is one alone gives
        itself.

        Args:
            use: asks; all of it again, of another store, where the first fails or is slow. It changes nothing.

        Raises:
            Whatever `use` raises.
        """
        ...
