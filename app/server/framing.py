"""Finds where requests begin and end on a connection, and refuses malformed request lines and framings.

The parser is lenient with request lines: it takes `GET  / HTTP/1.1`, `GET / RTSP/1.0`, and a line without a version.
A proxy in front may read another request from the same bytes, so such lines are refused (RFC 9112 section 3).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from app.server.refusals import (
    BAD_FRAMING,
    BAD_HOST,
    BAD_REQUEST,
    BAD_TARGET,
    HEADERS_TOO_LARGE,
    MAX_HEADER_BYTES,
    MAX_HEADER_FIELDS,
    UNKNOWN_CODING,
    UNKNOWN_VERSION,
    Refusal,
)

_HOST: Final = rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?"
"""RFC 9110 section 7.2, by the grammar of RFC 3986 section 3.2.2."""

_LINE: Final = re.compile(rb"([A-Z-]+) ([\x21-\x7e\x80-\xff]+) HTTP/(0\.9|1\.[01]|2\.0)\r\n")
"""RFC 9112 section 3: one space between each two parts. Unknown methods and versions are refused as soon as
the parser sees them, so that they get the same status however the line is cut."""

_TARGET: Final = re.compile(rb"/[^#]*|(?i:https?)://(?=[^/?])%b(?:[/?][^#]*)?" % _HOST)
"""RFC 9112 section 3.2: the origin form, or the absolute form, which has no user in it (RFC 9110 section 4.2.4)."""

_ORIGIN: Final = re.compile(rb"(?i:https?)://[^/?]*")
_not_ascii = re.compile(rb"[\x80-\xff]")

_END: Final = b"\r\n\r\n"
"""The end of a head, and of a body in chunks."""

_host = re.compile(_HOST)


def is_host(value: bytes) -> bool:
    """Whether a Host field is a host name and perhaps a port."""
    return bool(_host.fullmatch(value))


def fault_of_line(line: bytes) -> Refusal | None:
    """The reason to refuse a request line, or None.

    Args:
        line: with its end.
    """
    parts = _LINE.fullmatch(line)
    if parts is None:
        return BAD_REQUEST
    method, target, version = parts.groups()
    if version not in (b"1.0", b"1.1"):
        return UNKNOWN_VERSION
    is_for_server = target == b"*" and method == b"OPTIONS"
    return None if is_for_server or _TARGET.fullmatch(target) else BAD_TARGET


def origin_form(target: bytes) -> bytes:
    """A request target as most clients send it (RFC 9112 section 3.2.1): from its path on.

    The path of the absolute form may be empty (section 3.2.2).

    Args:
        target: one in which `fault_of_line` finds no fault.
    """
    if absolute := _ORIGIN.match(target):
        target = b"/" + target[absolute.end() :].removeprefix(b"/")
    return target


def host_of_target(target: bytes) -> bytes | None:
    """The host in a request target of the absolute form; None for another form.

    Args:
        target: as `origin_form` takes it.
    """
    absolute = _ORIGIN.match(target)
    return absolute[0].partition(b"://")[2] if absolute else None


def with_host(headers: Sequence[tuple[bytes, bytes]], host: bytes) -> list[tuple[bytes, bytes]]:
    """The fields with the host of the target in place of the one in Host, which must not count (RFC 9112 section 3.2.2).

    A field that must be refused stays as it is.
    """
    return [(name, host if name == b"host" and is_host(value) else value) for name, value in headers]


def fault_of_framing(version: str, headers: Iterable[tuple[bytes, bytes]]) -> Refusal | None:
    """The reason to refuse a Transfer-Encoding (RFC 9112 section 6.1), or None.

    Args:
        version: such as `1.1`.
        headers: names in lower case.
    """
    lines = [value for name, value in headers if name == b"transfer-encoding"]
    if not lines:
        return None
    codings = [coding.strip(b" \t").lower() for coding in b",".join(lines).split(b",")]
    if version == "1.0" or codings[-1] != b"chunked" or codings.count(b"chunked") > 1 or b"" in codings:
        return BAD_FRAMING
    return UNKNOWN_CODING if len(codings) > 1 else None


def fault_of_head(
    headers: Sequence[tuple[bytes, bytes]], hosts: Sequence[bytes], version: str
) -> Refusal | None:
    """Why the head of a complete request is refused; None where it is well-formed.

    A proxy in front may read another host than this server from a request that does not name exactly one, so it is
    refused (RFC 9112 section 3.2).

    Args:
        headers: all fields, with lower-case names.
        hosts: the values of those that are named `host`.
        version: of HTTP, such as `1.1`. Before 1.1, a request needs no host.
    """
    size = sum(len(name) + len(value) for name, value in headers)
    if size > MAX_HEADER_BYTES or len(headers) > MAX_HEADER_FIELDS:
        return HEADERS_TOO_LARGE
    is_old = version in ("0.9", "1.0") and not hosts
    return None if is_old or (len(hosts) == 1 and is_host(hosts[0])) else BAD_HOST


class RequestLine:
    """Collects the first line of a request as it arrives."""

    def __init__(self) -> None:
        self._line = bytearray()

    def in_ascii(self, piece: bytes) -> bytes:
        """The next piece with the bytes of the line that some clients do not encode, though they should, encoded.

        The parser refuses them.
        """
        if piece.isascii():
            return piece
        begin = 0 if self._line else len(piece) - len(piece.lstrip(b"\r\n"))
        end = piece.find(b"\n", begin) if b"\n" in piece[begin:] else len(piece)
        line = _not_ascii.sub(lambda byte: b"%%%02X" % ord(byte[0]), piece[:end])
        return line + piece[end:]

    def is_read(self, piece: bytes) -> bytes | None:
        """Take the next piece. Returns the line with its end once it is there."""
        # Empty lines before a request are ignored (RFC 9112 section 2.2).
        self._line += piece if self._line else piece.lstrip(b"\r\n")
        line, end, _ = self._line.partition(b"\n") if b"\n" in piece else (b"", b"", b"")
        return bytes(line + end) if end else None


class RequestCutter:
    """Cuts what arrives, so that no piece holds the end of one request and the beginning of the next.

    The parser does not report where a request ended.
    """

    def __init__(self) -> None:
        self._tail = b""

    def length(self, data: bytes, body_left: int) -> int:
        """How many of these bytes come before the next one that may begin a request.

        Args:
            data: the bytes after those of the last call.
            body_left: remaining bytes of the body, if known.
        """
        if body_left:
            return min(body_left, len(data))
        seen = self._tail + data
        end = seen.find(_END)
        if end < 0:
            self._tail = seen[1 - len(_END) :]
            return len(data)
        length = end + len(_END) - len(self._tail)
        self._tail = b""
        return length
