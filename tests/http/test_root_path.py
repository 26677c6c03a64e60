"""A site below a path of its host: everything it says leads there, and no other site's pages are mixed with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from tests.support.answers import BROWSER, all_of, member, problem
from tests.support.crawl import crawl, urls_of
from tests.support.fake_provider import fake_provider
from tests.support.live_server import app_over, live_server
from tests.support.login_sites import oidc_settings
from tests.support.memory_store import MemoryStore
from tests.support.person import Person
from tests.support.served_store import serve_store

ROOT = "/downloads"
BY_PROXY = {"X-Forwarded-Prefix": "/elsewhere"}
POLICY = """
[[rule]]
path = "members"
tier = "private"
groups = ["staff"]

[[rule]]
path = "licensed"
tier = "eula"
licence_text = "Be nice."
licence_name = "Nice"

[[serve]]
path = "report"
index = ["index.html"]
"""
WARM = {"cache_ttl": 600, "cache_grace": 60, "cache_max_stale": 3600}


def planted() -> MemoryStore:
    store = MemoryStore()
    for path in (
        *(
            "README.txt",
            "api/of/its/own.txt",
            "a/b/file.img",
            "a/b/ü & 'more'.txt",
            "members/plan.txt",
            "licensed/board.img",
        ),
        *("downloads/of/its/own.txt", "report/index.html", "many/1", "many/2", "many/3"),
    ):
        store.put(path, b"content")
    store.put("latest/.s3_linked_from", b"a/b")
    store.put("bad/BUILD-INFO.txt", b"malformed")
    store.put("bad/file", b"x")
    return store


@contextmanager
def site(**settings: object) -> Iterator[httpx.Client]:
    settings = {"policy": POLICY, "demo_login_groups": ("staff",), "link_seconds": 3600, **WARM, **settings}
    with serve_store(planted(), **settings) as served:
        yield served.http


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with site(root_path=ROOT) as client:
        yield client


@pytest.fixture(scope="module")
def proxied() -> Iterator[httpx.Client]:
    """A site whose proxy on this host may say what it has taken off."""
    with site(trusted_proxies=("127.0.0.1",)) as client:
        yield client


STARTS = (
    *("/", "/?format=json", "/?format=ndjson", "/?format=text", "/?recursive=true", "/many/?limit=1"),
    *("/many/?limit=1&format=json", "/api/ls/", "/api/ls/README.txt", "/api/v1/manifest/?limit=2", "/a/b"),
    *(
        "/api/v1/manifest/latest/",
        "/latest/file.img",
        "/latest/",
        "/latest",
        "/nowhere/at/all",
        "/members/plan.txt",
    ),
    *(
        "/licensed/board.img",
        "/api/license/licensed/board.img",
        "/login",
        "/-/account",
        "/bad/",
        "/a/b/*.img",
    ),
    *("/-/none", "/report/", "/login?return=/a/", "/-/tree/", "/-/tree"),
)


@pytest.mark.parametrize("credentials", [{}, member("staff")], ids=["stranger", "member"])
def test_no_url_leads_out_of_the_root_path(http: httpx.Client, credentials: dict[str, str]) -> None:
    http.cookies.clear()
    http.headers.update(credentials)
    try:
        from_the_top = crawl(http, f"{ROOT}/")
        found = crawl(http, *(ROOT + start for start in STARTS), known=from_the_top)
    finally:
        for name in credentials:
            del http.headers[name]
    assert len(from_the_top) > 20
    assert len(found) > len(from_the_top)
    for url, page in found.items():
        assert f"{unquote(urlsplit(url).path)}/".startswith(f"{ROOT}/"), (url, page)


@pytest.mark.parametrize("spelling", ["/%64ownloads", "/d%6Fwnloads", "/%64%6f%77%6e%6c%6f%61%64%73"])
def test_the_root_path_may_be_spelled_with_escapes(http: httpx.Client, spelling: str) -> None:
    for path in ("/README.txt", "/a/b/", "/a/%62/?format=json", "/api/ls/"):
        assert http.get(spelling + path).content == http.get(ROOT + path).content
        assert http.get(spelling + path).status_code == 200
    assert http.get(spelling).headers["location"] == f"{ROOT}/"
    assert http.get("/a%2F..%2Fdownloads/README.txt").status_code == 404
    assert http.get(f"{spelling}/a/b/..", headers=BROWSER).headers["location"] == f"{ROOT}/a/"


def test_the_root_path_without_its_slash_is_a_folder(http: httpx.Client) -> None:
    answer = http.get(f"{ROOT}?format=json")
    assert (answer.status_code, answer.headers["location"]) == (301, f"{ROOT}/?format=json")
    assert http.get("/downloadsx/").status_code == 404


def test_a_proxy_that_takes_the_root_path_off_is_answered_alike(http: httpx.Client) -> None:
    for path in ("/a/b/", "/a/b/?format=json", "/latest/file.img", "/api/ls/a/", "/login"):
        whole, bare = (all_of(http.get(p, headers=BROWSER)) for p in (ROOT + path, path))
        assert whole[0] == bare[0]
        assert ROOT in str(bare) or whole[2] == bare[2]
    for probe in ("/healthz", f"{ROOT}/healthz", "/readyz"):
        assert http.get(probe).status_code == 200


def test_the_path_is_taken_off_once(http: httpx.Client) -> None:
    assert http.get(f"{ROOT}{ROOT}/of/its/own.txt").content == b"content"
    assert http.get(f"{ROOT}{ROOT}/of/?format=json").json()["url"] == f"{ROOT}{ROOT}/of/"


def test_the_openapi_document_names_it(http: httpx.Client) -> None:
    assert http.get(f"{ROOT}/api/openapi.json").json()["servers"] == [{"url": ROOT}]


# Cookies


def test_cookies_are_for_the_root_path_alone(http: httpx.Client) -> None:
    person = Person(str(http.base_url))
    try:
        form = person.get(f"{ROOT}/login?return=/members/")
        assert person.submit(form, f"{ROOT}/login", user="alice", password="alice").status_code == 200
        licence = person.get(f"{ROOT}/licensed/board.img")
        thanks = person.submit(licence, f"{ROOT}/license", accept="1")
        assert f'url={ROOT}/licensed/board.img"' in thanks.text
        assert person.get(f"{ROOT}/members/plan.txt").content == b"content"
        assert person.get(f"{ROOT}/licensed/board.img").content == b"content"
        share = person.get(f"{ROOT}/-/link?path=/members/plan.txt")
        shared = person.submit(share, f"{ROOT}/-/link", seconds="3600").text
        link = unescape(shared.partition('id="link" value="')[2].partition('"')[0])
        assert link.startswith(f"{http.base_url}{ROOT}/members/plan.txt?link=")
        assert http.get(link).content == b"content"
        paths = {cookie.name: cookie.path for cookie in person.client.cookies.jar}
        assert paths.pop("pierhead_session") == paths.pop("pierhead_licences") == f"{ROOT}/"
        assert all(path.startswith(f"{ROOT}/") for path in paths.values())
        person.submit(person.get(f"{ROOT}/-/account"), f"{ROOT}/logout")
        assert person.get(f"{ROOT}/members/plan.txt").status_code == 401
    finally:
        person.close()


def test_over_tls_a_session_is_bound_to_its_path_instead_of_its_host() -> None:
    proxies = {"trusted_proxies": ("127.0.0.1",)}
    tls = {"X-Forwarded-Proto": "https", **BROWSER}
    for root_path, name in (("", "__Host-pierhead_session"), (ROOT, "__Secure-pierhead_session")):
        with site(root_path=root_path, **proxies) as http:
            person = Person(str(http.base_url))
            form = person.client.get(f"{root_path}/login", headers=tls)
            person.client.headers["Cookie"] = form.headers["set-cookie"].partition(";")[0]
            person.client.headers.update(tls)
            welcome = person.submit(form, f"{root_path}/login", user="alice", password="alice")
            (cookie,) = (line for line in welcome.headers.get_list("set-cookie") if "session" in line)
            assert cookie.startswith(f"{name}=")
            assert f"; Path={root_path}/; " in cookie
            session = {"Cookie": cookie.partition(";")[0], **tls}
            assert http.get(f"{root_path}/members/plan.txt", headers=session).status_code == 200
            wrong = {
                **session,
                "Cookie": session["Cookie"].replace("__Host", "__X").replace("__Secure", "__Host"),
            }
            assert http.get(f"{root_path}/members/plan.txt", headers=wrong).status_code == 401
            person.close()


def test_a_login_at_a_provider_comes_back_below_the_root_path() -> None:
    with fake_provider() as provider:
        app = app_over(planted(), policy=POLICY, root_path=ROOT, **oidc_settings(provider))
        with live_server(app) as server:
            person = Person(server.url)
            page = person.get(f"{ROOT}/members/?format=html")
            assert page.status_code == 401
            page = person.press(page, "Log in")
            assert provider.asked["redirect_uri"] == f"{server.url}{ROOT}/login/callback"
            assert str(page.url) == f"{server.url}{ROOT}/members/?format=html"
            assert "plan.txt" in page.text
            person.close()


# What a proxy says


def test_a_trusted_proxy_says_what_it_has_taken_off(proxied: httpx.Client) -> None:
    for path in ("/", "/a/b/?format=json", "/api/ls/a/", "/login", "/members/", "/latest/"):
        proxied.get(path, headers=BROWSER)
        answer = proxied.get(path, headers=BROWSER | BY_PROXY)
        assert answer.headers["vary"].endswith("X-Forwarded-Prefix")
        whole = f"{proxied.base_url}/elsewhere"
        assert all(url.startswith(f"{whole}/") for url in urls_of(answer, whole + path))


@pytest.mark.parametrize("path", ["/a/", "/a/?format=json", "/a/?format=ndjson"])
def test_pages_of_several_root_paths_are_not_mixed(proxied: httpx.Client, path: str) -> None:
    def bodies() -> dict[str, bytes]:
        asked = {name: {"X-Forwarded-Prefix": name, **BROWSER} for name in ("/x", "/y", "/x/y", "")}
        return {name: proxied.get(path, headers=headers).content for name, headers in asked.items()}

    cold, warm = bodies(), bodies()
    assert cold == warm
    assert len(set(cold.values())) == 4
    for name, body in cold.items():
        assert (f'"{name}/a/' in body.decode()) or name == ""
    assert proxied.get(path, headers=BROWSER).content == cold[""]


def test_nobody_else_is_believed() -> None:
    with site(root_path=ROOT) as http:
        for path in ("/a/", "/a/?format=json", "/login", "/nowhere"):
            plain = all_of(http.get(ROOT + path, headers=BROWSER))
            for said in ("/elsewhere", "//evil.example", '"><script>'):
                forged = all_of(http.get(ROOT + path, headers=BROWSER | {"X-Forwarded-Prefix": said}))
                assert "elsewhere" not in str(forged)
                assert "evil" not in str(forged)
                assert forged[0] == plain[0]


@pytest.mark.parametrize(
    "said", ["//evil.example", "evil", "/a b", '/"><script>', "/a/..", "/%0d%0aX:y", "/a;b", "/" + "a" * 300]
)
@pytest.mark.parametrize("path", ["/", "/a/b/file.img", "/login", "/healthz"])
def test_a_malformed_one_is_refused(proxied: httpx.Client, said: str, path: str) -> None:
    proxied.get(path)
    answer = proxied.get(path, headers={"X-Forwarded-Prefix": said})
    assert problem(answer) == (400, "bad-parameter")
    assert "X-Forwarded-Prefix must be empty, or a path such as" in answer.json()["detail"]
    assert said not in answer.text


def test_the_nearest_proxy_counts(proxied: httpx.Client) -> None:
    def url(*values: str) -> str:
        fields = [("X-Forwarded-Prefix", value) for value in values]
        return str(proxied.get("/a/?format=json", headers=fields).json()["url"])

    assert url("/evil", "/x") == url("/evil, /x/") == "/x/a/"
    assert url("/x", "/") == url("/x", "") == "/a/"


def test_what_a_proxy_says_stands_above_the_setting_and_nothing_more_is_taken_off() -> None:
    with site(root_path=ROOT, trusted_proxies=("127.0.0.1",)) as http:
        answer = http.get("/downloads/?format=json", headers={"X-Forwarded-Prefix": ROOT})
        assert answer.json()["url"] == f"{ROOT}/downloads/"
        assert json.loads(http.get("/a/?format=json", headers=BY_PROXY).text)["url"] == "/elsewhere/a/"
