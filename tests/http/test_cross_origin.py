"""What scripts of other sites' pages may read: answers that anybody gets, where the operator allows it, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.domain.errors import StoreUnavailable
from tests.support.answers import BROWSER, member
from tests.support.memory_store import MemoryStore
from tests.support.person import Person
from tests.support.served_store import serve_store
from tests.support.site_trees import DirectoryTree, client_of

FLASHER = "https://flash.example.org"
OTHER = "https://evil.example"
LICENCE = b"Be nice."
POLICY = """
[[rule]]
path = "members"
tier = "private"
groups = ["staff"]

[[rule]]
path = "vault"
tier = "private"
groups = ["staff"]
visibility = "hidden"
"""
WARM: dict[str, Any] = {"cache_ttl": 600, "cache_grace": 60, "cache_max_stale": 3600}
ALLOW, EXPOSE = "access-control-allow-origin", "access-control-expose-headers"


def planted(**options: Any) -> MemoryStore:
    store = MemoryStore(**options)
    store.put("eula/EULA.txt", LICENCE)
    store.put("latest/.s3_linked_from", b"d")
    for path in ("d/f.img", "members/plan.txt", "vault/secret.txt", "eula/x.img", "d/g.img"):
        store.put(path, b"0123456789")
    return store


@pytest.fixture(scope="module", params=[("*",), (FLASHER, "http://localhost:3000")], ids=["any", "some"])
def origins(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return tuple(request.param)


@pytest.fixture(scope="module")
def http(origins: tuple[str, ...]) -> Iterator[httpx.Client]:
    settings = {**WARM, "policy": POLICY, "demo_login_groups": ("staff",), "cors_origins": origins}
    with serve_store(planted(), **settings) as served:
        yield served.http


PUBLIC = (
    *(
        "/d/f.img",
        "/d/",
        "/d/?format=json",
        "/d/?limit=1",
        "/?recursive=true",
        "/?recursive=true&limit=1",
        "/d",
    ),
    *("/api/ls/d/", "/api/ls/d/f.img", "/api/v1/manifest/", "/latest/f.img", "/latest/", "/d/*f.img"),
    "/api/v1/manifest/latest/",
)
OTHERS = (
    *("/members/plan.txt", "/members/", "/vault/secret.txt", "/vault/", "/eula/x.img", "/absent", "/login"),
    *(
        "/-/account",
        "/license?lic=x&url=eula/x.img",
        "/api/license/eula/x.img",
        "/api/ls/members/",
        "/healthz",
    ),
    *("/metrics", "/d/*.img", "/members", "/api/ls/absent"),
)


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_anybody_gets_may_be_read(
    http: httpx.Client, origins: tuple[str, ...], path: str, method: str
) -> None:
    for _ in ("cold", "warm"):
        answer = http.request(method, path, headers={"Origin": FLASHER})
        assert answer.status_code in (200, 301, 302)
        assert answer.headers.get_list(ALLOW) == ["*" if origins == ("*",) else FLASHER]
        exposed = answer.headers[EXPOSE].split(", ")
        assert {"Content-Range", "ETag", "Accept-Ranges", "Link", "Repr-Digest", "Content-Length"} <= set(
            exposed
        )
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", OTHERS)
@pytest.mark.parametrize("headers", [{}, BROWSER], ids=["script", "browser"])
def test_nothing_else_may(http: httpx.Client, path: str, headers: dict[str, str]) -> None:
    for _ in ("cold", "warm"):
        assert not _cors(http.get(path, headers={"Origin": FLASHER, **headers}))


@pytest.mark.parametrize(
    "path", ["/d/", "/d/f.img", "/members/", "/members/plan.txt", "/eula/x.img", "/api/ls/d/"]
)
def test_nothing_that_is_answered_to_somebody_may(http: httpx.Client, path: str) -> None:
    accepted = {"License-Accepted": hashlib.md5(LICENCE, usedforsecurity=False).hexdigest()}
    person = Person(str(http.base_url))
    person.submit(person.get("/login"), "/login", user="alice", password="alice")
    for _ in ("cold", "warm"):
        http.get(path, headers={"Origin": FLASHER})
        for headers in (member("staff"), accepted):
            assert not _cors(http.get(path, headers={"Origin": FLASHER, **headers}))
        answer = person.client.get(path, headers={"Origin": FLASHER})
        assert not _cors(answer)
    person.close()


def test_nor_what_is_answered_to_a_trusted_network() -> None:
    settings = {**WARM, "policy": POLICY, "cors_origins": ("*",), "trusted_networks": ("127.0.0.1",)}
    with serve_store(planted(), **settings) as served:
        for path in ("/d/", "/members/", "/members/plan.txt", "/d/", "/members/"):
            assert not _cors(served.http.get(path))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Range": "bytes=2-4"}, 206),
        ({"Range": "bytes=50-"}, 416),
        ({"If-Match": '"x"'}, 412),
        ({"Range": "bytes=0-1,4-5"}, 206),
    ],
)
def test_parts_and_conditions_of_a_public_file(
    http: httpx.Client, headers: dict[str, str], status: int
) -> None:
    answer = http.get("/d/f.img", headers={"Origin": FLASHER, **headers})
    assert (answer.status_code, bool(_cors(answer))) == (status, True)


@pytest.mark.parametrize("path", ["/d/f.img", "/d/", "/api/ls/d/"])
def test_what_is_known_already(http: httpx.Client, path: str) -> None:
    e_tag = http.get(path).headers["etag"]
    for _ in ("cold", "warm"):
        answer = http.get(path, headers={"Origin": FLASHER, "If-None-Match": e_tag})
        assert (answer.status_code, bool(_cors(answer))) == (304, True)


def test_an_error_may_not_whatever_was_to_be_sent() -> None:
    store = planted()
    with serve_store(store, cors_origins=("*",)) as served:
        assert _cors(served.http.get("/d/f.img"))
        store.fail_on("get", StoreUnavailable("timeout"))
        answer = served.http.get("/d/f.img")
        assert (answer.status_code, _cors(answer)) == (503, [])


# Preflight


@pytest.mark.parametrize(
    "path", ["/d/f.img", "/members/plan.txt", "/vault/secret.txt", "/absent", "/api/ls/d/", "/login"]
)
def test_a_browser_that_asks_first_is_told_the_same_at_every_path(
    http: httpx.Client, origins: tuple[str, ...], path: str
) -> None:
    asks = {
        "Origin": FLASHER,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "range",
    }
    answer = http.options(path, headers=asks)
    told = {name: value for name, value in answer.headers.items() if name.startswith("access-control")}
    assert (answer.status_code, answer.content) == (204, b"")
    assert told == {
        "access-control-allow-origin": "*" if origins == ("*",) else FLASHER,
        "access-control-allow-methods": "GET, HEAD",
        "access-control-allow-headers": "Cache-Control, If-Match, If-Modified-Since, If-None-Match, If-Range, "
        "If-Unmodified-Since, Range",
        "access-control-max-age": "86400",
    }


def test_options_of_nobody_is_what_it_was(http: httpx.Client) -> None:
    for headers in ({}, {"Origin": FLASHER}):
        answer = http.options("/d/f.img", headers=headers)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


# Who is not named


@pytest.mark.parametrize(
    "sent", [{"Origin": OTHER}, {"Origin": "null"}, {"Origin": f"{FLASHER}.evil.example"}, {}]
)
def test_a_site_that_is_not_named_reads_nothing(sent: dict[str, str]) -> None:
    with serve_store(planted(), **WARM, cors_origins=(FLASHER,)) as served:
        for _ in ("cold", "warm"):
            for path in PUBLIC:
                served.http.get(path, headers={"Origin": FLASHER})
                assert not _cors(served.http.get(path, headers=sent))
        asks = {**sent, "Access-Control-Request-Method": "GET"}
        assert not _cors(served.http.options("/d/f.img", headers=asks))
        twice = [("Origin", FLASHER), ("Origin", OTHER)]
        assert not _cors(served.http.get("/d/", headers=twice))


def test_it_is_off_by_default() -> None:
    with serve_store(planted(), **WARM) as served:
        for path in PUBLIC:
            assert not _cors(served.http.get(path, headers={"Origin": FLASHER}))
        asks = {"Origin": FLASHER, "Access-Control-Request-Method": "GET"}
        assert served.http.options("/d/f.img", headers=asks).status_code == 405
        assert "origin" not in served.http.get("/d/").headers["vary"].lower()


def test_caches_tell_sites_apart_where_answers_differ(http: httpx.Client, origins: tuple[str, ...]) -> None:
    for _ in ("cold", "warm"):
        for path in (*PUBLIC, *OTHERS):
            for headers in ({}, {"Origin": FLASHER}, {"Origin": OTHER}):
                vary = http.get(path, headers=headers).headers.get_list("vary", split_commas=True)
                assert vary.count("Origin") == (0 if origins == ("*",) else 1), path


def test_a_redirect_to_the_storage_may_be_followed(origins: tuple[str, ...]) -> None:
    store = planted(presign_base="https://s3.example")
    settings = {**WARM, "storage": "s3://bucket", "cors_origins": origins, "policy": POLICY}
    with serve_store(store, **settings) as served:
        for _ in ("cold", "warm", "warm"):
            answer = served.http.get("/d/f.img", headers={"Origin": FLASHER})
            assert (answer.status_code, answer.headers[ALLOW]) == (302, "*" if origins == ("*",) else FLASHER)
            assert ("Origin" in answer.headers["vary"]) is (origins != ("*",))
            refused = served.http.get("/d/f.img", headers={"Origin": OTHER})
            assert bool(_cors(refused)) is (origins == ("*",))
            for path in ("/members/plan.txt", "/eula/x.img"):
                assert not _cors(served.http.get(path, headers={"Origin": FLASHER}))


def test_small_files_of_a_directory(tmp_path: Path, origins: tuple[str, ...]) -> None:
    """They go out by the fast path."""
    tree = DirectoryTree(tmp_path)
    for path in ("d/f.img", "members/plan.txt"):
        tree.put(path, b"0123456789")
    with client_of(tree.app(policy=POLICY, cors_origins=origins, **WARM)) as http:
        http.get("/d/")
        for _ in ("cold", "warm", "warm"):
            answer = http.get("/d/f.img", headers={"Origin": FLASHER})
            assert answer.headers[ALLOW] == ("*" if origins == ("*",) else FLASHER)
            assert answer.headers.get_list("vary", split_commas=True).count("Origin") == (origins != ("*",))
            assert bool(_cors(http.get("/d/f.img", headers={"Origin": OTHER}))) is (origins == ("*",))
            assert not _cors(http.get("/d/f.img", headers={"Origin": FLASHER, **member("staff")}))
            assert not _cors(http.get("/members/plan.txt", headers={"Origin": FLASHER, **member("staff")}))


def _cors(answer: httpx.Response) -> list[str]:
    return [name for name in answer.headers if name.startswith("access-control-")]
