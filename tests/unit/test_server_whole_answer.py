"""An answer that is put together once is the one that would be put together each time."""

from __future__ import annotations

from typing import Any, Final

from app.server import whole_answer
from app.server.whole_answer import MOST_HELD_BYTES, WholeAnswers

OWN: Final = [(b"date", b"one")]
FIELDS: Final = bytes(bytearray(b"etag: x\r\n"))
BODY: Final = bytes(bytearray(b"page"))


class Transport:
    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def writelines(self, pieces: tuple[bytes, ...]) -> None:
        self.written.append(b"".join(pieces))


def written(answers: WholeAnswers, status: int, own: Any, fields: bytes, body: bytes) -> bytes:
    transport: Any = Transport()
    answers.write(transport, status, own, fields, body)
    (data,) = transport.written
    made: bytes = data
    return made


def framed(status: int, own: Any, fields: bytes, body: bytes) -> bytes:
    """The bytes of an answer, put together by hand."""
    line = {200: b"HTTP/1.1 200 OK\r\n", 302: b"HTTP/1.1 302 Found\r\n"}[status]
    return line + b"".join(b"%b: %b\r\n" % field for field in own) + fields + b"\r\n" + body


def test_the_same_answer_is_put_together_once() -> None:
    answers = WholeAnswers()
    first = written(answers, 200, OWN, FIELDS, BODY)
    assert first == framed(200, OWN, FIELDS, BODY)
    assert written(answers, 200, OWN, FIELDS, BODY) is first


def test_it_is_another_one_where_anything_is_another() -> None:
    """Fields are the same object where they are of one cached response: asked for by GET and by HEAD, or read from a file."""
    answers = WholeAnswers()
    parts: list[tuple[int, Any, bytes, bytes]] = [
        (200, OWN, FIELDS, BODY),
        (200, OWN, FIELDS, b""),
        (200, OWN, FIELDS, bytes(bytearray(b"file"))),
        (302, OWN, FIELDS, BODY),
        (200, OWN, b"etag: y\r\n", BODY),
        (200, [(b"date", b"two")], FIELDS, BODY),
    ]
    for one in (*parts, *parts):
        assert written(answers, *one) == framed(*one)


def test_fields_that_are_gone_leave_nothing_to_those_at_their_place() -> None:
    answers = WholeAnswers()
    for number in range(200):
        fields = b"number: %d\r\n" % number
        assert written(answers, 200, OWN, fields, BODY) == framed(200, OWN, fields, BODY)


def test_no_more_is_held_than_may_be() -> None:
    answers = WholeAnswers()
    bodies = [bytes(60_000) for _ in range(2 * MOST_HELD_BYTES // 60_000)]
    kept = [b"number: %d\r\n" % number for number in range(len(bodies))]
    for own in (OWN, [*OWN]):
        for fields, body in zip(kept, bodies, strict=True):
            assert written(answers, 200, own, fields, body) == framed(200, own, fields, body)
        held = sum(len(one.whole) for one in answers._held.values())
        assert MOST_HELD_BYTES // 2 < held <= MOST_HELD_BYTES


def test_a_large_body_is_not_copied() -> None:
    answers = WholeAnswers()
    body = bytes(whole_answer._COPIED_BYTES + 1)
    for _ in range(2):
        assert written(answers, 200, OWN, FIELDS, body) == framed(200, OWN, FIELDS, body)
    assert not answers._held
