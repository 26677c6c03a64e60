"""Reads ordinary requests for the fast path.

All others take the full path: unknown or repeated fields, credentials that are refused or
that allow more than reading, paging, bodies. Credentials are verified once and cached while they are valid.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from app.auth.fields import CREDENTIALS, FORWARDING, INDIFFERENT, PREFIX
from app.auth.unchecked import Unchecked
from app.domain.access import ANONYMOUS
from app.domain.errors import LoginUnavailable, PierheadError, RevocationsUnknown
from app.domain.mounts import Mount
from app.domain.paths import ArtifactPath, canonical_path, has_misleading_links
from app.domain.reserved import is_reserved
from app.pages.representations import REPRESENTATIONS
from app.responses.caching import RawField
from app.responses.cross_origin import CrossOrigin
from app.responses.parsed_request import ParsedRequest, parsed_request
from app.responses.requester import Requester
from app.telemetry.trace import FIELDS, Trace, trace_of

REMEMBERED_TEXTS: Final = 4096
MAX_REMEMBERED_BYTES: Final = 512
"""Longer fields and paths are rare, and not cached."""
MAX_CREDENTIAL_BYTES: Final = 4096
"""A session with many groups is nearly as long (RFC 6265 section 6.1)."""
MAX_FAST_FIELDS: Final = 64
MAX_FAST_BYTES: Final = 16 * 1024
"""Requests with more take the full path, which may refuse them."""
MAX_LOGGED_TEXT: Final = 512

_FORMATS: Final[dict[bytes, str | None]] = {b"": None} | {
    f"format={name}".encode(): name for name in REPRESENTATIONS
}
_IDENTIFYING: Final = tuple(name.lower() for name in (*CREDENTIALS, *FORWARDING))
"""Fields that say who asks and by which path. No other such field is allowed here."""
_READ: Final = frozenset(
    {b"accept", b"accept-encoding", b"host", b"if-none-match", b"origin", b"user-agent"}
    | {name.encode() for name in _IDENTIFYING}
    | FIELDS
)
_IDENTIFYING_BYTES: Final = tuple(name.encode() for name in _IDENTIFYING)
_ADMITTED: Final = frozenset(name.encode() for name in INDIFFERENT)
_CREDENTIALS: Final = frozenset(name.lower().encode() for name in CREDENTIALS)

PASSING: Final = (Unchecked, LoginUnavailable, RevocationsUnknown)
"""What the full path has to look at this time."""

_NO_OTHER: Final = CrossOrigin()

PASSWORD: Final = re.compile(rb"basic", re.IGNORECASE)
"""Where this is nowhere in a text, there is no password in it (RFC 7617 section 2)."""

Fields = list[tuple[bytes, bytes]]


class AskedFor(NamedTuple):
    """What a request asks for, and who asks.

    Attributes:
        route: the metric label of a folder.
        path_text: for the log.
        client, subject: for the log.
        for_all: raw header fields of an answer that anybody gets, where this is one.
    """

    parsed: ParsedRequest
    route: str
    path_text: str
    client: str | None
    subject: str | None
    for_all: tuple[RawField, ...]


class FastRequest(NamedTuple):
    """A request that can be answered from memory.

    Attributes:
        method: GET or HEAD.
        known: the entity tag that the client has already, with quotes.
        agent: value of User-Agent.
        trace: what the request says of itself; None for nothing.
    """

    method: str
    asked: AskedFor
    known: bytes | None
    agent: str | None
    trace: Trace | None = None


class RequestReader:
    """Reads requests for the fast path.

    Attributes:
        takes_passwords: whether there may be passwords in requests.

    Args:
        requester: finds out who asks.
        is_own_host: whether a Host field is one that is answered.
        cross_origin: says which other sites may read what anybody gets.
    """

    def __init__(
        self,
        requester: Requester,
        is_own_host: Callable[[bytes], bool],
        cross_origin: CrossOrigin = _NO_OTHER,
    ) -> None:
        self._requester = requester
        self._cross_origin = cross_origin
        self._depends_on_origin = cross_origin.depends_on_origin
        self.takes_passwords = requester.takes_passwords
        self._is_own_host = is_own_host
        self._asked_for = lru_cache(REMEMBERED_TEXTS)(self._parse)

    def read(
        self, method: str, raw_path: bytes, query: bytes, fields: Fields, peer: str | None, scheme: str
    ) -> FastRequest | None:
        """Read a request; None if it must take the full path.

        Args:
            raw_path: as sent, without the query.
            fields: raw, names in lower case.
            peer: address of the client, if there is one.
            scheme: of the connection.

        Raises:
            PASSING: as with None, but another time it may be read.
        """
        if len(raw_path) > MAX_REMEMBERED_BYTES or query not in _FORMATS:
            return None
        try:
            canonical = canonical_path(raw_path)
        except PierheadError:
            return None
        if canonical is not raw_path and has_misleading_links(raw_path):
            return None
        values = _values(fields)
        if values is None or (method != "GET" and method != "HEAD"):
            return None
        get = values.get
        known = get(b"if-none-match")
        if canonical[-1:] != b"/" and (method != "GET" or query or known is not None):
            return None  # of a file, only plain answers are fast
        # A password must not be kept, so nothing is that depends on one.
        is_secret = self.takes_passwords and PASSWORD.search(get(b"authorization", b""))
        asked = (self._parse if is_secret else self._asked_for)(
            canonical,
            query,
            peer,
            scheme,
            values[b"host"],
            get(b"accept"),
            get(b"accept-encoding"),
            tuple([get(name) for name in _IDENTIFYING_BYTES]),
            get(b"origin") if self._depends_on_origin else None,
        )
        if asked is None:
            return None
        trace = None if FIELDS.isdisjoint(values) else trace_of(values.items())
        return FastRequest(method, asked, known, logged_text(get(b"user-agent")), trace)

    def still_holds(self, request: FastRequest) -> bool:
        """Whether the credentials of an earlier request are still valid."""
        identity = request.asked.parsed.identity
        return not identity.credential or self._requester.holds(identity)

    def _parse(
        self,
        raw: bytes,
        query: bytes,
        peer: str | None,
        scheme: str,
        host: bytes,
        accept: bytes | None,
        accept_encoding: bytes | None,
        identifying: tuple[bytes | None, ...],
        origin: bytes | None,
    ) -> AskedFor | None:
        try:
            lines = dict(zip(_IDENTIFYING, map(_lines, identifying), strict=True))
            prefix, root_paths = lines[PREFIX.lower()], self._requester.root_paths
            mount, raw = Mount("", root_paths.of(prefix, peer)), root_paths.below(raw, prefix, peer)
            path = ArtifactPath.parse(raw)
            identity = self._requester.identity_of(lambda name: lines.get(name, ()), peer, scheme)
        except PASSING:
            raise  # past every memory on the way: in a moment it may be otherwise
        except PierheadError:
            return None
        principal = identity.principal
        if not self._is_own_host(host) or (path.segments and is_reserved(path.segments[0])):
            return None
        if principal.permissions:
            return None  # it may ask for a re-read
        parsed = parsed_request(path, identity, _lines(accept), _lines(accept_encoding), _FORMATS[query])
        if path.is_folder and REPRESENTATIONS[parsed.representation].has_whole_urls:
            said = self._requester.origin(
                lambda name: lines.get(name.lower(), ()), peer, scheme, host.decode("latin-1")
            )
            mount = mount._replace(origin=said)
        return AskedFor(
            parsed=parsed._replace(mount=mount),
            route=f"folder-{parsed.representation}" if path.is_folder else "",
            path_text=raw.decode("ascii", "backslashreplace"),
            client=str(identity.client) if identity.client else peer,
            subject=principal.subject,
            for_all=self._cross_origin.fields(next(iter(_lines(origin)), None))
            if principal == ANONYMOUS
            else (),
        )


def logged_text(value: bytes | None) -> str | None:
    """The value of a header field for the log."""
    return None if value is None else value[:MAX_LOGGED_TEXT].decode("ascii", "backslashreplace")


def _values(fields: Fields) -> dict[bytes, bytes] | None:
    """The fields that matter here, or None if one of them requires the full path."""
    values: dict[bytes, bytes] = {}
    size = 0
    for name, value in fields:
        size += len(value)
        if name in _READ:
            longest = MAX_CREDENTIAL_BYTES if name in _CREDENTIALS else MAX_REMEMBERED_BYTES
            if name in values or len(value) > longest:
                return None
            values[name] = value
        elif name not in _ADMITTED:
            return None
    is_usual = size <= MAX_FAST_BYTES and len(fields) <= MAX_FAST_FIELDS and b"host" in values
    return values if is_usual else None


def _lines(value: bytes | None) -> tuple[str, ...]:
    """The lines of a field that occurs at most once."""
    return () if value is None else (value.decode("latin-1"),)
