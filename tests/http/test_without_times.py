"""Files for which an S3 engine gives no time: they are shown without one, and never for the oldest or the newest."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

import httpx
import pytest

from tests.support.aws import S3Endpoint, point_aws_at
from tests.support.live_server import app_for
from tests.support.site_trees import client_of
from tests.support.switched_s3 import BUCKET, MODIFIED, run_switched_s3

TIMELESS = ["d/a.txt", "d/b", "only/f"]
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module", params=["auto", "proxy"])
def client(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    objects = {key: key.encode() for key in (*TIMELESS, "d/known")}
    with run_switched_s3(objects, timeless=TIMELESS) as s3, pytest.MonkeyPatch.context() as monkeypatch:
        point_aws_at(monkeypatch, S3Endpoint(s3.url))
        with client_of(app_for(f"s3://{BUCKET}", delivery=request.param)) as http:
            yield http


def names(client: httpx.Client, query: str) -> list[str]:
    return client.get(f"/d/?format=text&{query}").text.split()


@pytest.mark.parametrize(
    "url",
    [
        "/d/",
        "/only/",
        "/d/?get=a.txt",
        "/d/?format=json",
        "/d/?format=ndjson",
        "/d/?format=csv",
        "/d/?recursive=true",
        "/d/?q=a",
        "/api/ls/d/",
        "/api/ls/d/a.txt",
        "/api/v1/manifest/d/",
    ],
)
def test_the_year_1970_is_nowhere(client: httpx.Client, url: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 200
    assert "1970" not in answer.text + str(answer.headers)


def test_lists_say_that_the_time_is_not_known(client: httpx.Client) -> None:
    known = "2022-10-12T17:50:00Z"
    assert [each["modified"] for each in client.get("/d/?format=json").json()["entries"]] == [
        None,
        None,
        known,
    ]
    assert [each["mtime"] for each in client.get("/api/ls/d/").json()["files"]] == [None, None, 1665597000.0]
    assert client.get("/api/v1/manifest/d/").text.count('"modified":null') == 2


def test_they_sort_behind_all_others_in_either_direction(client: httpx.Client) -> None:
    assert (
        names(client, "sort=modified") == names(client, "sort=modified&order=desc") == ["known", "a.txt", "b"]
    )


def test_the_newest_of_a_folder_is_one_with_a_time(client: httpx.Client) -> None:
    assert "12-Oct-2022 17:50" in client.get("/d/").text
    feed = ElementTree.fromstring(client.get("/d/?format=atom").content)
    assert [entry.findtext(f"{ATOM}title") for entry in feed.iter(f"{ATOM}entry")] == ["known", "a.txt", "b"]
    assert feed.findtext(f"{ATOM}updated") == "2022-10-12T17:50:00Z"


def test_a_file_has_no_last_modified_and_its_time_meets_no_condition(client: httpx.Client) -> None:
    assert client.head("/d/known").headers["last-modified"] == MODIFIED
    for name in ("If-Modified-Since", "If-Unmodified-Since"):
        answer = client.head("/d/a.txt", headers={name: MODIFIED})
        assert answer.status_code == 200
        assert answer.headers["etag"]
        assert "last-modified" not in answer.headers
    assert client.get("/d/a.txt", headers={"Range": "bytes=1-1", "If-Range": MODIFIED}).content == b"d/a.txt"
