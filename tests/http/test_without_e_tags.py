"""Files of an S3 engine that gives no ETag, or a weak one: they can be had, and nothing is taken for proof that it does not prove."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import httpx
import pytest

from tests.support.aws import S3Endpoint, point_aws_at
from tests.support.fake_s3 import in_turn, reset, stored
from tests.support.live_server import app_for
from tests.support.site_trees import client_of
from tests.support.switched_s3 import BUCKET, SwitchedS3, run_switched_s3

BODY = bytes(range(256)) * 4096
MODIFIED = "Wed, 12 Oct 2022 17:50:00 GMT"


class Served(NamedTuple):
    s3: SwitchedS3
    http: httpx.Client


@contextmanager
def serving(e_tags: str, delivery: str) -> Iterator[Served]:
    with (
        run_switched_s3({"d/f.bin": BODY}, e_tags=e_tags) as s3,
        pytest.MonkeyPatch.context() as environment,
    ):
        point_aws_at(environment, S3Endpoint(s3.url))
        with client_of(app_for(f"s3://{BUCKET}", delivery=delivery), follow_redirects=True) as http:
            yield Served(s3, http)


@pytest.fixture(scope="module", params=["auto", "proxy"])
def delivery(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=["none", "weak"])
def e_tags(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def http(e_tags: str, delivery: str) -> Iterator[httpx.Client]:
    """For tests that change nothing."""
    with serving(e_tags, delivery) as served:
        yield served.http


@pytest.fixture
def served(e_tags: str, delivery: str) -> Iterator[Served]:
    with serving(e_tags, delivery) as served:
        yield served


def has_strong_e_tag(answer: httpx.Response) -> bool:
    """Also of the engine's own answer, behind a redirect."""
    return not answer.headers.get("etag", "W/").startswith("W/")


def test_a_file_has_no_e_tag_and_all_else(http: httpx.Client) -> None:
    for method in ("HEAD", "GET"):
        answer = http.request(method, "/d/f.bin")
        assert answer.status_code == 200
        assert not has_strong_e_tag(answer)
        assert answer.headers["last-modified"] == MODIFIED
        assert answer.headers["content-length"] == str(len(BODY))
    assert answer.content == BODY
    assert http.get("/d/f.bin", headers={"Range": "bytes=5-9"}).content == BODY[5:10]


@pytest.mark.parametrize("condition", [MODIFIED, '"tag"', '""', '"None"'])
def test_if_range_never_holds(http: httpx.Client, condition: str) -> None:
    answer = http.get("/d/f.bin", headers={"Range": "bytes=5-9", "If-Range": condition})
    assert (answer.status_code, answer.content) == (200, BODY)


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("If-None-Match", '"None"', 200),
        ("If-None-Match", '""', 200),
        ("If-None-Match", "*", 304),
        ("If-Match", '"None"', 412),
        ("If-Match", '""', 412),
        ("If-Match", "*", 200),
        ("If-Modified-Since", MODIFIED, 304),
        ("If-Unmodified-Since", MODIFIED, 200),
    ],
)
def test_conditions_are_judged_by_what_there_is(
    http: httpx.Client, name: str, value: str, status: int
) -> None:
    answer = http.get("/d/f.bin", headers={name: value})
    assert answer.status_code == status
    assert not has_strong_e_tag(answer)


def streamed(served: Served) -> bytes:
    """What arrives of a body that goes through the server, which a condition makes sure of."""
    received = bytearray()
    with served.http.stream("GET", "/d/f.bin", headers={"If-Range": '"x"'}) as answer:
        assert answer.status_code == 200
        try:
            for chunk in answer.iter_raw():
                received += chunk
        except httpx.RemoteProtocolError:
            pass
    return bytes(received)


def test_a_body_that_breaks_off_is_not_joined_to_what_may_be_another(served: Served) -> None:
    half = len(BODY) // 2
    breaking = in_turn(stored(BODY, e_tag=None, sends=half, then=reset), stored(BODY[::-1], e_tag=None))
    served.s3.answer_each(get=breaking)
    received = streamed(served)
    assert len(received) < len(BODY)
    assert received == BODY[: len(received)]


def test_a_file_that_was_replaced_since_it_was_looked_at_is_not_sent(served: Served) -> None:
    later = stored(BODY[::-1], e_tag=None, modified="Wed, 12 Oct 2022 17:50:01 GMT")
    served.s3.answer_each(get=later)
    answer = served.http.get("/d/f.bin", headers={"If-Range": '"x"'})
    assert answer.status_code == 503
    assert answer.json()["type"].endswith("file-changed")
