"""Requests to one server: who asks, redirects, proxies, and what failures mean."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Final, NamedTuple
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from app import __version__
from app.client.answers import Answer, failure
from app.client.digests import NONE, from_header
from app.client.errors import AccessRefused, FetchFailed, NotThere, RequiredLicence, Transient
from app.client.licences import LicenceBook
from app.client.texts import one_line

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS: Final = 8
_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)
_NO_FIELDS: Final[Mapping[str, str]] = {}


class FileHead(NamedTuple):
    """What a server says of a file.

    Attributes:
        url: which answered in the end.
        location: `Content-Location`: the URL that a wildcard or link means; empty without one.
    """

    url: URL
    e_tag: str | None
    size: int | None
    modified: float | None
    digests: Mapping[str, bytes]
    location: str


class Server:
    """Sends requests. The token and the accepted licences go to the origin of the first URL and to no other.

    Args:
        http: sends them; it keeps no cookies and follows nothing by itself.
        start: the URL that the user named.
        authorization: value of the field for its origin, if any.
        book: knows the accepted licences.
    """

    def __init__(
        self, http: aiohttp.ClientSession, start: URL, authorization: str | None, book: LicenceBook
    ) -> None:
        self._http = http
        self._origin = start.origin()
        self._authorization = authorization
        self._book = book
        self._proxies: dict[URL, str | None] = {}

    def is_own(self, url: URL) -> bool:
        """Whether a URL is of the origin that the user named (RFC 6454 section 5)."""
        return url.origin() == self._origin

    @asynccontextmanager
    async def open(
        self,
        method: str,
        url: URL,
        fields: Mapping[str, str] = _NO_FIELDS,
        licences: Iterable[RequiredLicence] = (),
    ) -> AsyncIterator[Answer]:
        """An answer with status 200, 206 or 416. While its body is read, the same errors are raised.

        Args:
            fields: of the request, beside those that every request has.
            licences: that the file is known to need: those that are accepted are sent.

        Raises:
            FetchFailed: the request failed, or its answer has another status; `Transient` where another try may help.
        """
        digests = NONE
        try:
            for _ in range(_MOST_REDIRECTS):
                async with self._send(method, url, fields, licences) as response:
                    digests = digests or from_header(response.headers.get("Repr-Digest", ""))
                    if response.status in _REDIRECTS and "Location" in response.headers:
                        url = _target(url, response.headers["Location"])
                        continue
                    if response.status not in (200, 206, 416):
                        raise await failure(response, url)
                    yield Answer(response, url, digests)
                    return
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _as_failure(error, url) from error
        raise FetchFailed(f"{one_line(url)}: more than {_MOST_REDIRECTS} redirects")

    async def head(self, url: URL, licences: Iterable[RequiredLicence] = ()) -> FileHead:
        """What the server says of a file.

        Raises:
            FetchFailed: as `open`.
        """
        try:
            async with self.open("HEAD", url, _NO_FIELDS, licences) as answer:
                location = answer.response.headers.get("Content-Location", "")
                return FileHead(
                    answer.url, answer.e_tag, answer.size, answer.modified, answer.digests, location
                )
        except (AccessRefused, NotThere):
            # The reason is in the body, which HEAD does not have.
            async with self.open("GET", url, {"Range": "bytes=0-0"}, licences):
                raise

    def _send(
        self, method: str, url: URL, fields: Mapping[str, str], licences: Iterable[RequiredLicence]
    ) -> aiohttp.client._RequestContextManager:
        sent = {
            "User-Agent": f"pierhead/{__version__}",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            **fields,
        }
        if self.is_own(url):
            if self._authorization is not None:
                sent["Authorization"] = self._authorization
            if accepted := self._book.remembered(licences):
                sent["License-Accepted"] = accepted
        return self._http.request(method, url, headers=sent, allow_redirects=False, proxy=self._proxy(url))

    def _proxy(self, url: URL) -> str | None:
        """The proxy that the environment names for a server; looked up once, as that reads all of the environment."""
        origin = url.origin()
        if origin not in self._proxies:
            is_direct = proxy_bypass(f"{url.host}:{url.port}")
            named = {} if is_direct else getproxies()
            self._proxies[origin] = named.get(url.scheme) or named.get("all")
        return self._proxies[origin]


@asynccontextmanager
async def connections(jobs: int) -> AsyncIterator[aiohttp.ClientSession]:
    """What `Server` sends requests by.

    Args:
        jobs: most downloads at the same time.
    """
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=jobs + 2),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=_TIMEOUT,
        trust_env=False,  # it would read netrc for each host that a redirect names
    ) as http:
        yield http


def _target(url: URL, location: str) -> URL:
    try:
        target = url.join(URL(location, encoded=True))
        is_http = target.scheme in ("http", "https") and bool(target.host)
    except ValueError:
        is_http = False
    if not is_http:
        raise FetchFailed(f"{one_line(url)}: redirects to no URL: {one_line(location)}")
    if url.scheme == "https" and target.scheme == "http":
        raise FetchFailed(f"{one_line(url)}: redirects from https to http, to {one_line(target.host)}")
    return target


def _as_failure(error: Exception, url: URL) -> FetchFailed:
    where, why = one_line(url.with_query(None)), one_line(error) or type(error).__name__
    cause = error.__cause__ or getattr(error, "os_error", None)
    is_unknown_name = isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME
    if isinstance(error, aiohttp.ClientSSLError | aiohttp.InvalidURL) or is_unknown_name:
        return FetchFailed(f"{where}: {why}")
    return Transient(
        f"{where}: {why}" if not isinstance(error, TimeoutError) else f"{where}: no answer in time"
    )
