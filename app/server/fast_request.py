"""The short way: from the request's head to a page that is in memory, with nothing in between.

It answers only what the long way would answer with the very same bytes, and leaves everything out of the
ordinary to that: credentials, cookies, repeated fields, paging, whatever is not at hand.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from app.auth.fields import INDIFFERENT
from app.auth.principal import Authenticator
from app.cache.response_cache import StoredResponse, field_lines
from app.catalog import Catalog
from app.domain.access import Principal
from app.domain.errors import RequestError
from app.domain.paths import ArtifactPath
from app.domain.reserved import is_reserved
from app.http_semantics import choose_encoding
from app.pages.representations import REPRESENTATIONS
from app.responses.caching import CacheHeaders
from app.responses.compression import ENCODINGS
from app.responses.folder_listing import FolderPages, not_modified_headers
from app.routes.folder import folder_age, negotiated

MEMO_SIZE: Final = 4096
MAX_MEMO_BYTES: Final = 512
"""Longer fields and paths are rare, and not worth remembering."""
MAX_USUAL_FIELDS: Final = 64
MAX_LOGGED_TEXT: Final = 512
MAX_USUAL_BYTES: Final = 16 * 1024
"""Requests with more than that are for the long way, which may refuse them."""

_FORMATS: Final[dict[bytes, str | None]] = {b"": None} | {
    f"format={name}".encode(): name for name in REPRESENTATIONS
}
_READ: Final = frozenset(
    {b"accept", b"accept-encoding", b"host", b"if-none-match", b"user-agent", b"x-forwarded-for"}
)
_ADMITTED: Final = frozenset(name.encode() for name in INDIFFERENT) | {b"x-forwarded-for"}
"""The only fields that a request may have which is answered here: who asks can be in no other."""


class Head(NamedTuple):
    """What a request's head asks for, and who asks: worked out from its text alone, once for each text.

    Attributes:
        route: the label that it is counted under.
        path_text: for the log.
        client: for the log.
    """

    path: ArtifactPath
    principal: Principal
    route: str
    path_text: str
    client: str | None


class WantedListing(NamedTuple):
    """In which form a folder's page is wanted, and who may keep it; worked out with its head."""

    representation: str
    encoding: str
    cache_control: tuple[bytes, bytes]


class FastRequest(NamedTuple):
    """A request that can be answered from memory, if its answer is there.

    Attributes:
        method: GET or HEAD.
        form: of the page, where a folder is asked for.
        known: the entity tag that the client has already, quotes included.
        agent: the client's own word for itself.
    """

    method: str
    head: Head
    form: WantedListing | None
    known: bytes | None
    agent: str | None


class FastAnswer(NamedTuple):
    """An answer that only has to be sent.

    Attributes:
        status: 200, 302 or 304.
        page: what is known of it whenever it is sent.
        changing: raw header fields that are not: how long it may be kept, and its age.
        body: as it goes out; empty for HEAD and 304.
    """

    status: int
    page: StoredResponse
    changing: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def headers(self) -> list[tuple[bytes, bytes]]:
        """All header fields, raw."""
        known = not_modified_headers(self.page) if self.status == 304 else self.page.headers
        return [*known, *self.changing]

    def fields(self) -> bytes:
        """The same as lines of a response head."""
        known = field_lines(not_modified_headers(self.page)) if self.status == 304 else self.page.fields
        return known + _changing_lines(self.changing)


class ListingLookup:
    """Finds answers that are at hand.

    Args:
        pages: keeps what was rendered.
        authenticator: says who asks.
        cache_headers: say how long a page may be kept.
        is_host: whether a Host field is well-formed.
    """

    def __init__(
        self,
        catalog: Catalog,
        pages: FolderPages,
        authenticator: Authenticator,
        cache_headers: CacheHeaders,
        *,
        is_host: Callable[[bytes], bool],
    ) -> None:
        self._catalog = catalog
        self._pages = pages
        self._authenticator = authenticator
        self._cache_headers = cache_headers
        self._is_host = is_host
        self._head = lru_cache(MEMO_SIZE)(self._read_head)

    def read(
        self,
        method: str,
        raw_path: bytes,
        query: bytes,
        headers: list[tuple[bytes, bytes]],
        peer: str | None,
    ) -> FastRequest | None:
        """What a request asks for; None where the long way has to look at it. The same for the same text.

        Args:
            raw_path: as it was sent, without the query.
            headers: raw, names in lower case.
            peer: address of the client, where there is one.
        """
        if raw_path[-1:] != b"/" or len(raw_path) > MAX_MEMO_BYTES or (method != "GET" and method != "HEAD"):
            return None
        fields = field_values(headers)
        if fields is None or query not in _FORMATS:
            return None
        get = fields.get
        asked = self._head(
            raw_path,
            query,
            peer,
            fields[b"host"],
            get(b"accept"),
            get(b"accept-encoding"),
            get(b"x-forwarded-for"),
        )
        if asked is None:
            return None
        return FastRequest(method, *asked, get(b"if-none-match"), logged_text(get(b"user-agent")))

    def find(self, request: FastRequest) -> FastAnswer | None:
        """The answer to a request, if it is at hand."""
        head, form = request.head, request.form
        if form is None or (view := self._catalog.ready_view(head.path, head.principal)) is None:
            return None
        page = self._pages.ready(view, form.representation, form.encoding)
        if page is None:
            return None
        changing = (form.cache_control, *folder_age(view, self._cache_headers))
        if request.known is None:
            return FastAnswer(200, page, changing, page.body if request.method == "GET" else b"")
        if request.known == page.e_tag:
            return FastAnswer(304, page, changing, b"")
        return None

    def _read_head(
        self,
        raw: bytes,
        query: bytes,
        peer: str | None,
        host: bytes,
        accept: bytes | None,
        accept_encoding: bytes | None,
        forwarded_for: bytes | None,
    ) -> tuple[Head, WantedListing] | None:
        """What is asked for, by whom, and in which form; None where the long way has to look at it."""
        try:
            path = ArtifactPath.parse(raw)
        except RequestError:
            return None
        if not self._is_host(host) or (path.segments and is_reserved(path.segments[0])):
            return None
        representation = _FORMATS[query] or negotiated(lines_of(accept))
        identity = self._authenticator.without_credentials(lines_of(forwarded_for), peer)
        form = WantedListing(
            representation=representation,
            encoding=choose_encoding(lines_of(accept_encoding), ENCODINGS),
            cache_control=self._cache_headers.of_folder(identity.principal),
        )
        head = Head(
            path=path,
            principal=identity.principal,
            route=f"folder-{representation}",
            path_text=raw.decode("ascii", "backslashreplace"),
            client=str(identity.client) if identity.client else peer,
        )
        return head, form


def field_values(headers: list[tuple[bytes, bytes]]) -> dict[bytes, bytes] | None:
    """The fields that matter here, or None where one of them is for the long way."""
    fields: dict[bytes, bytes] = {}
    size = 0
    for name, value in headers:
        size += len(value)
        if name in _READ:
            if name in fields or len(value) > MAX_MEMO_BYTES:
                return None
            fields[name] = value
        elif name not in _ADMITTED:
            return None
    is_usual = size <= MAX_USUAL_BYTES and len(headers) <= MAX_USUAL_FIELDS and b"host" in fields
    return fields if is_usual else None


_changing_lines = lru_cache(MEMO_SIZE)(field_lines)
"""There are as many of these as pages have ages."""


def logged_text(value: bytes | None) -> str | None:
    """A header field's value as the log shows it."""
    return None if value is None else value[:MAX_LOGGED_TEXT].decode("ascii", "backslashreplace")


def lines_of(value: bytes | None) -> tuple[str, ...]:
    """A field that is there at most once, as one of which there may be several lines."""
    return () if value is None else (value.decode("latin-1"),)
