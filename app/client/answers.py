"""What a server answers: a file's bytes with what is known of them, or a problem."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

import aiohttp
from yarl import URL

from app.client.digests import Digests
from app.client.errors import (
    AccessRefused,
    FetchFailed,
    LicenceNeeded,
    NotThere,
    RequiredLicence,
    Transient,
)
from app.client.texts import one_line

MAX_DOCUMENT_BYTES: Final = 64 * 1024 * 1024
_LICENCE_REQUIRED: Final = "urn:pierhead:problem:licence-required"
_AMBIGUOUS: Final = "urn:pierhead:problem:ambiguous-pattern"
_WORTH_ANOTHER_TRY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+)")


class SeveralMatch(NotThere):
    """A wildcard matches several files."""


class Answer(NamedTuple):
    """The head of an answer, after all redirects.

    Attributes:
        response: whose body can be read.
        url: which answered in the end.
        digests: of the whole file, by the first answer that had any: the one that redirects knows the file.
    """

    response: aiohttp.ClientResponse
    url: URL
    digests: Digests

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def e_tag(self) -> str | None:
        """The validator with its quotes, if it is strong (RFC 9110 section 8.8.3)."""
        field = self.response.headers.get("ETag", "")
        return field if field.startswith('"') else None

    @property
    def first_byte(self) -> int | None:
        """Where the body begins in the file; None where it is not one part of one file that the server describes."""
        if self.status == 200:
            return 0
        found = _CONTENT_RANGE.fullmatch(self.response.headers.get("Content-Range", ""))
        return int(found[1]) if found and self.status == 206 else None

    @property
    def size(self) -> int | None:
        """Bytes of the whole file, if the server says."""
        if self.status == 200:
            return self.response.content_length
        found = _CONTENT_RANGE.fullmatch(self.response.headers.get("Content-Range", ""))
        return int(found[2]) if found else None

    @property
    def modified(self) -> float | None:
        """Seconds since the epoch, if the server says."""
        return _time_of(self.response.headers.get("Last-Modified", ""))


async def document(response: aiohttp.ClientResponse, limit: int = MAX_DOCUMENT_BYTES) -> bytes:
    """The whole body.

    Raises:
        FetchFailed: it is longer than the limit.
    """
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise FetchFailed(f"{one_line(response.url)}: the answer has more than {limit} bytes")
    return bytes(body)


async def failure(response: aiohttp.ClientResponse, url: URL) -> FetchFailed:
    """The error that an answer with a status of 400 or more means (RFC 9457)."""
    problem = await _problem(response)
    status, kind = response.status, problem.get("type")
    said = problem.get("detail") or problem.get("title") or response.reason or "no reason given"
    message = f"{one_line(url.with_query(None))}: {status}, {one_line(said)}"
    if kind == _LICENCE_REQUIRED and (licences := required_licences(problem.get("licences"))):
        return LicenceNeeded(licences, str(url), _root_path(problem))
    if kind == _AMBIGUOUS:
        return SeveralMatch(message)
    if status in _WORTH_ANOTHER_TRY:
        return Transient(message, _seconds(response.headers.get("Retry-After", "")))
    if status == 401:
        return AccessRefused(f"{message} (here: --token-file or PIERHEAD_TOKEN)")
    kinds = {403: AccessRefused, 404: NotThere, 410: NotThere}
    return kinds.get(status, FetchFailed)(message)


def required_licences(described: object) -> tuple[RequiredLicence, ...]:
    """Licences as problems and listings describe them; malformed ones are left out."""
    found = []
    for licence in described if isinstance(described, list) else ():
        if isinstance(licence, Mapping) and (digest := one_line(licence.get("digest") or "")):
            name, sha256 = (one_line(licence.get(key) or "") for key in ("name", "sha256"))
            found.append(RequiredLicence(name or "licence", digest, sha256))
    return tuple(found)


async def _problem(response: aiohttp.ClientResponse) -> Mapping[str, Any]:
    if response.content_type not in ("application/problem+json", "application/json"):
        return {}
    try:
        problem = json.loads(await document(response, 1024 * 1024))
    except (ValueError, RecursionError):
        return {}
    return problem if isinstance(problem, dict) else {}


def _root_path(problem: Mapping[str, Any]) -> str:
    """The path of its host below which a site is, which its own URLs tell."""
    try:
        path = URL(str(problem["licences"][0]["text_url"]), encoded=True).raw_path
    except (KeyError, TypeError, ValueError):
        return ""
    return path.removesuffix("/license") if path.endswith("/license") else ""


def _seconds(retry_after: str) -> float | None:
    """RFC 9110 section 10.2.3: a number of seconds, or a date."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    at = _time_of(retry_after)
    return None if at is None else max(0.0, at - time.time())


def _time_of(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except (ValueError, OverflowError):
        return None
