"""What only keys in a bucket can be, as HTTP shows it: legacy spellings, two things of one name, prefixes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from tests.support.answers import member
from tests.support.aws import BUCKET, open_bucket, point_aws_at, run_moto
from tests.support.live_server import app_for
from tests.support.site_trees import client_of

PREFIX = "releases"
FOR_STAFF = b"Format-Version: 0.5\nFiles-Pattern: *,\nLicense-Type: open\nAuth-Groups: staff\n"
OPEN = b"Format-Version: 0.5\nFiles-Pattern: *\nLicense-Type: open\n"
OBJECTS = {
    "%7Egrp/BUILD-INFO.txt": FOR_STAFF,
    "%7Egrp/secret-plan.txt": b"secret",
    "pool/raw_1.0~rc1.deb": b"literal",
    "pool/old_1.0%7Erc1.deb": b"legacy",
    "mirror/releases/f.bin": b"content",
    "mirror/releases/BUILD-INFO.txt": OPEN,
    "both": b"a file",
    "both/inside": b"in a folder",
    "marker/": b"",
    "marker/f": b"x",
    "empty/": b"",
    "EULA.txt-archive/f.bin": b"x",
    "latest/.s3_linked_from": b"releases/mirror",
    "odd//twice": b"x",
    "odd/good": b"x",
    "builds/12/f": b"x",
}


async def plant() -> None:
    async with open_bucket() as bucket:
        for key, content in OBJECTS.items():
            await bucket.plant(f"{PREFIX}/{key}", content)
        await bucket.plant("outside.txt", b"outside")
        await bucket.plant(f"{PREFIX}-private/secret.txt", b"secret")


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with run_moto() as endpoint, pytest.MonkeyPatch.context() as monkeypatch:
        point_aws_at(monkeypatch, endpoint)
        asyncio.run(plant())
        app = app_for(f"s3://{BUCKET}/{PREFIX}", default_tier="closed", delivery="proxy")
        with client_of(app) as http:
            yield http


def test_rules_hold_under_the_legacy_spelling_of_a_tilde(client: httpx.Client) -> None:
    for path in ("/~grp/", "/%7Egrp/", "/~grp/secret-plan.txt", "/api/ls/~grp/"):
        assert client.get(path).status_code == 401
    assert client.get("/~grp/?format=text", headers=member("staff")).text == "secret-plan.txt\n"
    assert client.get("/~grp/secret-plan.txt", headers=member("staff")).content == b"secret"


def test_both_spellings_of_a_tilde_are_shown_and_served_as_one(client: httpx.Client) -> None:
    assert client.get("/pool/?format=text").text == "old_1.0~rc1.deb\nraw_1.0~rc1.deb\n"
    for name in ("old_1.0~rc1.deb", "raw_1.0~rc1.deb", "raw_1.0%7Erc1.deb"):
        assert client.get(f"/pool/{name}").status_code == 403  # it is there, and nothing opens it


def test_a_folder_of_the_prefixs_name_is_a_folder(client: httpx.Client) -> None:
    assert client.get("/mirror/?format=text").text == "releases/\n"
    assert client.get("/mirror/releases/?format=text").text == "f.bin\n"
    assert client.get("/mirror/releases/f.bin").content == b"content"
    (item,) = client.get("/api/ls/mirror/").json()["files"]
    assert item["url"] == "/mirror/releases/"


def test_a_file_and_a_folder_of_one_name_are_both_reached(client: httpx.Client) -> None:
    lines = client.get("/?format=text").text.splitlines()
    assert {"both", "both/"} <= set(lines)
    assert client.get("/both").status_code == 403
    assert client.get("/both/?format=text").text == "inside\n"


def test_folders_may_be_markers_only(client: httpx.Client) -> None:
    assert client.get("/marker/?format=text").text == "f\n"
    assert client.get("/empty/?format=json").json()["entries"] == []
    assert client.get("/empty").status_code == 301


def test_keys_that_no_url_reaches_do_not_break_a_listing(client: httpx.Client) -> None:
    assert client.get("/odd/?format=text").text == "good\n"


def test_a_path_with_the_name_of_a_licence_in_it_opens_nothing(client: httpx.Client) -> None:
    assert client.get("/EULA.txt-archive/f.bin").status_code == 403


def test_what_only_begins_like_a_name_is_not_that_name(client: httpx.Client) -> None:
    for path in ("/bui", "/builds/1", "/builds/1/", "/mirror/releases/f.bi", "/mirror/releases/f.bin/"):
        assert client.get(path).status_code == 404


def test_a_link_with_the_buckets_prefix_leads_below_it(client: httpx.Client) -> None:
    answer = client.head("/latest/releases/f.bin")
    assert answer.headers["content-location"] == "/mirror/releases/f.bin"


def test_what_is_beside_the_prefix_is_out_of_reach(client: httpx.Client) -> None:
    listed = client.get("/?format=text").text
    assert "outside" not in listed
    assert "private" not in listed
    for path in ("/outside.txt", "/-private/secret.txt", "/..%2Foutside.txt", "/releases-private/secret.txt"):
        assert client.get(path).status_code == 404
