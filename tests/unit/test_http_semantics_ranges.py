"""Range requests, clause by clause of RFC 9110 section 14."""

from __future__ import annotations

import email
import email.policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http_semantics import RangeResult, Span, UnsatisfiableRange, multipart_plan, parse_range

SIZE = 10_000
UNSATISFIABLE = UnsatisfiableRange(SIZE)
BOUNDARY = "0123456789abcdef"


def ask(value: str, size: int = SIZE) -> RangeResult:
    return parse_range([value], size)


@pytest.mark.parametrize(
    ("value", "spans"),
    [
        ("bytes=0-499", [(0, 499)]),
        ("bytes=500-999", [(500, 999)]),
        ("bytes=-500", [(9500, 9999)]),
        ("bytes=9500-", [(9500, 9999)]),
        ("bytes=0-0,-1", [(0, 0), (9999, 9999)]),
        ("bytes= 0-999, 4500-5499, -1000", [(0, 999), (4500, 5499), (9000, 9999)]),
        ("bytes=500-600,601-999", [(500, 999)]),
        ("bytes=500-700,601-999", [(500, 999)]),
    ],
)
def test_14_1_2_the_examples_of_the_text(value: str, spans: list[tuple[int, int]]) -> None:
    assert ask(value) == tuple(spans)


@pytest.mark.parametrize(
    ("value", "spans"),
    [
        ("bytes=0-10000", [(0, 9999)]),  # last-pos is clamped
        ("bytes=9999-99999999999999999999999999", [(9999, 9999)]),
        ("bytes=-20000", [(0, 9999)]),  # a suffix longer than the whole is the whole
        (f"bytes=-{'9' * 100}", [(0, 9999)]),
        ("bytes=00000000000000000000005-6", [(5, 6)]),
        ("bytes=0-", [(0, 9999)]),
    ],
)
def test_14_1_2_positions_are_clamped(value: str, spans: list[tuple[int, int]]) -> None:
    assert ask(value) == tuple(spans)


@pytest.mark.parametrize("value", ["bytes=10000-", "bytes=10000-10001", f"bytes={'9' * 99}-", "bytes=-0"])
def test_14_1_2_unsatisfiable(value: str) -> None:
    assert ask(value) == UNSATISFIABLE


def test_14_2_what_is_satisfiable_is_served() -> None:
    assert ask("bytes=20000-,5-6,-0") == ((5, 6),)
    assert ask("bytes=20000-,-0") == UNSATISFIABLE


@pytest.mark.parametrize("value", ["BYTES=1-2", "Bytes=1-2", " bytes=1-2\t", "bytes=,1-2 ,", "bytes=1-2,,"])
def test_14_1_unit_case_and_5_6_1_2_empty_members(value: str) -> None:
    assert ask(value) == ((1, 2),)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "bytes",
        "bytes=",
        "bytes= , ",
        "bytes=-",
        "bytes=--5",
        "bytes=5",
        "bytes=5-4",  # 14.1.1: invalid int-range
        f"bytes={'9' * 30}-{'9' * 29}",
        "bytes=1-2,x",  # 14.1.1: one invalid spec makes all invalid
        "bytes=1 - 2",
        "bytes=+1-2",
        "bytes=1_0-20",
        "bytes=١-٢",
        "bytes=0x1-2",
        f"bytes=0-{'9' * 5000}",  # more digits than int() takes
        "bytes =1-2",
        "items=0-5",  # 14.2: unknown unit
        "none",
        "1-2",
        "bytes:1-2",
    ],
)
def test_14_2_ignored(value: str) -> None:
    assert ask(value) is None


def test_absent_or_repeated_is_ignored() -> None:
    assert parse_range([], SIZE) is None
    assert parse_range(["bytes=0-1", "bytes=5-6"], SIZE) is None


@pytest.mark.parametrize("value", ["bytes=0-", "bytes=-5", "bytes=-0", "bytes=7-"])
def test_14_2_nothing_to_take_a_range_of(value: str) -> None:
    assert ask(value, 0) is None


def test_17_15_too_many_ranges_are_ignored() -> None:
    def many(n: int) -> str:
        return "bytes=" + ",".join(f"{10 * i}-{10 * i + 1}" for i in range(n))

    assert len(ask(many(64)) or ()) == 64  # type: ignore[arg-type]
    assert ask(many(65)) is None


def test_14_2_more_than_two_overlapping_ranges_are_ignored() -> None:
    assert ask("bytes=0-10,5-15") == ((0, 15),)
    assert ask("bytes=0-10,5-15,12-20") is None
    assert ask("bytes=0-,0-,0-") is None
    assert ask("bytes=0-1,2-3,4-5,6-7") == ((0, 7),)  # neighbours do not overlap


def test_15_3_7_2_order_is_kept_as_asked() -> None:
    assert ask("bytes=-10,0-9,50-59") == ((9990, 9999), (0, 9), (50, 59))
    assert ask("bytes=50-59,0-9,60-69") == ((50, 69), (0, 9))


def test_14_4_content_range() -> None:
    assert Span(0, 499).content_range(1234) == "bytes 0-499/1234"
    assert Span(42, 42).length == 1
    assert UnsatisfiableRange(1234).content_range == "bytes */1234"


POSITION = st.integers(0, 40) | st.integers(0, 10**30)
SPEC = st.one_of(
    st.tuples(POSITION, POSITION).map(lambda p: f"{min(p)}-{max(p)}"),
    POSITION.map("{}-".format),
    POSITION.map("-{}".format),
)


@given(st.lists(SPEC, min_size=1, max_size=8), st.integers(1, 30))
def test_spans_cover_exactly_what_was_asked(specs: list[str], size: int) -> None:
    wanted: set[int] = set()
    for spec in specs:
        first, _, last = spec.partition("-")
        if first:
            wanted.update(range(min(int(first), size), min(int(last or size), size - 1) + 1))
        else:
            wanted.update(range(max(size - int(last), 0), size))
    match ask("bytes=" + ",".join(specs), size):
        case None:
            assert len(specs) > 2  # too many overlaps
        case UnsatisfiableRange():
            assert not wanted
        case spans:
            sent = [offset for span in spans for offset in range(span.first, span.last + 1)]
            assert len(sent) == len(set(sent))
            assert set(sent) == wanted


@given(st.text(st.sampled_from("bytes=-0123456789, \t"), max_size=30), st.integers(0, 5))
def test_no_text_breaks_the_range_reader(value: str, size: int) -> None:
    result = ask(f"bytes={value}", size)
    if isinstance(result, tuple):
        assert all(0 <= span.first <= span.last < size for span in result)


def test_14_6_multipart_framing() -> None:
    content = bytes(range(256)) * 4
    spans = [Span(900, 909), Span(0, 0), Span(10, 500)]
    plan = multipart_plan(spans, len(content), "text/plain; charset=utf-8", BOUNDARY)
    body = b"".join(part.header + content[part.span.first : part.span.last + 1] for part in plan.parts)
    body += plan.closing
    assert len(body) == plan.content_length

    raw = f"Content-Type: {plan.content_type}\r\n\r\n".encode() + body
    message = email.message_from_bytes(raw, policy=email.policy.HTTP)
    assert message.get_content_type() == "multipart/byteranges"
    chunks = body.split(f"\r\n--{BOUNDARY}".encode())
    assert chunks[0] == b""
    assert chunks[-1] == b"--\r\n"
    for chunk, span in zip(chunks[1:-1], spans, strict=True):
        head, _, data = chunk.partition(b"\r\n\r\n")
        assert head.split(b"\r\n")[1:] == [
            b"Content-Type: text/plain; charset=utf-8",
            b"Content-Range: " + span.content_range(len(content)).encode(),
        ]
        assert data == content[span.first : span.last + 1]


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [("text/plain", ""), ("text/plain", "a" * 71), ("text/plain", 'a"b'), ("text/plain\r\nX: y", BOUNDARY)],
)
def test_14_6_framing_cannot_be_broken(content_type: str, boundary: str) -> None:
    with pytest.raises(ValueError, match=r"boundary|media type"):
        multipart_plan([Span(0, 1), Span(3, 4)], 10, content_type, boundary)
