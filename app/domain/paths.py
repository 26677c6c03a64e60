"""Paths of the tree. No code behind the front door takes any other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

from app.domain.errors import ImpossiblePath, PathAboveRoot, PathTooLong

MAX_PATH_BYTES = 4096
"""Longest decoded path that is accepted (PATH_MAX of Linux; an S3 key has at most 1,024 bytes)."""

MAX_NAME_BYTES = 255
"""Longest name of a file or folder (NAME_MAX of Linux). Engines that keep objects in files fail with longer ones."""

_MOST_BYTES_OF_A_CHARACTER = 4
_LENGTH_OF_ANY_NAME = MAX_NAME_BYTES // _MOST_BYTES_OF_A_CHARACTER
"""Names of so many characters are never too long."""
_IMPOSSIBLE = f"a path has no empty, '.' or '..' segment, no control character, and no name of more than {MAX_NAME_BYTES} bytes"

_ALLOWED_IN_SEGMENT = "!$&'()*+,;=:@~"
"""Characters that need no escape in a segment, beside letters, digits and `-._` (RFC 3986 section 3.3)."""

_SAFE_IN_LINK = "!$()*+,=@~"
"""The same for a link, without four: a colon would make a relative link look like one with a scheme (section 4.2),
some clients take what follows a semicolon for parameters (RFC 1808) and lose it, and scrapers end a link at a
quote and do not read `&amp;` as `&`."""


class ArtifactPath(NamedTuple):
    """A canonical site-relative path. It is parsed once, at the front door, and never decoded or normalised again.

    Bytes that are not UTF-8 are kept as lone surrogates (PEP 383), so that every name of a local directory
    has exactly one spelling here and comes back byte for byte from `to_bytes`.

    Attributes:
        segments: the decoded names from the root down; never empty strings, `.` or `..`, never containing
            `/`, NUL or a control character; at most `MAX_NAME_BYTES` bytes each.
        is_folder: whether the path names a folder (its URL ends in `/`). The root is a folder.
    """

    segments: tuple[str, ...]
    is_folder: bool

    @classmethod
    def parse(cls, raw: bytes) -> ArtifactPath:
        """Parse the path component of a request target, still percent-encoded.

        Args:
            raw: the bytes between the authority and the `?`; must begin with `/`.

        Raises:
            ImpossiblePath: nothing in any tree can have this path (NUL or control characters, a name that
                is too long, an encoded slash, a broken percent escape).
            PathAboveRoot: as `canonical_path`.
            PathTooLong: more than `MAX_PATH_BYTES` bytes once decoded.
        """
        if len(raw) > 1 + 3 * MAX_PATH_BYTES:  # each byte may be escaped; the first slash is not counted
            raise PathTooLong(MAX_PATH_BYTES)
        if not raw.startswith(b"/"):
            raise ImpossiblePath("a path begins with '/'")
        raw = canonical_path(raw)
        *names, last = (_decode_segment(part) for part in raw[1:].split(b"/"))
        segments = (*names, last) if last else tuple(names)
        return cls.of(*segments, is_folder=not last)

    @classmethod
    def of(cls, *segments: str, is_folder: bool = False) -> ArtifactPath:
        """Build a path from decoded names.

        Raises:
            PathTooLong: more than `MAX_PATH_BYTES` bytes in all.
            ImpossiblePath: a name that no path can hold.
        """
        path = cls(segments, is_folder or not segments)
        try:
            size = len(path.to_bytes())
        except UnicodeEncodeError:
            raise ImpossiblePath("a path is made of bytes, and of text that is UTF-8") from None
        if size > MAX_PATH_BYTES:
            raise PathTooLong(MAX_PATH_BYTES)
        if not all(map(is_possible_name, segments)):
            raise ImpossiblePath(_IMPOSSIBLE)
        return path

    @classmethod
    def from_text(cls, text: str) -> ArtifactPath:
        """Parse a decoded path as people and link files write it: `releases/2026.03/` or `/releases/2026.03/`.

        Raises:
            ImpossiblePath, PathTooLong: as `of`.
        """
        body = text.removeprefix("/")
        if not body:
            return ROOT
        return cls.of(*body.removesuffix("/").split("/"), is_folder=body.endswith("/"))

    @property
    def name(self) -> str:
        """The last segment; empty for the root."""
        return self.segments[-1] if self.segments else ""

    @property
    def parent(self) -> ArtifactPath:
        """The folder that holds this path; the root's parent is the root."""
        return ArtifactPath(self.segments[:-1], True)

    @property
    def as_folder(self) -> ArtifactPath:
        """The same segments, as a folder."""
        return ArtifactPath(self.segments, True)

    def child(self, name: str, *, is_folder: bool = False) -> ArtifactPath:
        """The path of an entry of this folder. The name must come from a listing (see `is_possible_name`)."""
        return ArtifactPath((*self.segments, name), is_folder)

    @property
    def text(self) -> str:
        """Site-relative and decoded, without a leading slash: `releases/2026.03/`; empty for the root."""
        return "/".join(self.segments) + ("/" if self.is_folder and self.segments else "")

    def to_bytes(self) -> bytes:
        """`text` with its original bytes."""
        return self.text.encode("utf-8", "surrogateescape")

    @property
    def url(self) -> str:
        """The absolute, percent-encoded URL path: `/releases/2026.03/`."""
        return quote_from_bytes(b"/" + self.to_bytes(), safe=f"/{_ALLOWED_IN_SEGMENT}")

    @property
    def href(self) -> str:
        """The same as a link in a page, which scrapers read as well: see `encode_name`."""
        return quote_from_bytes(b"/" + self.to_bytes(), safe=f"/{_SAFE_IN_LINK}")

    def __str__(self) -> str:
        return self.url


ROOT = ArtifactPath((), True)


def canonical_path(raw: bytes) -> bytes:
    """A path without escapes of characters that need none (RFC 3986 section 6.2.2.2), dot segments (section 5.2.4)
    and, after that, empty ones.

    An encoded slash stays what it is: part of a name. So does a path with an escape that is none.

    Args:
        raw: percent-encoded; begins with `/`.

    Raises:
        PathAboveRoot: more `..` than there are segments before them.
    """
    if _PERCENT in raw and _escapes_are_whole(raw):
        raw = _without_needless_escapes(raw)
    if not _may_be_untidy(raw):
        return raw
    kept: list[bytes] = []
    parts = raw[1:].split(b"/")
    for part in parts:
        if not _is_dots(part):
            kept.append(part)
        elif part == b"..":
            if not kept:
                raise PathAboveRoot
            kept.pop()
    names = [part for part in kept if part]
    is_folder = not parts[-1] or _is_dots(parts[-1])
    return b"/" + b"/".join(names) + (b"/" if names and is_folder else b"")


def has_misleading_links(raw: bytes) -> bool:
    """Whether relative links of a page may lead elsewhere below this path than below its canonical one, for a client
    that takes a path as it is written: `x` beside `/a/..` is `/a/x`, and `../` from `/a//` is `/a/`.

    Args:
        raw: as `canonical_path` takes it.
    """
    return _finds_misleading(_without_needless_escapes(raw)) is not None


def _without_needless_escapes(raw: bytes) -> bytes:
    return _NEEDLESS_ESCAPE.sub(lambda escape: unquote_to_bytes(escape[0]), raw)


_NEEDLESS_ESCAPE = re.compile(rb"%(?:2[dDeE]|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF]|7[eE])")
"""Of letters, digits and `-._~` (RFC 3986 section 2.3)."""
_PERCENT = ord("%")
"""As a number, which `in` finds several times as fast as `b"%"`."""
_is_dots = re.compile(rb"\.{1,2}").fullmatch
_may_be_untidy = re.compile(rb"/[/.]").search
_finds_misleading = re.compile(rb"[^/]//+\Z|/\.\.\Z").search


def is_possible_name(name: str) -> bool:
    """Whether a name can be one segment of a path: not empty, `.` or `..`, no `/`, no control character, and at most
    `MAX_NAME_BYTES` bytes."""
    if name in ("", ".", "..") or "/" in name:
        return False
    if len(name) > _LENGTH_OF_ANY_NAME and _size(name) > MAX_NAME_BYTES:
        return False
    return name.isprintable() or not any(ch < " " or ch == "\x7f" for ch in name)


def impossible_names(names: Sequence[str]) -> list[str]:
    """Those that no segment can have, of names of a directory: for thousands of good ones, one look is enough."""
    if "".join(names).isprintable() and max(map(len, names), default=0) <= _LENGTH_OF_ANY_NAME:
        return []
    return [name for name in names if not is_possible_name(name)]


def _size(name: str) -> int:
    """Bytes of a name; 0 if it cannot be encoded, as no name from a store."""
    try:
        return len(name) if name.isascii() else len(name.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return 0


def encode_name(name: str) -> str:
    """Percent-encode one name as a relative link (RFC 3986 section 2.1); lone surrogates become their bytes.

    The result needs no escaping in HTML.
    """
    return quote_from_bytes(name.encode("utf-8", "surrogateescape"), safe=_SAFE_IN_LINK)


def display_name(name: str) -> str:
    """A name as people and JSON see it: bytes that are not UTF-8 appear as U+FFFD."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _decode_segment(part: bytes) -> str:
    if b"%" in part:
        if not _escapes_are_whole(part):
            raise ImpossiblePath("a '%' in a path is followed by two hexadecimal digits")
        part = unquote_to_bytes(part)
        if b"/" in part:
            raise ImpossiblePath("a name holds no slash, encoded or not")
    return part.decode("utf-8", "surrogateescape")


def _escapes_are_whole(part: bytes) -> bool:
    hexadecimal = b"0123456789abcdefABCDEF"
    return all(
        len(escape) >= 2 and escape[0] in hexadecimal and escape[1] in hexadecimal
        for escape in part.split(b"%")[1:]
    )
