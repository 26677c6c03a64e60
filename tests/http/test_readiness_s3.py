"""Whether a replica over S3 is ready: judged by answers of S3, and not by there being some."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.answers import problem
from tests.support.aws import S3Endpoint, point_aws_at
from tests.support.fake_s3 import Answer, content, reset, status, xml
from tests.support.live_server import app_for
from tests.support.site_trees import SiteClient, client_of
from tests.support.switched_s3 import BUCKET, SwitchedS3, run_switched_s3
from tests.support.waiting import wait_until

SECONDS = 60
NONSENSE: dict[str, Answer] = {
    "a page of HTML": content(b"<!DOCTYPE html><html><body>Welcome to the network!</body></html>"),
    "XML of something else": xml("<ListAllMyBucketsResult></ListAllMyBucketsResult>"),
    "XML that ends early": xml("<ListBucketResult><Name>b</Name>"),
    "text": content(b"OK"),
    "nothing": content(b""),
    "an error that is none of S3": status(500, "Oops"),
    "no such bucket": status(404, "NoSuchBucket"),
    "a connection that is reset": reset,
}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[SwitchedS3]:
    with run_switched_s3({"d/f.txt": b"0123456789"}) as s3:
        point_aws_at(monkeypatch, S3Endpoint(s3.url))
        yield s3


def state(client: SiteClient) -> tuple[int, str | None]:
    answer = client.get("/readyz")
    return answer.status_code, answer.headers.get("x-pierhead-state")


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
def test_a_cold_replica_is_not_ready_for_what_is_no_answer_of_s3(s3: SwitchedS3, answer: Answer) -> None:
    s3.answer(answer)
    with client_of(app_for(f"s3://{BUCKET}")) as http:
        assert problem(http.get("/readyz")) == (503, "not-ready")


def test_a_warm_one_stays_ready_and_serves_what_it_has(s3: SwitchedS3) -> None:
    app = app_for(f"s3://{BUCKET}", cache_ttl=1, cache_grace=600, cache_max_stale=3600)
    with client_of(app) as http:
        assert http.get("/d/").status_code == 200
        s3.refuse()
        assert wait_until(lambda: state(http) == (200, "degraded"), SECONDS)
        assert http.get("/d/").status_code == 200
        s3.well()
        assert wait_until(lambda: state(http) == (200, None), SECONDS)
