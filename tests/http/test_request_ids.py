"""The id of a request, and its trace: in the answer, in the log, and in the calls that are made for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.aws import S3Endpoint, point_aws_at
from tests.support.live_server import app_for
from tests.support.memory_store import MemoryStore
from tests.support.served_store import Site, serve_store
from tests.support.site_trees import client_of
from tests.support.switched_s3 import BUCKET, run_switched_s3

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PATHS = ("/a/", "/a/?format=json", "/a/f.txt", "/a/none", "/healthz", "/-/none")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    store = MemoryStore()
    store.put("a/f.txt", b"x")
    with serve_store(store, cache_ttl=600, cache_grace=60, cache_max_stale=6000) as site:
        yield site


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_names_the_id_that_its_request_had_from_memory_too(site: Site, path: str) -> None:
    for number in range(3):
        answer = site.http.get(path, headers={"X-Request-Id": f"id-{number}"})
        assert answer.headers.get_list("x-request-id") == [f"id-{number}"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("fields", [{}, {"X-Request-Id": "not one"}, {"traceparent": PARENT}])
def test_answers_that_are_alike_stay_alike(site: Site, path: str, fields: dict[str, str]) -> None:
    for _ in range(2):
        assert "x-request-id" not in site.http.get(path, headers=fields).headers


def test_what_goes_wrong_in_a_bucket_can_be_followed_from_the_client_to_its_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with run_switched_s3({"d/EULA.txt": b"terms", "d/f.txt": b"x"}) as s3:
        point_aws_at(monkeypatch, S3Endpoint(s3.url))
        with client_of(app_for(f"s3://{BUCKET}", delivery="proxy")) as client:
            asked = {"X-Request-Id": "from-client", "traceparent": PARENT, "tracestate": "a=b"}
            client.get("/d/", headers=asked)
            client.get("/d/none.txt", headers=asked)
            traced = [
                request for request in s3.requests if "d/" in request.target or "d%2F" in request.target
            ]
            assert traced
            for request in traced:
                found = {name.lower(): value for name, value in request.headers.items()}
                assert found["x-request-id"] == "from-client"
                assert (found["traceparent"], found["tracestate"]) == (PARENT, "a=b")


def test_a_failure_names_its_id_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    point_aws_at(monkeypatch, S3Endpoint("http://127.0.0.1:9"))
    with client_of(app_for(f"s3://{BUCKET}")) as client:
        answer = client.get("/d/")
        assert answer.status_code >= 500
        assert len(answer.headers["x-request-id"]) == 32
