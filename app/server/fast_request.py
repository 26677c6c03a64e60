"""What an ordinary request asks for, worked out from its text alone and remembered for that text.

Everything out of the ordinary is left to the full path: credentials, unknown or repeated fields, paging, bodies.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from app.auth.fields import INDIFFERENT
from app.auth.principal import Authenticator
from app.domain.errors import RequestError
from app.domain.paths import ArtifactPath
from app.domain.reserved import is_reserved
from app.pages.representations import REPRESENTATIONS
from app.responses.parsed_request import ParsedRequest, parsed_request

REMEMBERED_TEXTS: Final = 4096
MAX_REMEMBERED_BYTES: Final = 512
"""Longer fields and paths are rare, and not worth remembering."""
MAX_FAST_FIELDS: Final = 64
MAX_FAST_BYTES: Final = 16 * 1024
"""Requests with more than that are for the full path, which may refuse them."""
MAX_LOGGED_TEXT: Final = 512

FILE_REDIRECT: Final = "file-redirect"
"""The label that redirects to files are counted under."""

_FORMATS: Final[dict[bytes, str | None]] = {b"": None} | {
    f"format={name}".encode(): name for name in REPRESENTATIONS
}
_READ: Final = frozenset(
    {b"accept", b"accept-encoding", b"host", b"if-none-match", b"user-agent", b"x-forwarded-for"}
)
_ADMITTED: Final = frozenset(name.encode() for name in INDIFFERENT) | {b"x-forwarded-for"}
"""The only fields that a request may have which is answered here: who asks can be in no other."""

Fields = list[tuple[bytes, bytes]]


class AskedFor(NamedTuple):
    """What the text of a request comes to.

    Attributes:
        route: the label that it is counted under.
        path_text: for the log.
        client: for the log.
    """

    parsed: ParsedRequest
    route: str
    path_text: str
    client: str | None


class FastRequest(NamedTuple):
    """A request that can be answered from memory, if its answer is there.

    Attributes:
        method: GET or HEAD.
        known: the entity tag that the client has already, quotes included.
        agent: the client's own word for itself.
    """

    method: str
    asked: AskedFor
    known: bytes | None
    agent: str | None


class RequestReader:
    """Reads requests for the fast path.

    Args:
        authenticator: says who asks.
        is_own_host: whether a Host field is one that is answered.
    """

    def __init__(self, authenticator: Authenticator, is_own_host: Callable[[bytes], bool]) -> None:
        self._authenticator = authenticator
        self._is_own_host = is_own_host
        self._asked_for = lru_cache(REMEMBERED_TEXTS)(self._parse)

    def read(
        self, method: str, raw_path: bytes, query: bytes, fields: Fields, peer: str | None
    ) -> FastRequest | None:
        """What a request asks for; None where the full path has to look at it. The same for the same text.

        Args:
            raw_path: as it was sent, without the query.
            fields: raw, names in lower case.
            peer: address of the client, where there is one.
        """
        if len(raw_path) > MAX_REMEMBERED_BYTES or query not in _FORMATS:
            return None
        values = _values(fields)
        if values is None or (method != "GET" and method != "HEAD"):
            return None
        get = values.get
        known = get(b"if-none-match")
        if raw_path[-1:] != b"/" and (method != "GET" or query or known is not None):
            return None  # of a file, only a plain redirect is kept
        asked = self._asked_for(
            raw_path,
            query,
            peer,
            values[b"host"],
            get(b"accept"),
            get(b"accept-encoding"),
            get(b"x-forwarded-for"),
        )
        return FastRequest(method, asked, known, logged_text(get(b"user-agent"))) if asked else None

    def _parse(
        self,
        raw: bytes,
        query: bytes,
        peer: str | None,
        host: bytes,
        accept: bytes | None,
        accept_encoding: bytes | None,
        forwarded_for: bytes | None,
    ) -> AskedFor | None:
        try:
            path = ArtifactPath.parse(raw)
        except RequestError:
            return None
        if not self._is_own_host(host) or (path.segments and is_reserved(path.segments[0])):
            return None
        identity = self._authenticator.without_credentials(_lines(forwarded_for), peer)
        parsed = parsed_request(path, identity, _lines(accept), _lines(accept_encoding), _FORMATS[query])
        return AskedFor(
            parsed=parsed,
            route=f"folder-{parsed.representation}" if path.is_folder else FILE_REDIRECT,
            path_text=raw.decode("ascii", "backslashreplace"),
            client=str(identity.client) if identity.client else peer,
        )


def logged_text(value: bytes | None) -> str | None:
    """A header field's value as the log shows it."""
    return None if value is None else value[:MAX_LOGGED_TEXT].decode("ascii", "backslashreplace")


def _values(fields: Fields) -> dict[bytes, bytes] | None:
    """The fields that matter here, or None where one of them is for the full path."""
    values: dict[bytes, bytes] = {}
    size = 0
    for name, value in fields:
        size += len(value)
        if name in _READ:
            if name in values or len(value) > MAX_REMEMBERED_BYTES:
                return None
            values[name] = value
        elif name not in _ADMITTED:
            return None
    is_usual = size <= MAX_FAST_BYTES and len(fields) <= MAX_FAST_FIELDS and b"host" in values
    return values if is_usual else None


def _lines(value: bytes | None) -> tuple[str, ...]:
    """A field that is there at most once, as one of which there may be several lines."""
    return () if value is None else (value.decode("latin-1"),)
