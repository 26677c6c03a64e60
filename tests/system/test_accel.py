"""Files left to a real nginx, from a directory and from a real S3 engine: what clients get, and what they never see."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import pytest
from starlette.types import ASGIApp

from app.domain.access import Licence
from app.responses.accel import BUCKETS, DIRECTORIES
from tests.support.accel_nginx import run_accel_nginx
from tests.support.answers import member
from tests.support.aws import BUCKET, S3Endpoint, open_bucket, point_aws_at
from tests.support.live_server import app_for, live_server
from tests.support.recording_proxy import RecordingProxy, recording_proxy
from tests.support.site_policies import MEMBERS
from tests.support.site_trees import SiteClient, http_client
from tests.support.store_contract import LARGE, ODD_NAMES

TERMS = "Be nice."
TEXT = b"0123456789" * 1000
LONGEST = "é" * 127 + "x"
"""Of the longest name that is served, 255 bytes, nearly every byte to be escaped."""
NOT_UTF8 = os.fsdecode(b"raw\xff\xfe name")
FILES = {
    "d/f.txt": TEXT,
    "d/large.img": LARGE,
    "d/empty.txt": b"",
    "d/page.html": b"<script>",
    "eula/EULA.txt": TERMS.encode(),
    "eula/x.img": b"BEHIND-A-LICENCE",
    "members/secret.txt": b"FOR-MEMBERS",
}
NEVER_SEEN = ("x-accel", "x-pierhead-accel", "x-amz", "x-rgw", BUCKET, "/-/accel", "127.0.0.2", "signature")
PER_ANSWER = {"date", "server", "connection"}
SETTINGS: dict[str, Any] = {
    "default_tier": "public",
    "trusted_proxies": ("127.0.0.1",),
    "delivery": "accel",
    "cors_origins": ("*",),
    "log_level": "warning",
}


class SiteBehindNginx(NamedTuple):
    """nginx, and the server behind it.

    Attributes:
        http: a client of nginx.
        direct: a client of the server itself.
        names: names that its storage can hold.
        s3: what S3 was asked; None where it is a directory.
    """

    http: httpx.Client
    direct: SiteClient
    names: tuple[str, ...]
    s3: RecordingProxy | None

    def get(self, path: str, **headers: str) -> httpx.Response:
        """What a client gets by way of nginx.

        Args:
            path: as it is sent.
            headers: with `_` for `-`.
        """
        answer = fetch(self.http, path, headers)
        seen = f"{answer.headers!r} {answer.url}".lower()
        assert not [secret for secret in NEVER_SEEN if secret in seen]
        return answer

    def left_to_nginx(self) -> int:
        """How many files have been."""
        lines = self.direct.metrics().splitlines()
        counts = [line for line in lines if line.startswith("pierhead_download_duration_seconds_count")]
        return sum(int(float(line.split()[-1])) for line in counts if 'route="file-accel"' in line)


def fetch(client: httpx.Client, path: str, headers: dict[str, str]) -> httpx.Response:
    """The answer to exactly this path: httpx would tidy it up."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.send(client.build_request("GET", "/", headers=sent, extensions={"target": path.encode()}))


def fields(answer: httpx.Response) -> list[tuple[str, str]]:
    """Everything that is said of the file, doubles included."""
    return sorted((name, value) for name, value in answer.headers.multi_items() if name not in PER_ANSWER)


@pytest.fixture(scope="module")
def directory_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteBehindNginx]:
    directory = tmp_path_factory.mktemp("directory")
    root = directory / "tree"
    for path, content in FILES.items() | {(f"odd/{name}", name.encode()) for name in ODD_NAMES}:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    (root / "odd" / NOT_UTF8).write_bytes(b"raw")
    (root / "inside.txt").symlink_to("d/f.txt")
    (directory / "outside.txt").write_bytes(b"OUTSIDE")
    (root / "outside.txt").symlink_to(directory / "outside.txt")
    with served(app_for(f"file://{root}", policy=MEMBERS, **SETTINGS), directory, root) as (http, direct):
        yield SiteBehindNginx(http, direct, (*ODD_NAMES, NOT_UTF8), None)


@pytest.fixture(scope="module")
def bucket_site(s3_engine: S3Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteBehindNginx]:
    """The engine is asked at an address where everything that arrives is written down."""
    directory = tmp_path_factory.mktemp("bucket")
    with recording_proxy(s3_engine.url) as proxy, pytest.MonkeyPatch.context() as monkeypatch:
        point_aws_at(monkeypatch, s3_engine)
        asyncio.run(plant())
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
        app = app_for(f"s3://{BUCKET}/tree", policy=MEMBERS, **SETTINGS)
        with served(app, directory, directory / "none") as (http, direct):
            yield SiteBehindNginx(http, direct, (*ODD_NAMES, LONGEST), proxy)


async def plant() -> None:
    async with open_bucket() as bucket:
        for path, content in FILES.items():
            await bucket.plant(f"tree/{path}", content, CacheControl="max-age=9", Metadata={"mtime": "1"})
        for name in (*ODD_NAMES, LONGEST):
            await bucket.plant(f"tree/odd/{name}", name.encode())


@contextmanager
def served(app: ASGIApp, directory: Path, root: Path) -> Iterator[tuple[httpx.Client, SiteClient]]:
    with (
        live_server(app) as server,
        run_accel_nginx(directory / "nginx", server.port, root) as url,
        http_client(url) as http,
        http_client(server.url) as direct,
    ):
        direct.admin = server.admin
        yield http, direct


@pytest.fixture(params=["directory_site", "bucket_site"])
def site(request: pytest.FixtureRequest) -> SiteBehindNginx:
    found: SiteBehindNginx = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("path", ["/d/f.txt", "/d/large.img", "/d/empty.txt", "/d/page.html"])
def test_nginx_sends_the_bytes_with_the_very_fields_that_pierhead_gives(
    site: SiteBehindNginx, path: str
) -> None:
    before = site.left_to_nginx()
    answer = site.get(path, accept_encoding="gzip")
    assert (answer.status_code, answer.content) == (200, FILES[path[1:]])
    assert site.left_to_nginx() == before + 1
    streamed = fetch(site.direct, path, {"accept-encoding": "gzip"})
    assert streamed.content == answer.content
    assert fields(answer) == fields(streamed)


def test_a_head_has_the_same_fields(site: SiteBehindNginx) -> None:
    head = site.http.head("/d/f.txt")
    assert (head.status_code, head.content) == (200, b"")
    assert fields(head) == fields(site.get("/d/f.txt"))


def test_odd_names_come_out_right(site: SiteBehindNginx) -> None:
    before = site.left_to_nginx()
    for name in site.names:
        answer = site.get("/odd/" + quote(os.fsencode(name), safe=""))
        content = b"raw" if name == NOT_UTF8 else name.encode()
        assert (answer.status_code, answer.content) == (200, content), name
    assert site.left_to_nginx() == before + len(site.names)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("0-9", 0, 9), ("5000-", 5000, 9999), ("-7", 9993, 9999), ("9990-99999", 9990, 9999)],
)
def test_a_range_is_sent_by_nginx(site: SiteBehindNginx, asked: str, first: int, last: int) -> None:
    before = site.left_to_nginx()
    answer = site.get("/d/f.txt", range=f"bytes={asked}")
    assert (answer.status_code, answer.content) == (206, TEXT[first : last + 1])
    assert site.left_to_nginx() == before + 1
    streamed = fetch(site.direct, "/d/f.txt", {"range": f"bytes={asked}"})
    # nginx does not say on a part that it could give another; nor need it (RFC 9110 section 14.3).
    assert set(fields(streamed)) - set(fields(answer)) <= {("accept-ranges", "bytes")}


@pytest.mark.parametrize(
    "asked", ["bytes=0-0,5-5", "bytes=5-2", "bytes=x", "pages=1-2", "bytes=0-5,", "bytes=10000-", "bytes=-0"]
)
def test_any_other_range_is_answered_as_without_nginx(site: SiteBehindNginx, asked: str) -> None:
    before = site.left_to_nginx()
    answer, own = site.get("/d/f.txt", range=asked), fetch(site.direct, "/d/f.txt", {"range": asked})
    assert answer.status_code == own.status_code
    assert len(answer.content) == len(own.content)
    assert site.left_to_nginx() == before


def test_conditions_hold_by_the_etag_that_clients_are_told(site: SiteBehindNginx) -> None:
    told = site.get("/d/f.txt").headers
    e_tag, modified = told["etag"], told["last-modified"]
    for headers, status in (
        ({"if_none_match": e_tag}, 304),
        ({"if_none_match": '"another"'}, 200),
        ({"if_modified_since": modified}, 304),
        ({"if_modified_since": "Thu, 01 Jan 2009 00:00:00 GMT"}, 200),
        ({"if_none_match": '"another"', "if_modified_since": modified}, 200),
        ({"if_match": e_tag}, 200),
        ({"if_match": '"another"'}, 412),
        ({"if_unmodified_since": modified}, 200),
        ({"if_unmodified_since": "Thu, 01 Jan 2009 00:00:00 GMT"}, 412),
        ({"range": "bytes=0-9", "if_range": e_tag}, 206),
        ({"range": "bytes=0-9", "if_range": '"another"'}, 200),
        ({"range": "bytes=0-9", "if_none_match": '"another"'}, 206),
    ):
        answer = site.get("/d/f.txt", **headers)
        assert answer.status_code == status, headers
        if status in (200, 206):
            assert answer.content == (TEXT[:10] if status == 206 else TEXT)


def test_what_is_denied_is_never_delivered(site: SiteBehindNginx) -> None:
    before = site.left_to_nginx()
    for path, headers, status in (
        ("/members/secret.txt", {}, 401),
        ("/members/secret.txt", member("guests"), 403),
        ("/members/secret.txt", {"authorization": "Bearer nonsense"}, 401),
        ("/eula/x.img", {}, 403),
        ("/eula/EULA.txt", {}, 404),
        ("/d/nothing", {}, 404),
    ):
        answer = site.get(path, **headers)
        assert answer.status_code == status
        assert b"FOR-MEMBERS" not in answer.content
        assert b"BEHIND-A-LICENCE" not in answer.content
    assert site.left_to_nginx() == before


def test_who_may_have_it_gets_it_by_nginx_and_nobody_may_keep_it(site: SiteBehindNginx) -> None:
    before = site.left_to_nginx()
    digest = Licence(TERMS).digest
    for path, headers, content in (
        ("/members/secret.txt", member("staff"), b"FOR-MEMBERS"),
        ("/eula/x.img", {"license_accepted": digest}, b"BEHIND-A-LICENCE"),
    ):
        answer = site.get(path, **headers)
        assert (answer.status_code, answer.content) == (200, content)
        assert answer.headers.get_list("cache-control") == ["private, no-store"]
    assert site.left_to_nginx() == before + 2


def test_the_internal_locations_are_not_there_for_clients(site: SiteBehindNginx) -> None:
    for path in (
        f"{DIRECTORIES}/primary/members/secret.txt",
        f"{DIRECTORIES}/primary/d/f.txt",
        f"{DIRECTORIES}/primary/",
        f"{DIRECTORIES}/overlay/d/f.txt",
        f"/d/..{DIRECTORIES}/primary/d/f.txt",
        BUCKETS,
        f"{BUCKETS}/",
    ):
        answer = site.get(path, x_pierhead_accel_url="http://127.0.0.2:1/", x_accel_redirect=BUCKETS)
        assert answer.status_code == 404
        assert b"0123" not in answer.content


def test_links_are_as_without_nginx(directory_site: SiteBehindNginx) -> None:
    before = directory_site.left_to_nginx()
    linked = directory_site.get("/inside.txt")
    assert (linked.status_code, linked.content) == (200, TEXT)
    assert linked.headers["content-location"] == "/d/f.txt"
    assert directory_site.left_to_nginx() == before + 1
    assert directory_site.get("/outside.txt").status_code == 404


def test_s3_is_told_nothing_of_the_client(bucket_site: SiteBehindNginx) -> None:
    assert bucket_site.s3 is not None
    bucket_site.s3.forget()
    bucket_site.get(
        "/d/f.txt", **member("staff"), cookie="a=b", user_agent="me", range="bytes=0-9", x_mine="1"
    )
    (asked,) = (seen for seen in bucket_site.s3.seen() if seen.target.startswith(f"/{BUCKET}/tree/d/f.txt?"))
    assert {name for name, _ in asked.headers} == {"host", "range", "if-match"}
