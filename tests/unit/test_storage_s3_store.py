from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from app.domain.entries import File, FileInfo
from app.domain.errors import NotFound, ObjectChanged, PierheadError, StoreDenied, StoreUnavailable
from app.domain.paths import ROOT, ArtifactPath
from app.storage.s3.store import S3Store
from tests.support import fake_s3
from tests.support.aws import S3Endpoint, point_aws_at
from tests.support.fake_s3 import FakeS3
from tests.support.patient_store import open_patient_store

FILE = ArtifactPath.of("d", "f.zip")
FOLDER = ArtifactPath.of("d", is_folder=True)
INFO = FileInfo(size=10, modified=0.0, e_tag="tag")
HUGE = FileInfo(size=10**9, modified=0.0, e_tag="tag")

PAGE = """<?xml version="1.0"?><ListBucketResult><Name>artifacts</Name><EncodingType>url</EncodingType>
<IsTruncated>{truncated}</IsTruncated>{token}<Contents><Key>d/{name}</Key><Size>1</Size><ETag>"tag"</ETag>
<LastModified>2022-10-12T17:50:00.000Z</LastModified></Contents></ListBucketResult>"""


class Observations(list[tuple[str, str]]):
    def __call__(self, operation: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        self.append((operation, outcome))


@pytest.fixture
def seen() -> Observations:
    return Observations()


@pytest.fixture
async def store(s3: FakeS3, seen: Observations) -> AsyncIterator[S3Store]:
    async with open_patient_store(observe=seen, in_flight=1) as store:
        yield store


@pytest.fixture
async def impatient(s3: FakeS3, seen: Observations) -> AsyncIterator[S3Store]:
    """For an S3 that gives nothing: whatever it gave would have to be there in a moment."""
    async with open_patient_store(observe=seen, read_timeout=0.2) as store:
        yield store


async def list_folder(store: S3Store) -> None:
    await store.list_folder(FOLDER)


async def head(store: S3Store) -> None:
    await store.head(FILE, is_listed=True)


async def read_small(store: S3Store) -> None:
    await store.read_small(FILE, is_listed=True)


async def open_range(store: S3Store) -> None:
    async with store.open_range(FILE, INFO, 0, 5):
        pytest.fail("entered without an object")


async def check(store: S3Store) -> None:
    await store.check()


Use = Callable[[S3Store], Awaitable[None]]
WITH_BODY: list[Use] = [list_folder, read_small, open_range, check]
ALL_USES = [*WITH_BODY, head]


async def assert_fails(store: S3Store, use: Use, expected: type[PierheadError] | str) -> None:
    with pytest.raises(StoreUnavailable if isinstance(expected, str) else expected) as caught:
        await use(store)
    if isinstance(expected, str):
        assert isinstance(caught.value, StoreUnavailable)
        assert caught.value.reason == expected


@pytest.mark.parametrize(
    ("code", "error", "expected", "outcome"),
    [
        (404, "NoSuchKey", NotFound, "not-found"),
        (404, "NoSuchBucket", "no-such-bucket", "no-such-bucket"),
        (403, "AccessDenied", StoreDenied, "denied"),
        (403, "SignatureDoesNotMatch", StoreDenied, "denied"),
        (403, "InvalidAccessKeyId", StoreDenied, "denied"),
        (400, "ExpiredToken", StoreDenied, "denied"),
        (403, "SomethingNew", StoreDenied, "denied"),
        (412, "PreconditionFailed", ObjectChanged, "changed"),
        (416, "InvalidRange", ObjectChanged, "changed"),
        (503, "SlowDown", "throttled", "throttled"),
        (429, "TooManyRequests", "throttled", "throttled"),
        (503, "ServiceUnavailable", "throttled", "throttled"),
        (400, "RequestTimeout", "timeout", "timeout"),
        (500, "InternalError", "server-error", "server-error"),
        (502, "", "server-error", "server-error"),
        (400, "MalformedXML", "unexpected", "unexpected"),
    ],
)
async def test_each_error_answer_means_one_thing(
    s3: FakeS3,
    store: S3Store,
    seen: Observations,
    code: int,
    error: str,
    expected: type[PierheadError] | str,
    outcome: str,
) -> None:
    s3.answer = fake_s3.status(code, error)
    for use in WITH_BODY:
        await assert_fails(store, use, expected)
    seen.remove(("list", "ok"))  # the folder's own entry
    assert seen == [("list", outcome), ("get", outcome), ("get", outcome), ("check", outcome)]


@pytest.mark.parametrize(
    ("code", "expected"),
    [(404, NotFound), (403, StoreDenied), (503, "throttled"), (500, "server-error"), (400, StoreDenied)],
)
async def test_the_answer_to_a_head_has_no_code_to_go_by(
    s3: FakeS3, store: S3Store, code: int, expected: type[PierheadError] | str
) -> None:
    s3.answer = fake_s3.status(code, "Ignored")
    await assert_fails(store, head, expected)


async def test_no_answer_in_time(s3: FakeS3, impatient: S3Store, seen: Observations) -> None:
    s3.answer = fake_s3.hang
    for use in ALL_USES:
        await assert_fails(impatient, use, "timeout")
    seen.remove(("list", "ok"))  # the folder's own entry
    assert seen == [(operation, "timeout") for operation in ("list", "get", "get", "check", "head")]


async def test_a_broken_connection(s3: FakeS3, store: S3Store) -> None:
    s3.answer = fake_s3.reset
    for use in ALL_USES:
        await assert_fails(store, use, "connection")


async def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        point_aws_at(monkeypatch, S3Endpoint(f"http://127.0.0.1:{bound.getsockname()[1]}"))
        async with open_patient_store() as store:
            await assert_fails(store, check, "connection")


async def test_without_credentials_nothing_is_sent(s3: FakeS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    async with open_patient_store() as store:
        for use in ALL_USES:
            await assert_fails(store, use, StoreDenied)
    assert s3.requests == []


async def test_a_failing_call_is_tried_again_and_each_attempt_is_observed(
    s3: FakeS3, seen: Observations
) -> None:
    s3.answer = fake_s3.in_turn(fake_s3.status(503, "SlowDown"), fake_s3.content(b"0123456789"))
    async with open_patient_store(observe=seen, attempts=2) as store:
        assert (await store.head(FILE, is_listed=True)).size == 10
    assert len(s3.requests) == 2
    assert seen == [("head", "throttled"), ("head", "ok")]


async def test_cancellation_is_passed_on(s3: FakeS3, seen: Observations) -> None:
    s3.answer = fake_s3.hang
    async with open_patient_store(observe=seen) as store:
        task = asyncio.create_task(store.head(FILE, is_listed=True))
        while not s3.requests:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert seen == [("head", "cancelled")]


@pytest.mark.parametrize("body", ["<html><body>captive portal</body></html>", "not XML at all", ""])
async def test_an_answer_that_is_no_listing_is_not_an_empty_folder(
    s3: FakeS3, store: S3Store, body: str
) -> None:
    s3.answer = fake_s3.xml(body)
    with pytest.raises(StoreUnavailable):
        await store.list_folder(ROOT)


async def test_pages_are_followed_to_the_last(s3: FakeS3, store: S3Store, seen: Observations) -> None:
    token = "<NextContinuationToken>more+of/it=</NextContinuationToken>"
    s3.answer = fake_s3.in_turn(
        fake_s3.xml(PAGE.format(truncated="true", token=token, name="a%2Bb")),
        fake_s3.xml(PAGE.format(truncated="false", token="", name="c+d")),
    )
    listing = await store.list_folder(FOLDER)
    assert [entry.name for entry in listing.entries] == ["a+b", "c d"]
    assert listing.entries[0].modified == datetime(2022, 10, 12, 17, 50, tzinfo=UTC).timestamp()
    assert "continuation-token=more%2Bof%2Fit%3D" in s3.requests[1].target
    assert len(s3.requests) == 2


async def test_a_listing_without_a_way_to_its_next_page_is_not_cut_short(s3: FakeS3, store: S3Store) -> None:
    s3.answer = fake_s3.xml(PAGE.format(truncated="true", token="", name="a"))
    await assert_fails(store, list_folder, "unexpected")


async def test_a_failing_second_page_fails_the_listing(s3: FakeS3, store: S3Store) -> None:
    token = "<NextContinuationToken>more</NextContinuationToken>"
    page = fake_s3.xml(PAGE.format(truncated="true", token=token, name="a"))
    s3.answer = fake_s3.in_turn(page, fake_s3.status(503, "SlowDown"))
    await assert_fails(store, list_folder, "throttled")


async def test_skipped_keys_are_logged_once_for_the_listing(s3: FakeS3, store: S3Store) -> None:
    s3.answer = fake_s3.xml(PAGE.format(truncated="false", token="", name="bad%0Aname"))
    with capture_logs() as logs:
        listing = await store.list_folder(FOLDER)
    assert (listing.entries, listing.skipped) == ((), ("bad\nname",))
    assert [(line["event"], line["count"], line["folder"]) for line in logs] == [("keys_skipped", 1, "/d/")]


async def test_head_tells_what_the_headers_say(s3: FakeS3, store: S3Store) -> None:
    s3.answer = fake_s3.content(b"0123456789")
    modified = datetime(2022, 10, 12, 17, 50, tzinfo=UTC).timestamp()
    assert await store.head(FILE, is_listed=True) == FileInfo(10, modified, "tag", "application/zip")


@pytest.mark.parametrize(
    "path",
    [ArtifactPath.of("d", is_folder=True), ArtifactPath.parse(b"/%FF"), ArtifactPath.of(*["n" * 255] * 5)],
)
async def test_what_no_key_can_be_is_not_asked_for(s3: FakeS3, store: S3Store, path: ArtifactPath) -> None:
    for use in (store.head(path), store.read_small(path)):
        with pytest.raises(NotFound):
            await use
    with pytest.raises(NotFound):
        await store.presign(
            path, fields={"Content-Type": "text/plain", "Content-Disposition": "inline"}, expires=9
        )
    assert s3.requests == []


async def test_a_span_is_asked_for_by_range_and_validator(s3: FakeS3, store: S3Store) -> None:
    s3.answer = fake_s3.stored(b"0123456789")
    async with store.open_range(FILE, INFO, 3, 5) as chunks:
        assert b"".join([chunk async for chunk in chunks]) == b"34567"
    assert s3.requests[0].headers["range"] == "bytes=3-7"
    assert s3.requests[0].headers["if-match"] == '"tag"'


async def test_a_whole_file_is_asked_for_without_a_range(s3: FakeS3, store: S3Store) -> None:
    s3.answer = fake_s3.content(b"0123456789")
    async with store.open_range(FILE, INFO, 0, 10) as chunks:
        assert b"".join([chunk async for chunk in chunks]) == b"0123456789"
    assert "range" not in s3.requests[0].headers
    assert s3.requests[0].headers["if-match"] == '"tag"'


async def test_an_answer_of_another_length_is_refused(s3: FakeS3, store: S3Store) -> None:
    s3.answer = fake_s3.endless(b"0123456789")
    await assert_fails(store, open_range, "unexpected")
    await s3.has_closed(0)


async def read_whole(store: S3Store, info: FileInfo) -> bytes:
    async with store.open_range(FILE, info, 0, info.size) as chunks:
        return b"".join([chunk async for chunk in chunks])


@pytest.mark.parametrize("received", [b"", b"01234"])
async def test_a_stream_that_ends_early_is_an_error(s3: FakeS3, store: S3Store, received: bytes) -> None:
    s3.answer = fake_s3.content(received, claims=10)
    with pytest.raises(StoreUnavailable, match="broken-stream"):
        await read_whole(store, INFO)


async def test_a_stream_that_stops_is_a_timeout(s3: FakeS3) -> None:
    s3.answer = fake_s3.endless(b"0123456789")
    async with open_patient_store(read_timeout=1) as store:
        with pytest.raises(StoreUnavailable, match="timeout"):
            await read_whole(store, HUGE)
    await s3.has_closed(0)


async def test_a_broken_control_file_is_an_error(s3: FakeS3, store: S3Store, seen: Observations) -> None:
    s3.answer = fake_s3.content(b"Format-Version: 0.5", claims=1000)
    await assert_fails(store, read_small, "broken-stream")
    assert seen == [("get", "broken-stream")]


async def test_a_control_file_too_big_is_not_read(s3: FakeS3, store: S3Store, seen: Observations) -> None:
    s3.answer = fake_s3.endless(b"")
    with pytest.raises(ValueError):
        await store.read_small(FILE, is_listed=True)
    await s3.has_closed(0)
    assert seen == [("get", "refused")]


async def test_leaving_early_closes_the_connection(s3: FakeS3, store: S3Store) -> None:
    s3.answer = fake_s3.endless(b"x" * 100_000)
    async with store.open_range(FILE, HUGE, 0, HUGE.size) as chunks:
        assert await anext(chunks)
    await s3.has_closed(0)


async def test_a_cancelled_reader_closes_the_connection(s3: FakeS3, seen: Observations) -> None:
    s3.answer = fake_s3.endless(b"x")
    reading = asyncio.Event()

    async def read(store: S3Store) -> None:
        async with store.open_range(FILE, HUGE, 0, HUGE.size) as chunks:
            async for _ in chunks:
                reading.set()

    async with open_patient_store(observe=seen) as store:
        task = asyncio.create_task(read(store))
        await reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await s3.has_closed(0)


async def test_a_body_read_to_its_end_leaves_the_connection_for_the_next(
    s3: FakeS3, seen: Observations
) -> None:
    s3.answer = fake_s3.content(b"0123456789")
    async with open_patient_store(observe=seen) as store:
        for _ in range(3):
            async with store.open_range(FILE, INFO, 0, 10) as chunks:
                assert b"".join([chunk async for chunk in chunks]) == b"0123456789"
    assert [request.connection for request in s3.requests] == [0, 0, 0]


async def test_an_unused_connection_does_not_outlive_the_read_timeout(s3: FakeS3) -> None:
    """The next call that got it from the pool would have the timeout of the answer before."""
    async with open_patient_store(read_timeout=1) as store:
        s3.answer = fake_s3.content(b"0123456789")
        assert await read_whole(store, INFO) == b"0123456789"
        s3.answer = fake_s3.xml(PAGE.format(truncated="false", token="", name="a"))
        await store.list_folder(ArtifactPath.from_text("/d/"))
        s3.answer = fake_s3.content(b"0123456789")
        await store.head(FILE, is_listed=True)
        used = {request.connection for request in s3.requests}
        assert len(used) == 3
        for connection in used:
            await s3.has_closed(connection)


async def test_open_downloads_do_not_hold_up_other_calls(s3: FakeS3, store: S3Store) -> None:
    s3.answer = fake_s3.endless(b"x")
    async with (
        store.open_range(FILE, HUGE, 0, HUGE.size),
        store.open_range(FILE, HUGE, 0, HUGE.size),
    ):
        s3.answer = fake_s3.content(b"0123456789")
        assert (await store.head(FILE, is_listed=True)).size == 10


async def test_a_path_with_a_tilde_is_asked_for_in_both_spellings(s3: FakeS3, store: S3Store) -> None:
    s3.answer = fake_s3.in_turn(fake_s3.status(404), fake_s3.content(b"0123456789"))
    await store.head(ArtifactPath.of("~a", "b~c"), is_listed=True)
    assert [request.target for request in s3.requests] == [
        "/artifacts/~a/b~c",
        "/artifacts/%257Ea/b%257Ec",
    ]


async def test_the_second_spelling_is_not_tried_where_the_first_was_refused(
    s3: FakeS3, store: S3Store
) -> None:
    s3.answer = fake_s3.in_turn(fake_s3.status(403), fake_s3.content(b"0123456789"))
    with pytest.raises(StoreDenied):
        await store.head(ArtifactPath.of("~a"), is_listed=True)


async def test_presigning_asks_s3_only_about_spellings(s3: FakeS3, store: S3Store) -> None:
    signed = await store.presign(
        FILE,
        fields={"Content-Type": "text/x-y", "Content-Disposition": 'attachment; filename="f"'},
        expires=60,
    )
    url = signed.url
    assert time.time() < signed.until <= time.time() + 12
    assert url.startswith(f"{s3.url}/artifacts/d/f.zip?")
    assert "X-Amz-Expires=72" in url  # and so much longer than a window lasts
    assert "response-content-type=text%2Fx-y" in url
    assert "response-content-disposition=attachment%3B%20filename%3D%22f%22" in url
    assert s3.requests == []
    s3.answer = fake_s3.in_turn(fake_s3.status(404), fake_s3.content(b""))
    signed = await store.presign(
        ArtifactPath.of("~a"), fields={"Content-Type": "a/b", "Content-Disposition": "inline"}, expires=60
    )
    assert signed.url.startswith(f"{s3.url}/artifacts/%257Ea?")


async def test_a_prefix_is_where_the_tree_begins(s3: FakeS3) -> None:
    async with open_patient_store("trees/eu/") as store:
        s3.answer = fake_s3.content(b"")
        await store.head(FILE, is_listed=True)
        s3.answer = fake_s3.status(500)
        with pytest.raises(StoreUnavailable):
            await store.list_folder(ROOT)
        with pytest.raises(StoreUnavailable):
            await store.check()
    assert s3.requests[0].target == "/artifacts/trees/eu/d/f.zip"
    assert all("prefix=trees%2Feu%2F" in request.target for request in s3.requests[1:])


@pytest.mark.parametrize("tag", ["", "<ETag/>"])
async def test_an_object_without_an_entity_tag_has_none(s3: FakeS3, store: S3Store, tag: str) -> None:
    fields = f"<Key>d/{{name}}</Key><LastModified>2022-10-12T17:50:00Z</LastModified>{tag}<Size>1</Size>"
    items = "".join(f"<Contents>{fields.format(name=name)}</Contents>" for name in ("a", "a~b"))
    s3.answer = fake_s3.xml(
        f"<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated>{items}</ListBucketResult>"
    )
    entries = (await store.list_folder(FOLDER)).entries
    files = [(entry.name, entry.e_tag) for entry in entries if isinstance(entry, File)]
    assert files == [("a", None), ("a~b", None)]
