"""Answers of S3 that are compressed though nobody asked for that, as some proxies do, and such that only say so."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator, Iterator

import pytest
from structlog.testing import capture_logs

from app.domain.errors import NotFound, ObjectEncrypted, StoreDenied, StoreUnavailable
from app.domain.paths import ROOT, ArtifactPath
from app.domain.storage_urls import S3Place
from app.storage.s3.inflating import MAX_ERROR_BYTES, inflated
from app.storage.s3.list_xml import MAX_PAGE_BYTES
from app.storage.s3.opening import open_s3_store
from app.storage.s3.store import S3Store
from tests.support.aws import BUCKET
from tests.support.fake_s3 import Answer, FakeS3, Request

LISTING = (
    b"<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated><Contents><Key>f</Key><Size>1</Size></Contents>"
    b"</ListBucketResult>"
)
MIB = 1024 * 1024
FILE = ArtifactPath.parse(b"/f")


def zipped(body: bytes, *, code: int = 200, encoding: str = "gzip", claims: int | None = None) -> Answer:
    """A body that is said to be compressed. It is sent as it is."""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        length = len(body) if claims is None else claims
        writer.write(
            f"HTTP/1.1 {code} Odd\r\nContent-Type: application/xml\r\nContent-Encoding: {encoding}\r\n"
            f"Content-Length: {length}\r\n\r\n".encode()
        )
        writer.write(b"" if request.method == "HEAD" else body)
        await writer.drain()
        if length > len(body):
            writer.close()

    return answer


def error(code: str, message: str = "") -> bytes:
    return gzip.compress(f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode())


@pytest.fixture
async def store(s3: FakeS3) -> AsyncIterator[S3Store]:
    async with open_s3_store(S3Place(BUCKET), observe=lambda *_: None) as opened:
        yield opened


@pytest.fixture
def taken() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["gzip", "GZIP"])
@pytest.mark.parametrize(
    "body",
    [gzip.compress(LISTING), gzip.compress(LISTING[:40]) + gzip.compress(LISTING[40:])],
    ids=["in one member", "in two members"],
)
async def test_a_listing_is_read(s3: FakeS3, store: S3Store, encoding: str, body: bytes) -> None:
    s3.answer = zipped(body, encoding=encoding)
    assert [entry.name for entry in (await store.list_folder(ROOT)).entries] == ["f"]


BROKEN = {
    "cut": gzip.compress(LISTING)[:-30],
    "cut early": gzip.compress(LISTING)[:20],
    "plain": LISTING,
    "damaged": gzip.compress(LISTING)[:40] + bytes(12) + gzip.compress(LISTING)[52:],
    "empty": b"",
    "empty inside": gzip.compress(b""),
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("claims", [None, 10_000])
async def test_what_is_not_what_it_says_is_never_a_listing(
    s3: FakeS3, store: S3Store, body: bytes, claims: int | None
) -> None:
    s3.answer = zipped(body, claims=claims)
    with pytest.raises(StoreUnavailable):
        await store.list_folder(ROOT)


@pytest.mark.parametrize("filler", [b" ", b"x"], ids=["between elements", "in one element"])
async def test_a_listing_that_grows_without_end_is_given_up(
    s3: FakeS3, store: S3Store, taken: None, filler: bytes
) -> None:
    begin = b"<ListBucketResult>" if filler == b" " else b"<ListBucketResult><Name>"
    s3.answer = zipped(gzip.compress(begin) + gzip.compress(filler * MIB) * (4 * MAX_PAGE_BYTES // MIB))
    with capture_logs() as lines, pytest.raises(StoreUnavailable, match="unexpected"):
        await store.list_folder(ROOT)
    assert any(str(MAX_PAGE_BYTES) in str(line.get("causes")) for line in lines)
    assert tracemalloc.get_traced_memory()[1] < 3 * MAX_PAGE_BYTES


async def test_a_denied_listing_says_so(s3: FakeS3, store: S3Store) -> None:
    s3.answer = zipped(error("AccessDenied"), code=403)
    with pytest.raises(StoreDenied, match="list folders"):
        await store.list_folder(ROOT)


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (404, "NoSuchKey", "", NotFound),
        (403, "AccessDenied", "not authorized to perform: kms:Decrypt", ObjectEncrypted),
        (403, "SignatureDoesNotMatch", "", StoreDenied),
        (503, "SlowDown", "", StoreUnavailable),
    ],
)
async def test_an_error_is_what_its_code_says(
    s3: FakeS3, store: S3Store, status: int, code: str, message: str, kind: type[Exception]
) -> None:
    s3.answer = zipped(error(code, message), code=status)
    with capture_logs() as lines, pytest.raises(kind):
        await store.read_small(FILE, is_listed=True)
    said = [line["code"] for line in lines if line["event"] == "storage_call_failed"]
    assert said == ([code] if kind is not NotFound else [])
    with pytest.raises(kind):
        await store.head(FILE, is_listed=True)


@pytest.mark.parametrize(
    "body", [b"<Error><Code>AccessDenied</Code></Error>", error("AccessDenied")[:-8]], ids=["plain", "cut"]
)
async def test_an_error_that_is_not_what_it_says_is_an_error(s3: FakeS3, store: S3Store, body: bytes) -> None:
    s3.answer = zipped(body, code=403)
    with pytest.raises((StoreDenied, StoreUnavailable)):
        await store.read_small(FILE, is_listed=True)


async def test_the_encoding_of_an_object_is_left_alone(s3: FakeS3, store: S3Store) -> None:
    body = gzip.compress(b"published so")
    s3.answer = zipped(body)
    assert await store.read_small(FILE, is_listed=True) == body


def test_an_error_does_not_grow_without_end() -> None:
    assert len(inflated(gzip.compress(bytes(100 * MAX_ERROR_BYTES)))) == MAX_ERROR_BYTES
