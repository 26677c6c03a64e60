"""Buckets that are open to everybody, buckets whose readers pay, and answers that are compressed unasked."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.support.aws import S3Endpoint, point_aws_at
from tests.support.fake_s3 import Request, status
from tests.support.live_server import app_for
from tests.support.site_trees import client_of
from tests.support.switched_s3 import BUCKET, SwitchedS3, run_switched_s3

BODY = b"0123456789"
OPEN = b"Format-Version: 0.5\nFiles-Pattern: *\nLicense-Type: open\n"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[SwitchedS3]:
    with run_switched_s3({"d/f.bin": BODY, "d/BUILD-INFO.txt": OPEN}) as switched:
        point_aws_at(monkeypatch, S3Endpoint(switched.url))
        yield switched


def read_all(storage: str, delivery: str) -> httpx.Response:
    """Make every kind of call, and the request for a file that may be answered by a redirect."""
    with client_of(app_for(storage, delivery=delivery)) as http:
        for target in ("/d/?format=json", "/healthz", "/readyz"):
            assert http.get(target).status_code == 200
        answer = http.get("/d/f.bin")
        if delivery == "proxy":
            assert answer.content == BODY
        else:
            assert httpx.get(answer.headers["location"], trust_env=False).content == BODY
        return answer


def parameters(request: Request) -> dict[str, list[str]]:
    return parse_qs(urlsplit(request.target).query)


@pytest.mark.parametrize("delivery", ["auto", "proxy"])
def test_nothing_is_signed_for_a_bucket_that_is_open_to_everybody(
    s3: SwitchedS3, monkeypatch: pytest.MonkeyPatch, delivery: str
) -> None:
    """Nor are there credentials to sign with."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    answer = read_all(f"s3://{BUCKET}?unsigned=true", delivery)
    if delivery == "auto":
        assert answer.headers["location"] == f"{s3.url}/{BUCKET}/d/f.bin"
    assert {request.method for request in s3.requests} == {"GET", "HEAD"}
    for request in s3.requests:
        assert "authorization" not in request.headers
        assert not [name for name in parameters(request) if name.lower().startswith(("x-amz-", "response-"))]


@pytest.mark.parametrize("delivery", ["auto", "proxy"])
def test_every_call_says_that_its_sender_pays(s3: SwitchedS3, delivery: str) -> None:
    answer = read_all(f"s3://{BUCKET}?request_payer=requester", delivery)
    if delivery == "auto":
        assert "x-amz-request-payer=requester" in answer.headers["location"]
    for request in s3.requests:
        by_url = parameters(request).get("x-amz-request-payer") == ["requester"]
        if "authorization" in request.headers:
            assert request.headers["x-amz-request-payer"] == "requester"
            assert "x-amz-request-payer" in request.headers["authorization"]
        else:
            assert by_url


def test_no_call_says_so_for_other_buckets(s3: SwitchedS3) -> None:
    read_all(f"s3://{BUCKET}", "auto")
    for request in s3.requests:
        assert "x-amz-request-payer" not in request.headers
        assert "x-amz-request-payer" not in request.target


def test_listings_may_be_compressed_unasked(s3: SwitchedS3) -> None:
    async def compressed(request: Request, writer: asyncio.StreamWriter) -> None:
        prefix = parameters(request).get("prefix", [""])[0]
        body = gzip.compress(s3.listing(prefix).encode())
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Encoding: gzip\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()

    s3.answer_each(list=compressed)
    read_all(f"s3://{BUCKET}", "proxy")


def test_a_listing_that_is_denied_says_why_not(s3: SwitchedS3) -> None:
    s3.answer_each(list=status(403, "AccessDenied"))
    with client_of(app_for(f"s3://{BUCKET}")) as http:
        answer = http.get("/d/?format=json")
    assert answer.status_code == 502
    assert answer.json()["detail"] == "the storage does not let this server list folders"
