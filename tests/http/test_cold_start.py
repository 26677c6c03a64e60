"""A server that has just started over a slow S3 reads its top folders before it says that it is ready."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.aws import S3Endpoint, point_aws_at
from tests.support.fake_s3 import Request, hang, status
from tests.support.live_server import app_for
from tests.support.site_trees import client_of
from tests.support.switched_s3 import BUCKET, SwitchedS3, run_switched_s3
from tests.support.waiting import wait_until

S3_SECONDS = 0.1
SECONDS = 120
CACHED: dict[str, Any] = {"cache_ttl": 3600, "log_level": "warning"}


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[SwitchedS3]:
    """An S3 that takes its time for every answer."""
    with run_switched_s3({f"top{number}/f/app.bin": b"bytes" for number in range(3)}) as s3:

        async def answer(asked: Request, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(S3_SECONDS)
            await s3.serve(asked, writer)

        s3.answer(answer)
        point_aws_at(monkeypatch, S3Endpoint(s3.url))
        yield s3


def ready(client: httpx.Client) -> tuple[int, str]:
    answer = client.get("/readyz")
    return answer.status_code, answer.json().get("type", "").rpartition(":")[2]


@pytest.mark.parametrize(
    ("wanted", "read"),
    [("2", ["/", "/top0/", "/top1/", "/top2/"]), (("/top1/", "/top2"), ["/top1/", "/top2/"])],
)
def test_a_server_is_ready_when_it_has_read_what_it_was_told_to(
    slow: SwitchedS3, wanted: object, read: list[str]
) -> None:
    with client_of(app_for(f"s3://{BUCKET}", prewarm=wanted, **CACHED)) as client:
        assert wait_until(lambda: ready(client) == (200, ""), SECONDS)
        before = len(slow.requests)
        for path in read:
            assert client.get(path).status_code == 200
        assert len(slow.requests) == before


def test_until_then_it_says_so_and_serves(slow: SwitchedS3) -> None:
    slow.answer_each(list=hang)
    with client_of(app_for(f"s3://{BUCKET}", prewarm="1", **CACHED)) as client:
        assert ready(client) == (503, "warming")
        assert client.get("/healthz").status_code == 200


def test_what_cannot_be_read_keeps_nobody_from_being_ready(slow: SwitchedS3) -> None:
    slow.answer(status(403, "AccessDenied"))
    with client_of(app_for(f"s3://{BUCKET}", prewarm=("/top0/", "/no/such/"), **CACHED)) as client:
        # It is not ready for other reasons, if at all.
        assert wait_until(lambda: ready(client)[1] != "warming", SECONDS)
        slow.well()
        assert wait_until(lambda: ready(client)[0] == 200, SECONDS)
        assert client.get("/top0/").status_code == 200
