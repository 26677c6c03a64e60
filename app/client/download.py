"""One file: fetched, continued where it broke off, and checked."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import closing
from typing import BinaryIO, Final, NamedTuple, Protocol

from yarl import URL

from app.client.answers import Answer
from app.client.digests import NONE, Digests, compute, strongest
from app.client.errors import FetchFailed, NotAsPromised, RequiredLicence, Transient
from app.client.patience import Patience
from app.client.places import Destination, Place, shown
from app.client.server import FileHead, Server
from app.domain.paths import ArtifactPath

CHUNK_BYTES: Final = 256 * 1024
_SHA_256: Final = "sha-256"


class RemoteFile(NamedTuple):
    """A file to fetch.

    Attributes:
        url: of the file.
        path: where it belongs, below the destination.
        e_tag: validator with its quotes, as it was listed; None if it is not known.
        size: bytes, as it was listed.
        digests: as they were listed, of the state that has this validator.
        pinned: the SHA-256 that it must have in any state; None if nobody demands one.
        licences: that are known to stand before it.
    """

    url: URL
    path: ArtifactPath
    e_tag: str | None = None
    size: int | None = None
    digests: Digests = NONE
    pinned: bytes | None = None
    licences: tuple[RequiredLicence, ...] = ()


class Fetched(NamedTuple):
    """A file that is there now.

    Attributes:
        size: bytes.
        is_new: whether it was fetched; else it was there already.
        resumed_at: the byte at which an earlier download was continued; 0 for none.
        sha256: of its bytes; None if it was there already, and nothing was known to check it by.
        checked_by: the name of the digest that it was checked by; None if the server has none.
    """

    size: int
    is_new: bool
    resumed_at: int
    sha256: bytes | None
    checked_by: str | None


class Watcher(Protocol):
    """Is told how a download goes."""

    def began(self, file: RemoteFile, arrived: int, size: int | None) -> None:
        """A body begins, at this byte of a file of this size."""

    def advanced(self, file: RemoteFile, arrived: int) -> None:
        """So many bytes of the file are there."""


class Downloader:
    """Fetches files.

    Args:
        destination: where they belong.
        watcher: is told how it goes.
        needs_sha256: whether a file must be refused for which no SHA-256 is known.
    """

    def __init__(
        self,
        server: Server,
        destination: Destination,
        patience: Patience,
        watcher: Watcher,
        *,
        needs_sha256: bool,
    ) -> None:
        self._server = server
        self._destination = destination
        self._patience = patience
        self._watcher = watcher
        self._needs_sha256 = needs_sha256

    async def fetch(self, file: RemoteFile) -> Fetched:
        """Bring one file to its place, unless it is there already.

        Raises:
            FetchFailed: it cannot be had, or is not what was promised; the place has what it had before.
            OSError: the disk fails.
        """
        with self._destination.place(file.path) as place:
            if existing := place.existing():
                with existing:
                    head = await self._patience.persist(lambda: self._server.head(file.url, file.licences))
                    if found := await self._unchanged(existing, file, head):
                        return found
            return await self._patience.persist(
                lambda: self._attempt(place, file), progress=lambda: place.arrived
            )

    async def _unchanged(self, existing: BinaryIO, file: RemoteFile, head: FileHead) -> Fetched | None:
        """The file that is there, if it is the one that the server has."""
        here = os.fstat(existing.fileno())
        if head.size is not None and head.size != here.st_size:
            return None
        promised = self._promised(file, head.digests, head.e_tag)
        if name := strongest(promised):
            computed = await asyncio.to_thread(compute, existing, _SHA_256, name)
            is_same = computed[name] == promised[name]
            return Fetched(here.st_size, False, 0, computed[_SHA_256], name) if is_same else None
        is_same = head.size is not None and head.modified == here.st_mtime
        return Fetched(here.st_size, False, 0, None, None) if is_same else None

    async def _attempt(self, place: Place, file: RemoteFile) -> Fetched:
        source = str(file.url)
        offset, fields = _continuation(place, source)
        async with self._server.open("GET", file.url, fields, file.licences) as answer:
            if fields and not _continues(answer, offset, fields["If-Range"]):
                if answer.status != 200:
                    place.begin(source, None)
                    raise Transient(f"{shown(file.path)}: the server cannot continue the download", after=0)
                offset = 0
            elif not fields and answer.status != 200:
                raise FetchFailed(
                    f"{shown(file.path)}: status {answer.status} to a request for the whole file"
                )
            promised = self._promised(file, answer.digests, answer.e_tag)
            if offset:
                place.continue_at(offset)
            else:
                place.begin(source, answer.e_tag)
            await self._receive(place, file, answer)
            size = _size_promised(file, answer)
            modified = answer.modified
        return await self._finish(place, file, promised, (size, modified, offset))

    async def _receive(self, place: Place, file: RemoteFile, answer: Answer) -> None:
        arrived = place.arrived
        self._watcher.began(file, arrived, answer.size)
        async for chunk in answer.response.content.iter_chunked(CHUNK_BYTES):
            place.write(chunk)
            arrived += len(chunk)
            self._watcher.advanced(file, arrived)

    async def _finish(
        self, place: Place, file: RemoteFile, promised: Digests, known: tuple[int | None, float | None, int]
    ) -> Fetched:
        """Check what has arrived, on the disk, and give it its name."""
        size, modified, offset = known
        name, arrived = strongest(promised), place.arrived
        with closing(place.read_part()) as part:
            computed = await asyncio.to_thread(compute, part, _SHA_256, *(() if name is None else (name,)))
        fault = None
        if size is not None and arrived != size:
            fault = f"has {arrived} bytes, but the server promised {size}"
        elif name is not None and computed[name] != promised[name]:
            fault = f"has the {name} {computed[name].hex()}, but {promised[name].hex()} was promised"
        if fault:
            place.begin(str(file.url), None)
            if offset:
                raise Transient(f"{shown(file.path)}: {fault}; downloading it again", after=0)
            raise NotAsPromised(f"{shown(file.path)}: {fault}; it was deleted")
        place.finish(modified)
        return Fetched(arrived, True, offset, computed[_SHA_256], name)

    def _promised(self, file: RemoteFile, answered: Digests, e_tag: str | None) -> Digests:
        """The digests that the bytes of an answer must have.

        Those of a listing are of the state that was listed. The file may have been replaced since.

        Raises:
            NotAsPromised: a SHA-256 is demanded and none is known.
        """
        listed = file.digests if file.e_tag is None or file.e_tag == e_tag else NONE
        promised: Mapping[str, bytes] = {**listed, **answered}
        if file.pinned is not None:
            promised = {_SHA_256: file.pinned}
        if self._needs_sha256:
            if _SHA_256 not in promised:
                raise NotAsPromised(
                    f"{shown(file.path)}: the server knows no SHA-256 of it, and --sha256 demands one"
                )
            return {_SHA_256: promised[_SHA_256]}
        return promised


def _continuation(place: Place, source: str) -> tuple[int, Mapping[str, str]]:
    """Where to go on, and the fields that ask for it (RFC 9110 section 13.1.5).

    The last byte is asked for again, so that the range is never empty, however complete the part is.
    """
    offset, e_tag = place.arrived - 1, place.e_tag(source)
    if offset < 1 or e_tag is None:
        return 0, {}
    return offset, {"Range": f"bytes={offset}-", "If-Range": e_tag}


def _continues(answer: Answer, offset: int, e_tag: str) -> bool:
    """Whether an answer has the rest of the same file, from the byte that was asked for."""
    return answer.status == 206 and answer.first_byte == offset and answer.e_tag in (None, e_tag)


def _size_promised(file: RemoteFile, answer: Answer) -> int | None:
    """The bytes that the whole file must have: as listed if it is still the same file, else as the answer says."""
    is_as_listed = file.e_tag is not None and file.e_tag == answer.e_tag
    return file.size if is_as_listed and file.size is not None else answer.size
