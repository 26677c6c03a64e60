"""The use cases: fetch what a URL names, or show the licences before it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import NamedTuple

from yarl import URL

from app.client.answers import document
from app.client.checksums import parse_checksums
from app.client.download import Downloader, RemoteFile
from app.client.errors import FetchFailed, LicenceNeeded, NotThere
from app.client.licence_desk import LicenceDesk
from app.client.listings import Found
from app.client.patience import Patience
from app.client.places import Destination
from app.client.remote import Remote
from app.client.request import Reporter, Request
from app.client.server import Server, connections
from app.client.transfer import transfer
from app.domain.paths import ArtifactPath


class _Opened(NamedTuple):
    server: Server
    patience: Patience
    desk: LicenceDesk


async def fetch(request: Request, directory: Path, reporter: Reporter) -> None:
    """Fetch what a URL names. What fails is reported and raises nothing.

    Args:
        directory: where the files go.

    Raises:
        OSError: the directory cannot be made.
    """
    with closing(Destination(directory)) as destination:
        async with _opened(request, reporter) as (server, patience, desk):
            downloader = Downloader(
                server, destination, patience, reporter, needs_sha256=request.needs_sha256
            )
            try:
                files = _files(request, server, patience)
                await transfer(files, downloader, desk.settle, reporter.ended, request.jobs)
            except FetchFailed as error:
                reporter.failed(error)


async def show_licences(request: Request, reporter: Reporter) -> None:
    """Show the licences before the files that a URL names. What fails is reported and raises nothing."""
    async with _opened(request, reporter) as (server, patience, desk):
        try:
            async for file in _files(request, server, patience):
                if isinstance(file, RemoteFile) and file.licences:
                    await _show_licences_of(file, server, patience, desk)
        except FetchFailed as error:
            reporter.failed(error)


async def _show_licences_of(file: RemoteFile, server: Server, patience: Patience, desk: LicenceDesk) -> None:
    try:
        await patience.persist(
            lambda: server.head(file.url)
        )  # without the licences: then the answer names them
    except LicenceNeeded as needed:
        await desk.show(needed)


@asynccontextmanager
async def _opened(request: Request, reporter: Reporter) -> AsyncIterator[_Opened]:
    patience = Patience(
        request.retries, lambda seconds, why: reporter.notice(f"{why}; next try in {seconds:g} seconds")
    )
    async with connections(request.jobs) as http:
        server = Server(http, request.url, request.authorization, request.book)
        yield _Opened(server, patience, LicenceDesk(server, patience, request.book, reporter))


async def _files(request: Request, server: Server, patience: Patience) -> AsyncIterator[Found]:
    checksums = await _checksums(request.checksums, server, patience)
    is_empty = True
    async for found in Remote(server, patience, request.compile_glob).files(
        request.url, request.wants, checksums
    ):
        is_empty = False
        yield found
    if is_empty and request.include:
        raise NotThere("no file matches --include")


async def _checksums(
    named: bytes | URL | None, server: Server, patience: Patience
) -> Mapping[ArtifactPath, bytes] | None:
    if named is None:
        return None
    if isinstance(named, bytes):
        return parse_checksums(named)
    url = named

    async def read() -> bytes:
        async with server.open("GET", url) as answer:
            return await document(answer.response)

    return parse_checksums(await patience.persist(read))
