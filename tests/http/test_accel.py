"""What nginx is told of a file that is left to it, and who is told that at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from app.domain.access import Licence
from app.domain.errors import StoreDenied
from tests.support.answers import member, problem
from tests.support.copies import Copies
from tests.support.live_server import app_over
from tests.support.memory_store import MemoryStore
from tests.support.served_store import Site, serve_store
from tests.support.site_policies import MEMBERS
from tests.support.site_trees import client_of

TERMS = b"Be nice."
FAR = "https://bucket.s3.example"
FORWARDED = {"X-Forwarded-For": "203.0.113.9"}
SETTINGS: dict[str, Any] = {"delivery": "accel", "trusted_proxies": ("127.0.0.1",), "storage": "s3://bucket"}
TOLD = ("x-accel-redirect", "x-pierhead-accel-url")


def get(site: Site, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    """By way of a trusted proxy."""
    return site.http.get(path, headers=FORWARDED | (headers or {}))


@contextmanager
def site_with(presign_base: str | None, **settings: Any) -> Iterator[Site]:
    store = MemoryStore(presign_base=presign_base)
    store.put("d/f.txt", b"0123456789")
    store.put("d/empty", b"")
    store.put("d/a b%?#\u00fc'\"\udcff.img", b"x")
    store.put("eula/EULA.txt", TERMS)
    store.put("eula/x.img", b"x")
    store.put("members/f", b"x")
    with serve_store(store, policy=MEMBERS, **SETTINGS | settings) as site:
        yield site


@pytest.fixture
def directory() -> Iterator[Site]:
    with site_with(None) as site:
        yield site


@pytest.fixture
def bucket() -> Iterator[Site]:
    with site_with(FAR) as site:
        yield site


@pytest.fixture(params=[None, FAR], ids=["directory", "bucket"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    with site_with(request.param) as found:
        yield found


def told(answer: httpx.Response) -> list[str | None]:
    """What only nginx may see of an answer."""
    return [answer.headers.get(name) for name in TOLD]


def said_of_the_file(answer: httpx.Response) -> dict[str, str]:
    """Everything but how the bytes go out."""
    others = {*TOLD, "date", "content-length", "accept-ranges"}
    return {name: value for name, value in answer.headers.items() if name not in others}


def test_nginx_is_told_the_store_and_the_path_of_a_file_in_a_directory(directory: Site) -> None:
    for path, place in (
        ("/d/f.txt", "/d/f.txt"),
        ("/d/a%20b%25%3F%23%C3%BC'%22%FF.img", "/d/a%20b%25%3F%23%C3%BC'%22%FF.img"),
        ("/d/f.*", "/d/f.txt"),
    ):
        answer = get(directory, path)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-length"] == "0"
        assert told(answer) == [f"/-/accel/file/primary{place}", None]


def test_nginx_is_told_the_signed_url_of_a_file_in_a_bucket(bucket: Site) -> None:
    answer = get(bucket, "/d/f.txt")
    assert (answer.status_code, answer.content) == (200, b"")
    assert told(answer) == ["/-/accel/s3", f"{FAR}/d/f.txt?signature=fake"]


def test_all_that_is_said_of_the_file_is_said_to_nginx_too(site: Site) -> None:
    for path in ("/d/f.txt", "/d/empty"):
        streamed = site.http.get(path)
        assert said_of_the_file(get(site, path)) == said_of_the_file(streamed)
        assert {"etag", "last-modified", "content-disposition", "vary"} <= set(said_of_the_file(streamed))


def test_authorization_is_no_reason_to_send_it_from_here(site: Site) -> None:
    assert told(get(site, "/members/f", member("staff")))[0] is not None
    assert told(get(site, "/d/f.txt", member("staff")))[0] is not None


@pytest.mark.parametrize(
    ("proxies", "headers"),
    [
        (("127.0.0.1",), {}),  # from the proxy's own host, and for nobody else
        (("10.0.0.0/8",), FORWARDED),
        (("10.0.0.0/8",), {"X-Forwarded-For": "127.0.0.1, 10.0.0.1"}),
    ],
)
@pytest.mark.parametrize("presign_base", [None, FAR])
def test_others_than_a_trusted_proxy_get_the_bytes(
    presign_base: str | None, proxies: tuple[str, ...], headers: dict[str, str]
) -> None:
    with site_with(presign_base, trusted_proxies=proxies) as site:
        answer = site.http.get("/d/f.txt", headers=headers)
        assert (answer.status_code, answer.content) == (200, b"0123456789")
        assert told(answer) == [None, None]
        assert "presign" not in {call.operation for call in site.store.calls}


@pytest.mark.parametrize("delivery", ["auto", "redirect", "proxy"])
def test_nginx_is_told_nothing_where_delivery_is_another(delivery: str) -> None:
    with site_with(FAR, delivery=delivery) as site:
        assert told(get(site, "/d/f.txt")) == [None, None]


def test_what_is_denied_is_not_even_signed(site: Site) -> None:
    for path, headers, status in (
        ("/members/f", {}, 401),
        ("/members/f", member("guests"), 403),
        ("/members/f", {"Authorization": "Bearer nonsense"}, 401),
        ("/eula/x.img", {}, 403),
        ("/eula/x.img", {"Accept": "text/html"}, 302),
        ("/eula/EULA.txt", {}, 404),
        ("/d/nothing", {}, 404),
    ):
        answer = get(site, path, headers)
        assert answer.status_code == status
        assert told(answer) == [None, None]
    assert "presign" not in {call.operation for call in site.store.calls}
    accepted = get(site, "/eula/x.img", {"License-Accepted": Licence(TERMS.decode()).digest})
    assert told(accepted)[0] is not None


def test_head_is_answered_here(site: Site) -> None:
    answer = site.http.head("/d/f.txt", headers=FORWARDED)
    assert (answer.status_code, answer.headers["content-length"]) == (200, "10")
    assert told(answer) == [None, None]


def test_conditions_are_judged_here(site: Site) -> None:
    e_tag = get(site, "/d/f.txt").headers["etag"]
    for headers, status, is_left in (
        ({"If-None-Match": e_tag}, 304, False),
        ({"If-None-Match": '"another"'}, 200, True),
        ({"If-Modified-Since": "Sat, 08 Sep 2001 01:46:40 GMT"}, 200, True),
        ({"If-Modified-Since": "Sun, 09 Sep 2001 01:46:40 GMT"}, 304, False),
        ({"If-Match": '"another"'}, 412, False),
        ({"If-Match": e_tag}, 200, False),
        ({"If-Unmodified-Since": "Sun, 09 Sep 2001 01:46:40 GMT"}, 200, False),
        ({"Range": "bytes=0-3", "If-Range": e_tag}, 206, False),
        ({"Range": "bytes=0-3", "If-Range": '"another"'}, 200, False),
        ({"Range": "bytes=10-"}, 416, False),
    ):
        answer = get(site, "/d/f.txt", headers)
        assert (answer.status_code, told(answer)[0] is not None) == (status, is_left), headers


@pytest.mark.parametrize(
    ("path", "asked", "is_left"),
    [
        ("/d/f.txt", "bytes=0-3", True),
        ("/d/f.txt", "bytes=3-", True),
        ("/d/f.txt", "bytes=-3", True),
        ("/d/f.txt", "bytes=0-999999999999999999", True),
        ("/d/f.txt", "bytes=0-9999999999999999999", False),
        ("/d/f.txt", "bytes=0-0,5-5", False),
        ("/d/f.txt", "bytes=0-0,1-1", False),
        ("/d/f.txt", "bytes=3-,", False),
        ("/d/f.txt", "bytes= 0-3", False),
        ("/d/f.txt", "BYTES=0-3", False),
        ("/d/f.txt", "bytes=3-1", False),
        ("/d/f.txt", "pages=0-3", False),
        ("/d/empty", "bytes=0-3", False),
    ],
)
def test_only_a_range_that_everybody_reads_alike_is_left(
    site: Site, path: str, asked: str, is_left: bool
) -> None:
    answer = get(site, path, {"Range": asked})
    assert (told(answer)[0] is not None) == is_left
    assert answer.status_code == 200 if is_left else answer.status_code in (200, 206)


def test_where_nothing_can_be_signed_the_error_is_clear(bucket: Site) -> None:
    bucket.store.fail_on("presign", StoreDenied())
    assert problem(get(bucket, "/d/f.txt")) == (502, "storage-denied")


def test_nginx_is_told_which_of_several_stores_has_the_file() -> None:
    copies = Copies()
    copies.put("d/f.img", b"x")
    copies.primary.presign_base, copies.replica.presign_base = None, FAR
    with client_of(app_over(copies.store, **SETTINGS)) as http:
        answer = http.get("/d/f.img", headers=FORWARDED)
        assert told(answer) == ["/-/accel/file/primary/d/f.img", None]
        copies.fail(StoreDenied())
        answer = http.get("/d/f.img", headers=FORWARDED)
        assert told(answer) == ["/-/accel/s3", f"{FAR}/d/f.img?signature=fake"]
        copies.replica.presign_base = None
        answer = http.get("/d/f.img", headers=FORWARDED)
        assert told(answer) == ["/-/accel/file/replica-1/d/f.img", None]


def test_it_is_decided_anew_each_time() -> None:
    with site_with(FAR, cache_ttl=600, cache_grace=600, cache_max_stale=600) as site:
        for _ in range(2):
            assert told(get(site, "/d/f.txt"))[1] is not None
            assert site.http.get("/d/f.txt").content == b"0123456789"
            assert get(site, "/members/f").status_code == 401
            assert told(get(site, "/members/f", member("staff")))[1] is not None


def test_it_is_counted_by_its_own_route(site: Site) -> None:
    get(site, "/d/f.txt")
    get(site, "/d/f.txt", {"Range": "bytes=0-3"})
    get(site, "/d/f.txt", {"If-None-Match": "*"})
    text = site.http.metrics()
    assert 'pierhead_download_duration_seconds_count{route="file-accel",status="200"} 2.0' in text
    assert 'pierhead_page_duration_seconds_count{cache="",route="file",status="304"} 1.0' in text
