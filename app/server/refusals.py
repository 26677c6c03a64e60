"""Refusals of requests by what is in their heads."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final, NamedTuple

from app.pages.problem import PROBLEM_MEDIA_TYPE, problem_json
from app.responses.caching import NOT_STORED

MAX_TARGET_BYTES: Final = 32 * 1024
"""Longest request target: room for the longest path with every byte escaped, and for a query."""

MAX_HEAD_BYTES: Final = 128 * 1024
"""Most bytes of one request without its body. The application refuses shorter heads by itself;
this bounds the memory of a head without an end."""

MAX_HEADER_BYTES: Final = 64 * 1024
MAX_HEADER_FIELDS: Final = 256


class Refusal(NamedTuple):
    """The status, and the `title`, `detail` and end of the `type` of its problem document (RFC 9457)."""

    status: HTTPStatus
    title: str
    detail: str
    slug: str


class RequestRefused(ValueError):
    """Raised within the parser's callbacks, which makes the parser stop.

    Attributes:
        refusal: the answer for the client.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


BAD_REQUEST: Final = Refusal(
    HTTPStatus.BAD_REQUEST, "Bad request", "this is not a valid HTTP/1.1 request", "bad-request"
)
BAD_TARGET: Final = Refusal(
    HTTPStatus.BAD_REQUEST,
    "Bad request",
    "a request target must be a path, or an http or https URL of a host without a user",
    "bad-request",
)
BAD_FRAMING: Final = Refusal(
    HTTPStatus.BAD_REQUEST,
    "Bad request",
    "the length of the body is ambiguous: Transfer-Encoding must be `chunked`, once, in HTTP/1.1",
    "bad-request",
)
UNKNOWN_CODING: Final = Refusal(
    HTTPStatus.NOT_IMPLEMENTED,
    "Not implemented",
    "the only supported Transfer-Encoding is chunked",
    "unknown-transfer-encoding",
)
UNKNOWN_VERSION: Final = Refusal(
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED,
    "HTTP version not supported",
    "the supported versions are HTTP/1.0 and HTTP/1.1",
    "http-version-not-supported",
)
LATE: Final = Refusal(
    HTTPStatus.REQUEST_TIMEOUT, "Request timeout", "the request took too long to arrive", "request-timeout"
)
TARGET_TOO_LONG: Final = Refusal(
    HTTPStatus.REQUEST_URI_TOO_LONG,
    "Path too long",
    f"a path and its query have at most {MAX_TARGET_BYTES} bytes",
    "path-too-long",
)
HEAD_TOO_LARGE: Final = Refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "Headers too large",
    f"a request has at most {MAX_HEAD_BYTES} bytes of headers",
    "headers-too-large",
)
HEADERS_TOO_LARGE: Final = Refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "Headers too large",
    f"a request has at most {MAX_HEADER_FIELDS} header fields of {MAX_HEADER_BYTES} bytes in all",
    "headers-too-large",
)
BAD_HOST: Final = Refusal(
    HTTPStatus.BAD_REQUEST,
    "Bad request",
    "a request must have exactly one Host header with a host name",
    "bad-host",
)
MISDIRECTED: Final = Refusal(
    HTTPStatus.MISDIRECTED_REQUEST,  # RFC 9110 section 15.5.20
    "Misdirected request",
    "this server has no site of this host name",
    "misdirected-host",
)


def answer_of(refusal: Refusal, shared: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The bytes of the answer. The connection closes after it.

    Args:
        shared: header fields that every answer of this server has.
    """
    body = problem_json(refusal.status, refusal.title, refusal.detail, refusal.slug)
    fields = [
        *shared,
        (b"content-type", PROBLEM_MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in NOT_STORED.items()),
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),
    ]
    status_line = f"HTTP/1.1 {refusal.status.value} {refusal.status.phrase}\r\n".encode()
    head = b"".join(name + b": " + value + b"\r\n" for name, value in fields)
    return status_line + head + b"\r\n" + body
