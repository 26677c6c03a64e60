"""What the URL of a command names: a file, a folder, a wildcard, or the files of a list of checksums."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

from yarl import URL

from app.client.answers import SeveralMatch
from app.client.download import RemoteFile
from app.client.errors import FetchFailed, LicenceNeeded, NotThere
from app.client.listings import Found, Listings, PathTest
from app.client.patience import Patience
from app.client.server import FileHead, Server
from app.client.texts import one_line
from app.domain.errors import RequestError
from app.domain.paths import ArtifactPath

_MANIFEST: Final = "/api/v1/manifest/"
_WILD: Final = frozenset("*?[")


class Remote:
    """Finds the files that a URL names.

    Args:
        compile_glob: makes a test of paths from a pattern; raises `ValueError` for none.
    """

    def __init__(self, server: Server, patience: Patience, compile_glob: Callable[[str], PathTest]) -> None:
        self._server = server
        self._patience = patience
        self._listings = Listings(server, patience)
        self._compile_glob = compile_glob

    async def files(
        self, url: URL, wanted: PathTest, checksums: Mapping[ArtifactPath, bytes] | None
    ) -> AsyncIterator[Found]:
        """The files that a URL names.

        Args:
            wanted: of their paths; of a single file, too.
            checksums: the SHA-256 of each file; then no others are fetched.

        Raises:
            FetchFailed: the URL names nothing, or its list cannot be had.
        """
        url = _folder_of_manifest(url)
        if url.raw_path.endswith("/"):
            files = (
                self._pinned(url, checksums) if checksums is not None else self._listings.below(url, wanted)
            )
            async for found in files:
                if checksums is None or (isinstance(found, RemoteFile) and wanted(found.path)):
                    yield found
            return
        try:
            head = await self._patience.persist(lambda: self._server.head(url))
        except (SeveralMatch, LicenceNeeded) as reason:
            async for found in self._undescribed(url, wanted, reason):
                yield found
            return
        if head.url.raw_path.endswith("/"):  # a folder without its slash
            async for found in self.files(head.url, wanted, checksums):
                yield found
            return
        file = _single(url, head, self._server)
        if wanted(file.path):
            yield file if checksums is None else _pinned_by(file, checksums)

    async def _pinned(
        self, folder: URL, checksums: Mapping[ArtifactPath, bytes]
    ) -> AsyncIterator[RemoteFile]:
        for path, digest in checksums.items():
            yield RemoteFile(folder.join(URL(path.url.removeprefix("/"), encoded=True)), path, pinned=digest)

    async def _undescribed(
        self, url: URL, wanted: PathTest, reason: NotThere | LicenceNeeded
    ) -> AsyncIterator[Found]:
        """What a URL names that the server does not describe: several files, or one behind a licence."""
        pattern = ArtifactPath.parse(url.raw_path.encode("ascii")).name
        if isinstance(reason, LicenceNeeded) and _WILD.isdisjoint(pattern):
            yield RemoteFile(url, _name_of(url), licences=reason.licences)
            return
        try:
            matches = self._compile_glob(pattern)
        except ValueError as error:
            raise FetchFailed(f"{one_line(pattern)}: {one_line(error)}") from error
        folder = url.join(URL(".", encoded=True)).with_query(None)
        async for found in self._listings.directly_in(folder, lambda path: matches(path) and wanted(path)):
            yield found


def _folder_of_manifest(url: URL) -> URL:
    """The folder that the URL of a manifest is of; every other URL as it is."""
    before, is_one, path = url.raw_path.partition(_MANIFEST)
    if not is_one:
        return url
    folder = f"{before}/{path}".removesuffix("/") + "/"
    return url.with_path(folder, encoded=True).with_query(None)


def _single(url: URL, head: FileHead, server: Server) -> RemoteFile:
    """One file, under the name that the URL has, or the one that its wildcard means."""
    path = _name_of(url)
    if not _WILD.isdisjoint(path.name) and head.location:
        real = head.url.join(URL(head.location, encoded=True))
        if server.is_own(real):
            url, path = real, _name_of(real)
    return RemoteFile(url, path, head.e_tag, head.size, head.digests)


def _name_of(url: URL) -> ArtifactPath:
    try:
        return ArtifactPath.of(ArtifactPath.parse(url.raw_path.encode("ascii")).name)
    except RequestError as error:
        raise NotThere(f"{one_line(url)}: is not the URL of a file") from error


def _pinned_by(file: RemoteFile, checksums: Mapping[ArtifactPath, bytes]) -> RemoteFile:
    """A file with the checksum that a list has for its name, whatever folder the list is of."""
    found = {digest for path, digest in checksums.items() if path.name == file.path.name}
    if len(found) != 1:
        which = "several checksums" if found else "no checksum"
        raise NotThere(f"{one_line(file.path.name)}: the list has {which} for this name")
    return file._replace(pinned=found.pop())
