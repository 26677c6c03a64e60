"""Shared HTTP caches in front, with nothing but their own ways to tell one client from another.

Whatever anybody asked for before, everybody gets what the server itself would give them, and what the cache has
written down is what everybody may see.
"""

from __future__ import annotations

import base64
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from backports import zstd
from starlette.types import ASGIApp

from app.auth.keys import KeyRing
from app.auth.licences import ACCEPTANCE_COOKIE, grant_acceptance
from app.domain.access import Licence
from app.domain.errors import StoreUnavailable
from tests.support.clocks import Clock
from tests.support.live_server import SECRET, app_over, live_server, token
from tests.support.memory_store import MemoryStore
from tests.support.shared_caches import SharedCache, kept_by_nginx, kept_by_varnish, run_nginx, run_varnish
from tests.support.waiting import PATIENCE, wait_until

PROJECT = Path(__file__).parents[2]
POLICY = """
[[rule]]
path = "members"
tier = "private"
groups = ["staff"]

[[rule]]
path = "mixed/whispered-*"
tier = "private"
groups = ["staff"]

[[rule]]
path = "vault"
tier = "private"
groups = ["staff"]
visibility = "hidden"
"""
TERMS = "terms of a licence\n"
FILES = {
    "public/readme.txt": b"for everybody",
    "mixed/open.img": b"for everybody too",
    "mixed/whispered-name.img": b"BYTES-OF-THE-WHISPERED",
    "members/whispered-plan.txt": b"BYTES-OF-THE-PLAN",
    "vault/whispered-vault.txt": b"BYTES-OF-THE-VAULT",
    "licensed/EULA.txt": TERMS.encode(),
    "licensed/firmware.bin": b"BYTES-BEHIND-A-LICENCE",
} | {f"public/build-{number}.img": b"x" for number in range(100)}
SECRETS = (b"whispered", b"BYTES-OF", b"BYTES-BEHIND", b"terms of a licence", b"robot", b"staff")
URLS = (
    "/", "/public/", "/public/?format=json", "/public/?limit=3", "/public/readme.txt", "/public",
    "/mixed/", "/mixed/?format=text", "/mixed/?recursive=true", "/mixed/open.img", "/mixed/whispered-name.img",
    "/members/", "/members", "/members/whispered-plan.txt", "/members/nothing",
    "/vault/", "/vault/whispered-vault.txt", "/licensed/", "/licensed/firmware.bin",
    "/nothing/", "/public/nothing", "/public/?limit=0", "/api/ls/mixed/", "/api/ls/members/",
)  # fmt: skip


def principals() -> dict[str, dict[str, str]]:
    """Headers by which clients are somebody."""
    now = time.time()
    member, stranger = token("staff", now=now), token("guests", now=now)
    acceptance = grant_acceptance(KeyRing([SECRET]), None, [Licence(TERMS).digest], now)
    return {
        "anybody": {},
        "member": {"Authorization": f"Bearer {member}"},
        "basic": {"Authorization": "Basic " + base64.b64encode(f"x:{member}".encode()).decode()},
        "stranger": {"Authorization": f"Bearer {stranger}"},
        "expired": {"Authorization": f"Bearer {token('staff', now=now - 9999, life=10)}"},
        "forged": {"Authorization": f"Bearer {member[:-4]}AAAA"},
        "accepted": {"Cookie": f"{ACCEPTANCE_COOKIE}={acceptance}"},
        "accepts": {"License-Accepted": Licence(TERMS).digest},
        "cookie": {"Cookie": "some=thing"},
        "trusted": {"X-Forwarded-For": "10.1.2.3"},
    }


FROM_HERE = {"X-Forwarded-For": "127.0.0.1"}
"""What a cache on this machine says of its clients."""
FORMS: tuple[dict[str, str], ...] = (
    {"Accept": "*/*", "Accept-Encoding": "identity"},
    {"Accept": "text/html,*/*;q=0.8", "Accept-Encoding": "gzip, deflate, br, zstd"},
    {"Accept": "text/html,*/*;q=0.8", "Accept-Encoding": "gzip"},
    {"Accept": "application/json", "Accept-Encoding": "gzip"},
    {"Accept": "application/json", "Accept-Encoding": "identity"},
)


def nginx_with(*directives: str) -> str:
    """A cache of everything, by nginx's own rules and those that are given."""
    return f"""
proxy_cache_path @CACHE@ keys_zone=pages:1m;
server {{
    listen 127.0.0.1:@PORT@;
    location / {{
        proxy_pass http://127.0.0.1:@BACKEND@;
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_cache pages;
        add_header X-Cache-Status $upstream_cache_status always;
        {" ".join(directives)}
    }}
}}
"""


def documented_nginx() -> str:
    """What the operations page says, with this machine's places in it."""
    page = (PROJECT / "docs/operations.md").read_text()
    upstream = re.findall(r"```nginx\n(upstream pierhead \{.*?\n\})", page, re.DOTALL)[0]
    section = page.split("\n## A shared cache in front\n")[1].split("\n## ")[0]
    (example,) = re.findall("```nginx\n(.*?)```", section, re.DOTALL)
    text = f"{upstream}\n{example}"
    for old, new in (
        ("server 127.0.0.1:8000;", "server 127.0.0.1:@BACKEND@;"),
        ("/var/cache/nginx/pierhead", "@CACHE@"),
        ("listen 80;", "listen 127.0.0.1:@PORT@;"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


NGINX = {
    "nginx": nginx_with("proxy_cache_background_update on;"),
    "nginx-keeping-what-says-nothing": nginx_with("proxy_cache_valid any 1h;"),
    "nginx-as-documented": documented_nginx(),
}


def store_of(files: Mapping[str, bytes]) -> MemoryStore:
    store = MemoryStore()
    for path, body in files.items():
        store.put(path, body)
    return store


@pytest.fixture
def store() -> MemoryStore:
    return store_of(FILES)


def app_of(store: MemoryStore, clock: Clock | None = None, **lifetimes: int) -> ASGIApp:
    """A server that hands out every byte itself, so that the cache sees all there is."""
    values = {"cache_ttl": 600, "cache_grace": 600, "cache_max_stale": 6000} | lifetimes
    return app_over(
        store,
        policy=POLICY,
        clock=clock or Clock(),
        log_level="warning",
        delivery="proxy",
        trusted_networks=("10.0.0.0/8",),
        trusted_proxies=("127.0.0.0/8",),
        **values,  # type: ignore[arg-type]
    )


@contextmanager
def nginx_before(port: int, directory: Path, configuration: str) -> Iterator[SharedCache]:
    with run_nginx(directory / "nginx", configuration.replace("@BACKEND@", str(port)), "/healthz") as cache:
        yield cache


@contextmanager
def front_of(kind: str, store: MemoryStore, directory: Path) -> Iterator[SharedCache]:
    """A cache before a server of its own."""
    with live_server(app_of(store)) as server:
        if kind == "varnish":
            with run_varnish(directory / "varnish", server.port, "/healthz") as cache:
                yield cache
        else:
            with nginx_before(server.port, directory, NGINX[kind]) as cache:
                yield cache


class Answer(NamedTuple):
    """What a client makes of an answer."""

    status: int
    media_type: str | None
    body: bytes


def ask(http: httpx.Client, method: str, url: str, headers: dict[str, str]) -> tuple[Answer, str]:
    """An answer, and what the cache says of where it came from."""
    answer = http.request(method, url, headers=headers)
    assert answer.headers.get("content-encoding", "identity") in [
        "identity",
        *headers["Accept-Encoding"].split(", "),
    ]
    content = answer.content
    if answer.headers.get("content-encoding") == "zstd":  # which this client leaves to others
        content = zstd.decompress(content)
    # An error that says what to send next names the host that was asked, and nginx passes it on without its port.
    body = re.sub(rb"http://127\.0\.0\.1(?::\d+)?", b"", content)
    seen = Answer(answer.status_code, answer.headers.get("content-type"), body)
    return seen, answer.headers.get("x-cache-status", "")


Own = Callable[[str, str, str, dict[str, str]], Answer]
"""What the server itself gives somebody, by their name, the method, the URL and the form they want."""


@pytest.fixture(scope="module")
def people() -> dict[str, dict[str, str]]:
    return principals()


@pytest.fixture(scope="module")
def own(people: dict[str, dict[str, str]]) -> Iterator[Own]:
    """From a server with the same tree and no cache before it, which is asked once for each: it answers all caches alike."""
    given: dict[tuple[str, str, str, str], Answer] = {}
    with (
        live_server(app_of(store_of(FILES))) as server,
        httpx.Client(base_url=server.url, trust_env=False, timeout=PATIENCE) as http,
    ):

        def answer(who: str, method: str, url: str, form: dict[str, str]) -> Answer:
            asked = who, method, url, str(form)
            if asked not in given:
                given[asked], _ = ask(http, method, url, FROM_HERE | form | people[who])
            return given[asked]

        yield answer


@pytest.mark.parametrize("kind", [*NGINX, "varnish"])
def test_everybody_gets_their_own_and_nothing_private_is_kept(
    kind: str, store: MemoryStore, people: dict[str, dict[str, str]], own: Own, tmp_path: Path
) -> None:
    requests = [*product(people, URLS, FORMS, ("GET",)), *product(people, URLS, FORMS[:1], ("HEAD",))]
    random.Random(3).shuffle(requests)
    hits = 0
    with (
        front_of(kind, store, tmp_path) as front,
        httpx.Client(base_url=front.url, trust_env=False, timeout=PATIENCE) as in_front,
    ):
        for who, url, form, method in requests:
            answer, whence = ask(in_front, method, url, form | people[who])
            anybodys = own("anybody", method, url, form)
            # An address is in no Vary: who is known by it alone may be given what anybody is given.
            assert answer == own(who, method, url, form) or (who == "trusted" and answer == anybodys), (
                who,
                method,
                url,
                form,
            )
            if whence == "HIT":
                hits += 1
                assert answer == anybodys, (who, method, url, form)
        assert hits > len(requests) / 20, "nothing was kept, so nothing was shown"
        if kind == "varnish":
            pages = kept_by_varnish(front.kept_in)
        else:
            kept = kept_by_nginx(front.kept_in)
            assert {answer.status for answer in kept} == {200}
            assert all(answer.headers["cache-control"].startswith("public, ") for answer in kept)
            pages = [answer.body for answer in kept]
        assert [page for page in pages if b"build-99.img" in page]
        assert not [page for page in pages if any(secret in page for secret in SECRETS)]


@pytest.mark.parametrize("kind", [*NGINX, "varnish"])
def test_public_pages_are_kept_form_by_form(kind: str, store: MemoryStore, tmp_path: Path) -> None:
    seen = {}
    with (
        front_of(kind, store, tmp_path) as front,
        httpx.Client(base_url=front.url, trust_env=False) as http,
    ):
        for form in FORMS:
            headers = form | {"User-Agent": "test"}
            first, second = (http.get("/public/", headers=headers) for _ in range(2))
            assert second.headers["x-cache-status"] == "HIT"
            assert second.content == first.content
            is_json = form["Accept"] == "application/json"
            assert second.headers["content-type"].startswith("application/json" if is_json else "text/html")
            seen[form["Accept"], second.headers.get("content-encoding")] = second.headers["etag"]
            known = http.get("/public/", headers=headers | {"If-None-Match": second.headers["etag"]})
            assert (known.status_code, known.content) == (304, b"")
            if form["Accept-Encoding"] == "identity":
                assert "content-encoding" not in second.headers
    assert len(set(seen.values())) >= 4


@pytest.mark.parametrize("kind", NGINX)
def test_a_refusal_of_one_is_not_handed_to_another(kind: str, store: MemoryStore, tmp_path: Path) -> None:
    people = principals()
    with (
        front_of(kind, store, tmp_path) as front,
        httpx.Client(base_url=front.url, trust_env=False) as http,
    ):
        for _ in range(3):
            for who, status in (("anybody", 401), ("stranger", 403), ("expired", 401), ("member", 200)):
                assert http.get("/members/", headers=people[who]).status_code == status
                assert http.get("/members/whispered-plan.txt", headers=people[who]).status_code == status
            for who, status in (("anybody", 403), ("accepted", 200), ("cookie", 403), ("accepts", 200)):
                assert http.get("/licensed/firmware.bin", headers=people[who]).status_code == status
            for who, status in (("member", 200), ("anybody", 404), ("forged", 401), ("stranger", 404)):
                assert http.get("/vault/", headers=people[who]).status_code == status


@pytest.mark.parametrize("kind", ["nginx", "nginx-keeping-what-says-nothing", "varnish"])
def test_metrics_are_kept_from_those_who_ask_after(kind: str, store: MemoryStore, tmp_path: Path) -> None:
    people = principals()
    with front_of(kind, store, tmp_path) as front:
        for who, status in (("trusted", 200), ("anybody", 403), ("trusted", 200), ("member", 403)):
            answer = httpx.get(f"{front.url}/metrics", headers=people[who], trust_env=False)
            assert answer.status_code == status


def status_of(http: httpx.Client, url: str = "/public/?format=text") -> str:
    status: str = http.get(url).headers["x-cache-status"]
    return status


@pytest.mark.parametrize("kind", ["nginx", "nginx-as-documented"])
def test_nginx_serves_stale_while_it_fetches_anew(kind: str, store: MemoryStore, tmp_path: Path) -> None:
    clock = Clock()
    with (
        live_server(app_of(store, clock, cache_ttl=2, cache_max_stale=1200)) as server,
        nginx_before(server.port, tmp_path, NGINX[kind]) as cache,
        httpx.Client(base_url=cache.url, trust_env=False) as http,
    ):
        assert "new.img" not in http.get("/public/").text
        store.put("public/new.img", b"x")
        clock.now += 2  # the store is asked at the second request after this, behind the first
        assert wait_until(lambda: status_of(http, "/public/") in ("STALE", "UPDATING"))
        assert wait_until(lambda: "new.img" in http.get("/public/").text)


@pytest.mark.parametrize("kind", ["nginx", "nginx-as-documented"])
def test_nginx_serves_stale_while_the_server_is_gone(kind: str, store: MemoryStore, tmp_path: Path) -> None:
    people = principals()
    with ExitStack() as front:
        with live_server(app_of(store, cache_ttl=1, cache_grace=1)) as server:
            cache = front.enter_context(nginx_before(server.port, tmp_path, NGINX[kind]))
            http = front.enter_context(httpx.Client(base_url=cache.url, trust_env=False))
            for url in ("/public/", "/mixed/", "/members/", "/licensed/firmware.bin"):
                for headers in people.values():
                    http.get(url, headers=headers)
            before = http.get("/public/")
        assert wait_until(lambda: status_of(http, "/public/") == "STALE")
        assert http.get("/public/").content == before.content
        assert b"whispered" not in http.get("/mixed/").content
        for who in ("member", "anybody", "accepted"):
            for url in ("/members/", "/licensed/firmware.bin"):
                assert http.get(url, headers=people[who]).status_code == 502


def test_nginx_does_not_keep_an_old_page_for_its_whole_time_again(store: MemoryStore, tmp_path: Path) -> None:
    clock = Clock()
    with live_server(app_of(store, clock, cache_ttl=60, cache_grace=0)) as server:
        httpx.get(f"{server.url}/public/?format=text", trust_env=False)
        clock.now += 46
        with (
            nginx_before(server.port, tmp_path, nginx_with()) as cache,
            httpx.Client(base_url=cache.url, trust_env=False) as http,
        ):
            assert [status_of(http), status_of(http)] == ["MISS", "HIT"]
            # 14 seconds are left of 60. Without that being told, it would be kept for the whole minute.
            (kept,) = kept_by_nginx(cache.kept_in)
            assert kept.headers["x-accel-expires"] == "14"
            assert wait_until(lambda: status_of(http) != "HIT", 40)


def test_nginx_does_not_keep_a_page_that_is_stale_already(store: MemoryStore, tmp_path: Path) -> None:
    clock = Clock()
    with live_server(app_of(store, clock)) as server:
        httpx.get(f"{server.url}/public/?format=text", trust_env=False)
        clock.now += 700
        store.fail_on("list", StoreUnavailable("timeout"))
        with (
            nginx_before(server.port, tmp_path, nginx_with()) as cache,
            httpx.Client(base_url=cache.url, trust_env=False) as http,
        ):
            assert [status_of(http) for _ in range(3)] == ["MISS"] * 3
            assert kept_by_nginx(cache.kept_in) == []


def test_the_documented_nginx_resumes_downloads(store: MemoryStore, tmp_path: Path) -> None:
    with front_of("nginx-as-documented", store, tmp_path) as front:
        url = f"{front.url}/public/readme.txt"
        part = httpx.get(url, headers={"Range": "bytes=4-"}, trust_env=False)
        assert (part.status_code, part.content) == (206, b"everybody")
        known = {"If-None-Match": part.headers["etag"]}
        assert httpx.get(url, headers=known, trust_env=False).status_code == 304
        assert httpx.get(f"{front.url}/metrics", trust_env=False).status_code == 403
