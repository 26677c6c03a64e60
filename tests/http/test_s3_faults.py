"""What clients see when S3 fails: the table of the operations guide, row by row.

Each row is tried against the real back-end over an S3 that fails in that way: a page, a page in memory, a file.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.aws import S3Endpoint, point_aws_at
from tests.support.fake_s3 import Answer, Request, content, hang, in_turn, reset, status, stored, xml
from tests.support.live_server import app_for, live_server
from tests.support.patience import be_patient_with_s3
from tests.support.site_trees import http_client
from tests.support.switched_s3 import BUCKET, SwitchedS3, e_tag_of, operation_of, run_switched_s3

GUIDE = Path(__file__).parents[2] / "docs" / "operations.md"
CONTENT = bytes(range(256)) * 4096
HALF = len(CONTENT) // 2
OBJECTS = {"warm/file.bin": CONTENT, "cold/file.bin": CONTENT}
LISTING = (
    "<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated><Contents><Key>cold/file.bin</Key>"
    "<LastModified>2022-10-12T17:50:00Z</LastModified><ETag>&quot;x&quot;</ETag><Size>1</Size></Contents>"
)
E_TAG = e_tag_of(CONTENT)


def breaking(then: Answer) -> Answer:
    """The file, whose first answer ends half-way."""
    return in_turn(stored(CONTENT, e_tag=E_TAG, sends=HALF, then=then), stored(CONTENT, e_tag=E_TAG))


async def replaced(request: Request, writer: asyncio.StreamWriter) -> None:
    """Half of the file. A request for the rest finds another file."""
    if "range" in request.headers:
        await stored(b"another" * HALF, e_tag="another")(request, writer)
    else:
        await stored(CONTENT, e_tag=E_TAG, sends=HALF, then=reset)(request, writer)


async def drip(request: Request, writer: asyncio.StreamWriter) -> None:
    """The right answer, a little at a time: never long without anything, and slower than any call may take."""
    body = CONTENT if operation_of(request) == "get" else (LISTING + "</ListBucketResult>").encode()
    writer.write(f'HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nETag: "{E_TAG}"\r\n\r\n'.encode())
    step = len(body) // 40
    for start in range(0, len(body), step):
        writer.write(body[start : start + step])
        await writer.drain()
        await asyncio.sleep(0.1)


def only(operation: str, answer: Answer) -> Callable[[SwitchedS3], None]:
    return lambda s3: s3.answer_each(**{operation: answer})


def every(answer: Answer) -> Callable[[SwitchedS3], None]:
    return lambda s3: s3.answer(answer)


def both(listing: Answer, body: Answer) -> Callable[[SwitchedS3], None]:
    return lambda s3: s3.answer_each(list=listing, get=body)


def breaks_once(s3: SwitchedS3) -> None:
    """The first listing and the first body end early; the next ones are whole."""
    listing = in_turn(content(LISTING.encode(), claims=10_000), s3.serve)
    s3.answer_each(list=listing, get=breaking(reset))


FAULTS: dict[str, Callable[[SwitchedS3], None]] = {
    "does not answer": every(hang),
    "refuses connections": SwitchedS3.refuse,
    "resets connections": every(reset),
    "500 `InternalError`": every(status(500, "InternalError")),
    "503 `SlowDown`": every(status(503, "SlowDown")),
    "400 `ExpiredToken`": every(status(400, "ExpiredToken")),
    "403 `RequestTimeTooSkewed`": every(status(403, "RequestTimeTooSkewed")),
    "403 `AccessDenied`": every(status(403, "AccessDenied")),
    "404 `NoSuchBucket`": every(status(404, "NoSuchBucket")),
    "XML that ends early": both(xml(LISTING), stored(CONTENT, e_tag=E_TAG)),
    "a page that is not a listing": both(xml("<html></html>"), stored(CONTENT, e_tag=E_TAG)),
    "resets once in the middle of a body": breaks_once,
    "ends every body after a few bytes": both(
        content(LISTING.encode(), claims=10_000), stored(CONTENT, e_tag=E_TAG, sends=100)
    ),
    "stops in the middle of a body": both(hang, breaking(hang)),
    "a `Content-Length` that is too small": both(xml(LISTING), content(CONTENT[:-1], e_tag=E_TAG)),
    "a `Content-Length` that is too large": both(
        content(LISTING.encode(), claims=10_000), content(CONTENT, claims=len(CONTENT) + 1, e_tag=E_TAG)
    ),
    "breaks off, and then has another object": only("get", replaced),
    "a slow drip": both(drip, drip),
}

GIVEN_UP = {
    "does not answer": ("file", "cold"),
    "stops in the middle of a body": ("cold",),
    "a slow drip": ("cold",),
}
"""What is not answered in time. Everything else may take as long as it takes."""
STALLED_SECONDS = 6
"""After which a download is resumed, which may happen to an answer that is only late."""


def rows() -> dict[str, list[str]]:
    """The cells of the guide's table, by the first one."""
    section = GUIDE.read_text().partition("### When S3 fails")[2].partition("\n### ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]
    return {first: rest for first, *rest in cells}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[SwitchedS3]:
    with run_switched_s3(OBJECTS) as s3:
        point_aws_at(monkeypatch, S3Endpoint(s3.url))
        yield s3


def page(client: httpx.Client, url: str) -> str:
    answer = client.get(url)
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        return str(answer.status_code)
    return "200" if "file.bin" in answer.text else "a page without the file"


def file(client: httpx.Client, url: str) -> str:
    try:
        answer = client.get(url)
    except httpx.RemoteProtocolError:
        return "breaks off"
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        return str(answer.status_code)
    return "200" if answer.content == CONTENT else "wrong bytes"


def test_the_table_has_every_fault_and_no_other() -> None:
    assert list(rows()) == list(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_clients_see_what_the_table_says(s3: SwitchedS3, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    app = app_for(f"s3://{BUCKET}", delivery="proxy", cache_ttl=600)
    given_up = GIVEN_UP.get(fault, ())
    patience = be_patient_with_s3(monkeypatch, read=STALLED_SECONDS)
    with live_server(app) as server, http_client(server.url) as client:
        assert page(client, "/warm/") == "200"
        FAULTS[fault](s3)
        warm = page(client, "/warm/")
        if "file" in given_up:
            patience.run_out()
        download = file(client, "/warm/file.bin")
        if "cold" in given_up:
            patience.run_out()
        cold = page(client, "/cold/")
    assert [cold, warm, download] == rows().get(fault)


def test_the_table_never_says_that_bytes_are_wrong() -> None:
    allowed = re.compile("200|50[23]|breaks off")
    assert all(allowed.fullmatch(cell) for cells in rows().values() for cell in cells)
