"""What lies below a folder, as the server lists it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Final, NamedTuple, TypeAlias

import aiohttp
from yarl import URL

from app.client.answers import document, required_licences
from app.client.digests import from_listing
from app.client.download import RemoteFile
from app.client.errors import AccessRefused, FetchFailed
from app.client.patience import Patience
from app.client.server import Server
from app.client.texts import one_line
from app.domain.errors import RequestError
from app.domain.paths import ArtifactPath

_ENTRIES_AT_ONCE: Final = "1000"

PathTest: TypeAlias = Callable[[ArtifactPath], bool]


class LeftOut(NamedTuple):
    """Something that belongs to what was asked for and cannot be fetched.

    Attributes:
        path: below the destination; empty where it is not known.
        reason: why.
    """

    path: str
    reason: FetchFailed


Found: TypeAlias = RemoteFile | LeftOut


class _Page(NamedTuple):
    lines: list[Mapping[str, object]]
    base: URL
    following: URL | None


class Listings:
    """Reads listings, a page at a time, so that a slow download does not keep a list open.

    Args:
        patience: with failures of one page.
    """

    def __init__(self, server: Server, patience: Patience) -> None:
        self._server = server
        self._patience = patience

    async def below(self, folder: URL, wanted: PathTest) -> AsyncIterator[Found]:
        """The files of a folder and of all folders below it.

        Args:
            folder: its URL; may be a link.
            wanted: of their paths below the folder.

        Raises:
            FetchFailed: the list cannot be had, or names what is not below the folder.
        """
        async for found in self._found(folder, {"recursive": "true"}, wanted):
            yield found

    async def directly_in(self, folder: URL, wanted: PathTest) -> AsyncIterator[Found]:
        """The files of one folder, and nothing below its folders.

        Raises:
            FetchFailed: as `below`.
        """
        async for found in self._found(folder, {"format": "ndjson"}, wanted):
            yield found

    async def _found(self, folder: URL, query: Mapping[str, str], wanted: PathTest) -> AsyncIterator[Found]:
        following: URL | None = folder.with_query({**query, "limit": _ENTRIES_AT_ONCE})
        while following is not None:
            page = await self._patience.persist(partial(self._page, following))
            for line in page.lines:
                found = _entry(line, page.base)
                if found is not None and wanted(found[0]):
                    yield found[1]
            following = page.following

    async def _page(self, url: URL) -> _Page:
        async with self._server.open("GET", url) as answer:
            response = answer.response
            if response.content_type != "application/x-ndjson" or not self._server.is_own(answer.url):
                raise FetchFailed(
                    f"{one_line(answer.url.with_query(None))}: is not a folder of a Pierhead server"
                )
            content = await document(response)
            base = answer.url.join(URL(response.headers.get("Content-Location", ""), encoded=True))
            following = _following(response)
        if following is not None and not self._server.is_own(following):
            raise FetchFailed(f"{one_line(url)}: continues at another server")
        try:
            lines = [json.loads(line) for line in content.splitlines()]
        except (ValueError, RecursionError) as error:
            raise FetchFailed(f"{one_line(url)}: is not a list of entries: {one_line(error)}") from error
        return _Page([line for line in lines if isinstance(line, dict)], base.with_query(None), following)


def _following(response: aiohttp.ClientResponse) -> URL | None:
    """The next page of a list (RFC 8288)."""
    target = response.links["next"]["url"] if "next" in response.links else None
    return URL(str(target), encoded=True) if target is not None else None


def _entry(line: Mapping[str, object], base: URL) -> tuple[ArtifactPath, Found] | None:
    """An entry and its path below the folder; None for a folder that can be opened."""
    if "left_out" in line:
        reason = FetchFailed(f"the server cannot read {one_line(line['left_out'])} folders; try again later")
        return ArtifactPath((), True), LeftOut("", reason)
    path = _path_below(str(line.get("url")), base)
    is_locked = line.get("locked") is True
    if line.get("type") != "file" and not is_locked:
        return None
    if is_locked:
        return path, LeftOut(
            path.text, AccessRefused(f"{one_line(path.text)}: is locked; a token may open it")
        )
    size, e_tag = line.get("size"), line.get("e_tag")
    file = RemoteFile(
        base.join(URL(str(line["url"]), encoded=True)),
        path,
        f'"{e_tag}"' if isinstance(e_tag, str) else None,
        size if isinstance(size, int) else None,
        from_listing(line),
        licences=required_licences(line.get("licences")),
    )
    return path, file


def _path_below(url: str, base: URL) -> ArtifactPath:
    """Where an entry of a list belongs. A list is never trusted to name only what is below its folder."""
    try:
        root = ArtifactPath.parse(base.raw_path.encode("ascii")).segments
        path = ArtifactPath.parse(url.encode("ascii"))
    except (RequestError, UnicodeError) as error:
        raise FetchFailed(
            f"the server lists {one_line(ascii(url))}, which is not the path of a file"
        ) from error
    if path.segments[: len(root)] != root or len(path.segments) <= len(root):
        raise FetchFailed(f"the server lists {one_line(url)}, which is not below {one_line(base.raw_path)}")
    return ArtifactPath(path.segments[len(root) :], path.is_folder)
