"""Range requests (RFC 9110 section 14)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

MAX_RANGES = 64
"""Most ranges of one request that are accepted (section 17.15)."""

_RANGE_SPEC = re.compile("([0-9]{0,100})-([0-9]{0,100})")
"""An int-range or suffix-range. Section 14.1.2 warns of large numerals: a hundred digits count the bytes of
anything, and converting them costs nothing."""

_BOUNDARY = re.compile("[0-9A-Za-z'()+_,./:=?-]{1,70}")


class Span(NamedTuple):
    """Bytes of a representation.

    Attributes:
        first: offset of the first byte.
        last: offset of the last byte, inclusive.
    """

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    def content_range(self, size: int) -> str:
        """Value of the `Content-Range` field for these bytes (section 14.4).

        Args:
            size: bytes of the whole representation.
        """
        return f"bytes {self.first}-{self.last}/{size}"


@dataclass(frozen=True)
class UnsatisfiableRange:
    """None of the requested ranges exists: 416 (section 15.5.17).

    Attributes:
        size: bytes of the whole representation.
    """

    size: int

    @property
    def content_range(self) -> str:
        """Value of the `Content-Range` field of the 416 (section 14.4)."""
        return f"bytes */{self.size}"


RangeResult = tuple[Span, ...] | UnsatisfiableRange | None


def parse_range(lines: Sequence[str], size: int) -> RangeResult:
    """Read the `Range` field of a GET request, the only method for which it means anything (section 14.2).

    Args:
        lines: every line of the field.
        size: bytes of the whole representation.

    Returns:
        The spans to send, in the order asked for, with those that touch or overlap made one (section
        15.3.7.2), so that they never add up to more than `size`; `UnsatisfiableRange`; or None where the
        field is absent or to be ignored: repeated, malformed, of another unit, too many ranges, more than
        two that overlap, or nothing to take a range of.
    """
    if len(lines) != 1 or size == 0:  # section 14.2: MAY ignore it when there is no content
        return None
    unit, _, range_set = lines[0].strip(" \t").partition("=")
    if unit.lower() != "bytes":  # section 14.1: case-insensitive; 14.2: MUST ignore a unit not understood
        return None
    specs = [spec for text in range_set.split(",") if (spec := text.strip(" \t"))]
    if not 1 <= len(specs) <= MAX_RANGES:
        return None
    spans = []
    for spec in specs:
        parsed = _parse_spec(spec, size)
        if parsed is None:  # one invalid range-spec makes the whole field invalid (section 14.1.1)
            return None
        if parsed.first <= parsed.last:
            spans.append(parsed)
    return _coalesce(spans) if spans else UnsatisfiableRange(size)


def _parse_spec(spec: str, size: int) -> Span | None:
    """One range-spec, clamped (section 14.1.2). None if invalid; an empty span if unsatisfiable."""
    match = _RANGE_SPEC.fullmatch(spec)
    if match is None or match.group() == "-":
        return None
    first_pos, last_pos = match.groups()
    if not first_pos:
        return Span(max(size - int(last_pos), 0), size - 1)  # suffix; longer than the whole: the whole
    first = int(first_pos)
    last = int(last_pos) if last_pos else max(first, size - 1)
    if last < first:
        return None
    return Span(first, min(last, size - 1))


def _coalesce(spans: list[Span]) -> tuple[Span, ...] | None:
    """Join spans that touch or overlap; None where more than two overlap (section 14.2)."""
    merged: list[tuple[int, Span]] = []  # with the position of its first request
    overlaps = 0
    for place, span in sorted(enumerate(spans), key=lambda item: item[1]):
        if merged and span.first <= merged[-1][1].last + 1:
            earlier, so_far = merged[-1]
            overlaps += span.first <= so_far.last
            merged[-1] = (min(place, earlier), Span(so_far.first, max(so_far.last, span.last)))
        else:
            merged.append((place, span))
    if overlaps > 1:
        return None
    return tuple(span for _, span in sorted(merged))


class Part(NamedTuple):
    """One body part of a multipart/byteranges answer.

    Attributes:
        header: bytes to send before the span's own.
        span: the bytes of the representation to send.
    """

    header: bytes
    span: Span


class MultipartPlan(NamedTuple):
    """A whole multipart/byteranges body, save for the representation's bytes.

    Attributes:
        content_type: value of the answer's `Content-Type` field. The answer itself has no `Content-Range`
            (section 15.3.7.2).
        parts: header and span of each part, in order.
        closing: bytes to send after the last span.
        content_length: bytes of the whole body.
    """

    content_type: str
    parts: tuple[Part, ...]
    closing: bytes
    content_length: int


def multipart_plan(spans: Sequence[Span], size: int, content_type: str, boundary: str) -> MultipartPlan:
    """Frame several spans as multipart/byteranges (section 14.6).

    Args:
        spans: at least two: a single range is never answered with a multipart (section 15.3.7.2).
        size: bytes of the whole representation.
        content_type: what a 200 would carry.
        boundary: a delimiter that cannot occur in the content: random, 128 bits or more.

    Raises:
        ValueError: `boundary` or `content_type` would break the framing (RFC 2046 section 5.1.1).
    """
    if not _BOUNDARY.fullmatch(boundary):
        raise ValueError("a boundary is 1 to 70 of the characters of RFC 2046 section 5.1.1")
    if not content_type.isprintable():
        raise ValueError("a media type has no control characters")
    parts = tuple(
        Part(
            f"\r\n--{boundary}\r\n"
            f"Content-Type: {content_type}\r\n"
            f"Content-Range: {span.content_range(size)}\r\n"
            "\r\n".encode("latin-1", "replace"),
            span,
        )
        for span in spans
    )
    closing = f"\r\n--{boundary}--\r\n".encode("ascii")
    length = sum(len(part.header) + part.span.length for part in parts) + len(closing)
    return MultipartPlan(f'multipart/byteranges; boundary="{boundary}"', parts, closing, length)
