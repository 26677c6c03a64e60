"""How a file's bytes go out: by the store's own URL, or through the server."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple

import httpx
import pytest

from app.domain.entries import StoredFields
from app.domain.paths import ArtifactPath
from app.storage.store import SignedUrl
from tests.support.answers import member
from tests.support.memory_store import MemoryStore
from tests.support.served_store import ServedStore, serve_store
from tests.support.site_policies import MEMBERS

ELSEWHERE = "https://bucket.s3.example"
BROWSER = {"Accept": "text/html"}


class Presigned(NamedTuple):
    path: str
    fields: Mapping[str, str]
    expires: int


class PresigningStore(MemoryStore):
    """A store with URLs of its own, which remembers what it was asked to put into them."""

    def __init__(self) -> None:
        super().__init__(presign_base=ELSEWHERE)
        self.presigned: list[Presigned] = []
        self.put("d/f.txt", b"0123456789")
        self.put("d/m\u00fcsli.img", b"x")
        self.put("d/empty", b"")
        self.put("eula/EULA.txt", b"Be nice.")
        self.put("eula/x.img", b"x")
        self.put("members/f", b"x")

    async def presign(
        self, path: ArtifactPath, *, fields: Mapping[str, str], expires: int, origin: str = ""
    ) -> SignedUrl | None:
        self.presigned.append(Presigned(path.text, fields, expires))
        return await super().presign(path, fields=fields, expires=expires, origin=origin)


Site = ServedStore[PresigningStore]


def site_with(delivery: str, policy: str = MEMBERS) -> AbstractContextManager[Site]:
    settings = {"storage": "s3://bucket", "delivery": delivery, "presign_seconds": 77}
    return serve_store(PresigningStore(), policy=policy, **settings)


@pytest.fixture
def auto() -> Iterator[Site]:
    with site_with("auto") as site:
        yield site


def assert_elsewhere(answer: httpx.Response, path: str) -> None:
    assert answer.status_code == 302
    assert answer.headers["location"] == f"{ELSEWHERE}{path}?signature=fake"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content == b""


@pytest.mark.parametrize("delivery", ["auto", "redirect"])
def test_anonymous_clients_are_sent_to_the_store(delivery: str) -> None:
    with site_with(delivery) as site:
        assert_elsewhere(site.http.get("/d/f.txt"), "/d/f.txt")


@pytest.mark.parametrize("delivery", ["auto", "redirect", "proxy"])
def test_a_request_with_authorization_never_leaves_for_another_host(delivery: str) -> None:
    with site_with(delivery) as site:
        for path in ("/d/f.txt", "/members/f"):
            answer = site.http.get(path, headers=member("staff"))
            assert (answer.status_code, len(answer.content)) == (200, int(answer.headers["content-length"]))
        assert site.store.presigned == []


def test_proxy_streams_to_everybody() -> None:
    with site_with("proxy") as site:
        answer = site.http.get("/d/f.txt")
        assert (answer.status_code, answer.content) == (200, b"0123456789")
        assert site.store.presigned == []


@pytest.mark.parametrize("delivery", ["auto", "redirect", "proxy"])
def test_head_is_answered_here(delivery: str) -> None:
    with site_with(delivery) as site:
        answer = site.http.head("/d/f.txt")
        assert (answer.status_code, answer.headers["content-length"]) == (200, "10")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert site.store.presigned == []


def test_a_licence_by_header_or_cookie_is_no_authorization(auto: Site) -> None:
    refused = auto.http.get("/eula/x.img")
    assert refused.status_code == 403
    assert auto.store.presigned == []  # nothing is signed for who may not have it
    assert_elsewhere(auto.http.get("/eula/x.img", headers=refused.json()["accept_with"]), "/eula/x.img")
    assert_elsewhere(auto.http.get("/d/f.txt", headers={"Cookie": "a=b"}), "/d/f.txt")


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=2-3"},
        {"Range": "bytes=2-"},
        {"Range": "bytes=-3"},
        {"If-None-Match": '"another"'},
        {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    ],
)
def test_what_every_engine_answers_alike_is_sent_to_the_store(auto: Site, headers: dict[str, str]) -> None:
    assert_elsewhere(auto.http.get("/d/f.txt", headers=headers), "/d/f.txt")


TAG, SINCE = MemoryStore.e_tag_of(b"0123456789"), "Sun, 09 Sep 2001 01:46:40 GMT"


@pytest.mark.parametrize("is_known", [False, True], ids=["first", "redirect at hand"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": TAG}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-Modified-Since": SINCE}, 304),
        ({"If-Match": '"another"'}, 412),
        ({"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, 412),
        ({"If-Match": TAG}, 200),
        ({"If-Match": TAG, "Range": "bytes=1-"}, 206),
        ({"If-Unmodified-Since": SINCE}, 200),
        ({"If-Range": '"another"', "Range": "bytes=1-"}, 200),
        ({"If-Range": TAG, "Range": "bytes=1-"}, 206),
        ({"If-Range": SINCE, "Range": "bytes=1-"}, 206),
        ({"If-None-Match": '"another"', "If-Modified-Since": SINCE}, 200),
        ({"Range": "bytes=10-"}, 416),
        ({"Range": "bytes=-11"}, 206),
        ({"Range": "pages=1-2"}, 200),
        ({"Range": "bytes=2-1"}, 200),
    ],
)
def test_whatever_engines_may_answer_otherwise_is_answered_here(
    auto: Site, headers: dict[str, str], status: int, *, is_known: bool
) -> None:
    if is_known:
        assert_elsewhere(auto.http.get("/d/f.txt"), "/d/f.txt")
    auto.store.presigned.clear()
    answer = auto.http.get("/d/f.txt", headers=headers)
    assert answer.status_code == status
    if status in (200, 206):
        assert answer.headers["etag"] == TAG
        assert int(answer.headers["content-length"]) == len(answer.content)
    assert auto.store.presigned == []


def test_a_file_that_was_replaced_is_never_spliced(auto: Site) -> None:
    begun = auto.http.head("/d/f.txt").headers["etag"]
    assert_elsewhere(auto.http.get("/d/f.txt"), "/d/f.txt")
    auto.store.put("d/f.txt", b"abcdefghij")
    answer = auto.http.get("/d/f.txt", headers={"Range": "bytes=5-", "If-Range": begun})
    assert (answer.status_code, answer.content) == (200, b"abcdefghij")


def test_several_ranges_are_sent_here_for_s3_knows_one(auto: Site) -> None:
    answer = auto.http.get("/d/f.txt", headers={"Range": "bytes=0-0,5-5"})
    assert answer.status_code == 206
    assert answer.headers["content-type"].startswith("multipart/byteranges")


def test_the_store_is_told_what_the_answer_is_to_say(auto: Site) -> None:
    auto.http.get("/d/f.txt")
    auto.http.get("/d/m%C3%BCsli.img")
    assert auto.store.presigned == [
        Presigned(
            "d/f.txt",
            {
                "Content-Type": "text/plain; charset=utf-8",
                "Content-Disposition": "inline",
                "Cache-Control": "no-cache",
            },
            77,
        ),
        Presigned(
            "d/m\u00fcsli.img",
            {
                "Content-Type": "application/octet-stream",
                "Content-Disposition": "attachment; filename=\"musli.img\"; filename*=UTF-8''m%C3%BCsli.img",
                "Cache-Control": "no-cache",
            },
            77,
        ),
    ]


STORED = StoredFields(
    encoding="aws-chunked,gzip",
    language="de",
    cache_control="no-store, max-age=600",
    disposition='attachment; filename="guide-1.0.txt"',
)
SAID = {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Disposition": 'attachment; filename="guide-1.0.txt"',
    "Content-Encoding": "gzip",
    "Content-Language": "de",
    "Cache-Control": "no-cache, no-store",
}


@pytest.mark.parametrize("delivery", ["auto", "proxy"])
def test_what_is_stored_with_a_file_is_said_whichever_way_it_goes_out(delivery: str) -> None:
    with site_with(delivery) as site:
        site.store.put("d/g.txt", gzip.compress(b"guide"), stored=STORED)
        for answer in (site.http.head("/d/g.txt"), site.http.get("/d/g.txt", headers={"If-Match": "*"})):
            assert answer.status_code == 200
            assert {name: answer.headers[name] for name in SAID} == SAID
        assert (
            site.http.get("/d/g.txt", headers={"If-None-Match": "*"}).headers["Cache-Control"]
            == (SAID["Cache-Control"])
        )
        if delivery == "auto":
            assert site.http.get("/d/g.txt").status_code == 302
            assert site.store.presigned[-1].fields == SAID


def test_what_is_not_there_is_not_found_here(auto: Site) -> None:
    assert auto.http.get("/d/nothing").status_code == 404
    assert auto.http.get("/members/f").status_code == 401
    assert auto.http.get("/eula/x.img", headers=BROWSER).headers["location"].startswith("/license?")
    assert auto.store.presigned == []


def test_a_wildcard_leads_to_the_real_file(auto: Site) -> None:
    assert_elsewhere(auto.http.get("/d/f.*"), "/d/f.txt")
