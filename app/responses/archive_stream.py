"""A folder and all that is below it as one archive, made while it is sent: no more than a chunk is in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, closing
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
from app.responses.archive_forms import WRITERS, ArchiveWriter
from app.responses.caching import NOT_STORED
from app.responses.line_stream import SEND_NOW, require_chunks, stream_lines
from app.responses.record import record_of
from app.storage.store import ObjectStore

ArchiveForm = Literal["tar", "tar.zst", "zip"]
ARCHIVE_FORMS: Final[tuple[ArchiveForm, ...]] = ("tar", "tar.zst", "zip")

LEFT_OUT: Final = "NOT-IN-THIS-ARCHIVE.txt"
"""Last in an archive that lacks files: their names, one on each line."""
MOST_NAMED: Final = 10_000
_MEDIA_TYPES: Final = {"tar": "application/x-tar", "tar.zst": "application/zstd", "zip": "application/zip"}
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
        """The archive, or a connection that breaks: each form has an end, so a part of one is noticed.

        Raises:
            BadParameter: this site makes no archives, or the client speaks HTTP/1.0.
            As `Catalog.view_folder`.
        """
        if not self._are_allowed:
            raise BadParameter("archive", "left out: this site makes no archives")
        require_chunks(request, "an archive")
        record_of(request).route = "archive"
        await self._catalog.view_folder(asked.path, asked.principal, mount=asked.mount)
        name = f"{asked.path.name or 'files'}.{asked.form}"
        headers = {
            "Content-Type": _MEDIA_TYPES[asked.form],
            "Content-Disposition": disposition_with("", name, "attachment"),
            **NOT_STORED,
        }
        pieces = self._pieces(request, asked)
        if asked.form == "tar.zst":
            pieces = _compressed(pieces)
        return await stream_lines(request, asked.principal, pieces, headers)

    async def _pieces(self, request: Request, asked: Archive) -> AsyncGenerator[bytes, None]:
        left_out = _LeftOut(asked.path.name or "files")
        with closing(WRITERS[asked.form]()) as writer:
            yield writer.folder(left_out.top, 0)
            async with aclosing(self._catalog.walk(asked.path, asked.principal, mount=asked.mount)) as parts:
                async for part in parts:
                    for visible in part:
                        name = "/".join((left_out.top, *visible.path.segments[len(asked.path.segments) :]))
                        left_out.keep_apart_from(name)
                        is_included = visible.is_open and writer.has_room
                        if visible.entry.is_folder and is_included:
                            yield writer.folder(name, visible.entry.modified or 0)
                        elif visible.entry.is_folder:
                            left_out.add(f"{name}/")
                        elif (
                            not is_included or (opened := await self._opened(request, asked, visible)) is None
                        ):
                            left_out.add(name)
                        else:
                            async with aclosing(self._file(writer, name, opened)) as pieces:
                                async for piece in pieces:
                                    yield piece
            if said := left_out.said:
                yield writer.file(left_out.name, len(said), 0) + writer.content(said) + writer.file_end()
            yield writer.end()

    async def _opened(self, request: Request, asked: Archive, visible: VisibleEntry) -> OpenedFile | None:
        """A file that the principal may have now; None for any other, and for one that went or must be restored."""
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

    async def _file(
        self, writer: ArchiveWriter, name: str, opened: OpenedFile
    ) -> AsyncGenerator[bytes, None]:
        size = opened.info.size
        yield writer.file(name, size, opened.info.modified or 0)
        if size:
            yield SEND_NOW
            try:
                async with self._store.open_range(opened.path, opened.info, 0, size) as chunks:
                    async for chunk in chunks:
                        yield await run_aside(partial(writer.content, chunk), size=len(chunk))
            except StoreError:
                raise
            except PierheadError as error:  # its head went out, so it cannot be left out any more
                raise StoreUnavailable("broken-stream") from error
        yield writer.file_end()


class _LeftOut:
    """The names of files that an archive lacks, as the file in it that says so.

    Args:
        top: the folder of the archive that all is in.
    """

    def __init__(self, top: str) -> None:
        self.top = top
        self.name = f"{top}/{LEFT_OUT}"
        self._names: list[str] = []

    def keep_apart_from(self, name: str) -> None:
        """Give way to a file of the archive. Names come in byte order, and an underscore is behind capital letters."""
        if name == self.name:
            self.name = f"{self.top}/_{name.removeprefix(f'{self.top}/')}"

    def add(self, name: str) -> None:
        """One more, up to a number."""
        if len(self._names) < MOST_NAMED:
            self._names.append(name)

    @property
    def said(self) -> bytes:
        """The content of the file; empty if it is not needed."""
        return "".join(f"{name}\n" for name in self._names).encode("utf-8", "surrogateescape")


async def _compressed(pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    compressor = zstd.ZstdCompressor(level=_ZSTD_LEVEL)
    async with aclosing(pieces):
        async for piece in pieces:
            if packed := await run_aside(partial(compressor.compress, piece), size=len(piece)):
                yield packed
    yield compressor.flush()
