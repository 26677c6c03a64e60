"""A folder and all that is below it as one tar, made while it is sent: no more than a chunk is in memory."""

from __future__ import annotations

import tarfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import Final, Literal, NamedTuple

from backports import zstd
from starlette.requests import Request
from starlette.responses import Response

from app.catalog import Catalog, OpenedFile
from app.domain.access import Principal, VisibleEntry
from app.domain.errors import BadParameter, PierheadError, StoreError, StoreUnavailable
from app.domain.mounts import Mount
from app.domain.paths import ArtifactPath
from app.domain.turns import run_aside
from app.http_semantics import disposition_with
from app.responses.caching import NOT_STORED
from app.responses.line_stream import SEND_NOW, LineStream
from app.responses.record import note_for_all, record_of
from app.storage.store import ObjectStore

ArchiveForm = Literal["tar", "tar.zst"]
ARCHIVE_FORMS: Final[tuple[ArchiveForm, ...]] = ("tar", "tar.zst")

LEFT_OUT: Final = "NOT-IN-THIS-ARCHIVE.txt"
"""Last in an archive that lacks files: their names, one on each line."""
MOST_NAMED: Final = 10_000
_MEDIA_TYPES: Final = {"tar": "application/x-tar", "tar.zst": "application/zstd"}
_END: Final = bytes(2 * tarfile.BLOCKSIZE)
_ZSTD_LEVEL: Final = 3
"""Faster than most networks on one core."""


class Archive(NamedTuple):
    """A request for an archive.

    Attributes:
        path: the folder.
        principal: who asks.
        form: of the archive.
        mount: where the folder is listed.
    """

    path: ArtifactPath
    principal: Principal
    form: ArchiveForm
    mount: Mount


class ArchiveListing:
    """Answers with all files below a folder that the principal may have.

    Args:
        store: where the bytes are.
        note_acceptances: records the licences that a request accepts for a file.
        are_allowed: whether this site makes archives.
    """

    def __init__(
        self,
        catalog: Catalog,
        store: ObjectStore,
        note_acceptances: Callable[[Request, OpenedFile], Awaitable[None]],
        *,
        are_allowed: bool,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._note_acceptances = note_acceptances
        self._are_allowed = are_allowed

    async def answer(self, request: Request, asked: Archive) -> Response:
        """The archive, or a connection that breaks: tar has an end, so a part of one is noticed.

        Raises:
            BadParameter: this site makes no archives, or the client speaks HTTP/1.0.
            As `Catalog.walk` before the first entry.
        """
        if not self._are_allowed:
            raise BadParameter("archive", "left out: this site makes no archives")
        if request.scope["http_version"] == "1.0":
            # HTTP/1.0 has no chunks, so a broken archive would look complete.
            raise BadParameter("an archive", "requested with HTTP/1.1 or later")
        record_of(request).route = "archive"
        name = f"{asked.path.name or 'files'}.{asked.form}"
        headers = {
            "Content-Type": _MEDIA_TYPES[asked.form],
            "Content-Disposition": disposition_with("", name, "attachment"),
            **NOT_STORED,
        }
        pieces = self._pieces(request, asked)
        if asked.form == "tar.zst":
            pieces = _compressed(pieces)
        stream = await LineStream.start(pieces, headers)
        note_for_all(request, asked.principal)
        if record_of(request).is_head:
            await pieces.aclose()
            return Response(None, 200, headers)
        return stream

    async def _pieces(self, request: Request, asked: Archive) -> AsyncGenerator[bytes, None]:
        top = f"{asked.path.name or 'files'}/"
        left_out: list[str] = []
        async with aclosing(self._catalog.walk(asked.path, asked.principal, mount=asked.mount)) as parts:
            yield _head(top, None, 0)
            async for part in parts:
                for visible in part:
                    name = top + _below(visible, asked.path)
                    if visible.entry.is_folder:
                        yield _head(f"{name}/", None, visible.entry.modified or 0)
                    elif (opened := await self._opened(request, asked, visible)) is None:
                        if len(left_out) < MOST_NAMED:
                            left_out.append(name)
                    else:
                        async with aclosing(self._file(name, opened)) as pieces:
                            async for piece in pieces:
                                yield piece
        if left_out:
            said = "".join(f"{name}\n" for name in left_out).encode("utf-8", "surrogateescape")
            yield _head(top + LEFT_OUT, len(said), 0) + said + _padding(len(said))
        yield _END

    async def _opened(self, request: Request, asked: Archive, visible: VisibleEntry) -> OpenedFile | None:
        """A file that the principal may have now; None for any other, and for one that went or must be restored."""
        if not visible.is_open:
            return None
        try:
            opened = await self._catalog.open_file(visible.path, asked.principal, mount=asked.mount)
            if opened.path != visible.path or opened.info.is_archived:
                return None
            await self._note_acceptances(request, opened)
        except StoreError:
            raise
        except PierheadError:
            return None
        return opened

    async def _file(self, name: str, opened: OpenedFile) -> AsyncGenerator[bytes, None]:
        size = opened.info.size
        yield _head(name, size, opened.info.modified)
        if size:
            yield SEND_NOW
            try:
                async with self._store.open_range(opened.path, opened.info, 0, size) as chunks:
                    async for chunk in chunks:
                        yield chunk
            except StoreError:
                raise
            except PierheadError as error:  # its head went out, so it cannot be left out any more
                raise StoreUnavailable("broken-stream") from error
            yield _padding(size)


async def _compressed(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    compressor = zstd.ZstdCompressor(level=_ZSTD_LEVEL)
    async with aclosing(pieces):
        async for piece in pieces:
            if packed := await run_aside(partial(compressor.compress, piece), size=len(piece)):
                yield packed
    yield compressor.flush()


def _head(name: str, size: int | None, modified: float) -> bytes:
    """The head of a file in a tar, or of a folder where there is no size (POSIX.1-2001, pax)."""
    member = tarfile.TarInfo(name)
    member.mtime = max(0, int(modified))
    if size is None:
        member.type, member.mode = tarfile.DIRTYPE, 0o755
    else:
        member.size, member.mode = size, 0o644
    return member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)


def _below(visible: VisibleEntry, root: ArtifactPath) -> str:
    return "/".join(visible.path.segments[len(root.segments) :])
