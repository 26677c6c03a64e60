"""A body that S3 breaks off is continued, and only from the same object."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from app.domain.entries import FileInfo
from app.domain.errors import ObjectChanged, StoreDenied, StoreUnavailable
from app.domain.paths import ArtifactPath
from app.storage.s3.download import PROGRESS_BYTES
from app.storage.s3.store import S3Store
from tests.support.fake_s3 import Answer, FakeS3, content, hang, in_turn, reset, status, stored
from tests.support.patient_store import open_patient_store
from tests.support.waiting import PATIENCE

FILE = ArtifactPath.of("d", "f.zip")
BODY = bytes(range(251)) * (8 * PROGRESS_BYTES // 251 + 1)
BODY = BODY[: 8 * PROGRESS_BYTES]
INFO = FileInfo(size=len(BODY), modified=0.0, e_tag="tag")
ATTEMPTS = 3


def open_store(**options: Any) -> AbstractAsyncContextManager[S3Store]:
    return open_patient_store(resume_pauses=(0.0,) * ATTEMPTS, **options)


@pytest.fixture
async def store(s3: FakeS3) -> AsyncIterator[S3Store]:
    async with open_store() as store:
        yield store


async def read(store: S3Store, first: int = 0, length: int = len(BODY)) -> bytes:
    async with store.open_range(FILE, INFO, first, length) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def read_until_error(store: S3Store, error: type[Exception], first: int = 0) -> bytes:
    """What came before the error."""
    received: list[bytes] = []

    async def take_all() -> None:
        async with store.open_range(FILE, INFO, first, len(BODY) - first) as chunks:
            async for chunk in chunks:
                received.append(chunk)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(error):
        await take_all()
    return b"".join(received)


def breaking(sends: int, then: Answer | None = None) -> Answer:
    return stored(BODY, sends=sends, then=then)


@pytest.mark.parametrize("then", [None, reset, hang], ids=["closed", "reset", "hangs"])
@pytest.mark.parametrize("sends", [0, 1, 100_000])
async def test_a_body_that_breaks_off_is_asked_for_from_the_byte_reached(
    s3: FakeS3, sends: int, then: Answer | None
) -> None:
    s3.answer = in_turn(breaking(sends, then), stored(BODY))
    async with open_store(read_timeout=1 if then is hang else PATIENCE) as store:
        assert await read(store) == BODY
    first, second = s3.requests
    assert "range" not in first.headers
    reached = int(second.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
    assert reached <= sends
    if then is not reset:  # which may throw away what is on its way
        assert reached == sends
    assert [request.headers["if-match"] for request in s3.requests] == ['"tag"', '"tag"']


async def test_a_span_is_resumed_within_the_span(s3: FakeS3, store: S3Store) -> None:
    s3.answer = in_turn(breaking(1000), stored(BODY))
    assert await read(store, 500, 3000) == BODY[500:3500]
    assert [request.headers["range"] for request in s3.requests] == ["bytes=500-3499", "bytes=1500-3499"]


async def test_progress_starts_the_count_anew(s3: FakeS3, store: S3Store) -> None:
    s3.answer = breaking(PROGRESS_BYTES)
    assert await read(store) == BODY
    assert len(s3.requests) == len(BODY) / PROGRESS_BYTES > ATTEMPTS + 1


@pytest.mark.parametrize("sends", [0, 1, PROGRESS_BYTES // 8])
async def test_a_store_that_hardly_gives_anything_is_given_up(s3: FakeS3, store: S3Store, sends: int) -> None:
    s3.answer = breaking(sends)
    received = await read_until_error(store, StoreUnavailable)
    assert received == BODY[: sends * (1 + ATTEMPTS)]
    assert len(s3.requests) == 1 + ATTEMPTS


@pytest.mark.parametrize("code", [500, 503, 429])
async def test_a_store_that_is_ill_for_a_moment_is_asked_again(s3: FakeS3, store: S3Store, code: int) -> None:
    s3.answer = in_turn(breaking(10), status(code), status(code), stored(BODY))
    assert await read(store) == BODY


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (status(412, "PreconditionFailed"), ObjectChanged),
        (status(416, "InvalidRange"), ObjectChanged),
        (status(404, "NoSuchKey"), ObjectChanged),
        (status(403, "AccessDenied"), StoreDenied),
        (status(400, "ExpiredToken"), StoreDenied),
    ],
)
async def test_what_no_patience_mends_ends_the_body_at_once(
    s3: FakeS3, store: S3Store, answer: Answer, error: type[Exception]
) -> None:
    s3.answer = in_turn(breaking(10), answer)
    assert await read_until_error(store, error) == BODY[:10]
    assert len(s3.requests) == 2


async def test_another_object_is_refused_although_the_store_does_not_look_at_if_match(
    s3: FakeS3, store: S3Store
) -> None:
    other = content(b"x" * (len(BODY) - 10), e_tag="other", code=206)
    s3.answer = in_turn(breaking(10), other)
    assert await read_until_error(store, ObjectChanged) == BODY[:10]


def answer_with(status_line: str, span: str, body: bytes, e_tag: str = '"tag"') -> Answer:
    async def answer(request: object, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status_line}\r\nContent-Length: {len(body)}\r\nETag: {e_tag}\r\n"
        writer.write(f"{head}{span and f'Content-Range: {span}'}\r\n\r\n".encode() + body)
        await writer.drain()

    return answer


SIZE = len(BODY)
REST = b"x" * (SIZE - 10)


@pytest.mark.parametrize(
    "answer",
    [
        answer_with("200 OK", "", BODY),
        answer_with("200 OK", "", REST),
        answer_with("200 OK", f"bytes 0-{SIZE - 11}/{SIZE}", REST),
        answer_with("206 Partial Content", "", REST),
        answer_with("206 Partial Content", f"bytes 0-{SIZE - 11}/{SIZE}", REST),
        answer_with("206 Partial Content", f"bytes 10-{SIZE - 1}/{SIZE + 1}", REST),
        answer_with("206 Partial Content", f"bytes 10-{SIZE - 1}/*", REST),
        answer_with("206 Partial Content", f"bytes 10-{SIZE - 1}/{SIZE}", REST[1:]),
    ],
    ids=["whole", "no-part", "whole-from-start", "no-span", "other-span", "other-size", "no-size", "short"],
)
async def test_an_answer_to_another_question_is_not_taken(s3: FakeS3, store: S3Store, answer: Answer) -> None:
    s3.answer = in_turn(breaking(10), answer)
    assert await read_until_error(store, StoreUnavailable) == BODY[:10]


@pytest.mark.parametrize("answer", [answer_with("206 Partial Content", "bytes 0-9/10", BODY)])
async def test_a_part_is_not_taken_for_the_whole(s3: FakeS3, store: S3Store, answer: Answer) -> None:
    s3.answer = answer
    assert await read_until_error(store, StoreUnavailable) == b""


async def test_a_part_may_have_the_status_of_the_whole_where_it_says_which_it_is(
    s3: FakeS3, store: S3Store
) -> None:
    """As rclone sends it."""
    s3.answer = in_turn(breaking(10), answer_with("200 OK", f"bytes 10-{SIZE - 1}/{SIZE}", BODY[10:]))
    assert await read(store) == BODY


async def test_an_open_circuit_is_not_passed_by(s3: FakeS3) -> None:
    s3.answer = in_turn(breaking(10), reset)  # the probe, too, gets no answer
    async with open_store(breaker_failures=2) as store:
        assert await read_until_error(store, StoreUnavailable) == BODY[:10]
    # aiohttp sends a request again on a reset, so it is calls that count.
    calls = {r.headers["amz-sdk-invocation-id"] for r in s3.requests if "if-match" in r.headers}
    assert len(calls) == 3 < 1 + ATTEMPTS


async def test_a_reader_who_leaves_during_a_pause_is_let_go(s3: FakeS3) -> None:
    s3.answer = in_turn(breaking(10), stored(BODY))
    async with open_patient_store(resume_pauses=(3600.0,)) as store:
        reading = asyncio.create_task(read(store))
        await s3.has_closed(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    assert len(s3.requests) == 1
