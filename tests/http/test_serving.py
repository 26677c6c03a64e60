"""How files of single paths are served, as the site policy says."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.live_server import app_over
from tests.support.memory_store import MemoryStore
from tests.support.site_trees import client_of

POLICY = """
[[serve]]
path = "git"
delivery = "proxy"

[[serve]]
path = "git/bundles"
delivery = "redirect"

[[serve]]
path = "**/*.fit"
content_type = "application/x-fit"

[[serve]]
path = "report"
index = ["absent.html", "index.html"]
html = "render"

[[serve]]
path = "simple"
index = ["index.html"]

[[rule]]
path = "report/secret"
tier = "private"
groups = ["staff"]
"""
PAGE = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    store = MemoryStore(presign_base="https://s3.example")
    for path in ("f", "page.html", "git/HEAD", "git/bundles/b", "git/a.fit", "report/plain.txt"):
        store.put(path, b"x")
    for path in ("report/index.html", "report/secret/index.html", "simple/index.html"):
        store.put(path, b"<p>index</p>")
    store.put("report/empty/f", b"x")
    store.put("report/a.svg", b"<svg/>")
    store.put("report/a.xhtml", b"<html/>")
    app = app_over(store, policy=POLICY, storage="s3://bucket", cache_ttl=60)
    with client_of(app) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/f", 302),
        ("/git/HEAD", 200),
        ("/git/bundles/b", 302),
        ("/git/a.fit", 200),
        ("/report/plain.txt", 302),
    ],
)
def test_the_most_specific_rule_says_how_bytes_go_out(client: httpx.Client, path: str, status: int) -> None:
    for _ in range(2):
        assert client.get(path).status_code == status


def test_each_option_is_that_of_the_most_specific_rule_that_says_it(client: httpx.Client) -> None:
    answer = client.get("/git/a.fit")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-fit")


@pytest.mark.parametrize("path", ["/report/index.html", "/report/a.svg", "/report/a.xhtml", "/report/"])
def test_what_is_rendered_has_no_origin_of_ours_and_is_never_redirected(
    client: httpx.Client, path: str
) -> None:
    answer = client.get(path, headers=PAGE)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == "inline"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts ")
    assert "allow-same-origin" not in policy


@pytest.mark.parametrize("path", ["/report/index.html", "/report/a.svg", "/report/", "/simple/", "/git/HEAD"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_file_keeps_its_policy_when_a_browser_asks_whether_it_changed(
    client: httpx.Client, method: str, path: str
) -> None:
    whole = client.request(method, path, headers=PAGE)
    again = client.request(method, path, headers=PAGE | {"If-None-Match": whole.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["content-security-policy"] == whole.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/page.html", "/simple/index.html"])
def test_html_is_saved_where_nothing_else_is_said(client: httpx.Client, path: str) -> None:
    answer = client.head(path)
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "allow-scripts" not in answer.headers["content-security-policy"]


def test_an_index_stands_for_its_folder_where_a_page_is_asked_for(client: httpx.Client) -> None:
    assert "index" in client.get("/report/?format=html", headers=PAGE).text  # the listing, now in memory
    for accept in ("text/html", "*/*"):
        for path in ("/report/", "/simple/"):
            answer = client.get(path, headers={"Accept": accept})
            assert answer.content == b"<p>index</p>"
            assert (
                client.get(
                    path, headers={"Accept": accept, "If-None-Match": answer.headers["etag"]}
                ).status_code
                == 304
            )
    assert client.get("/report/?format=json").json()["path"] == "/report/"
    assert client.get("/report/", headers={"Accept": "application/json"}).json()["path"] == "/report/"


def test_a_folder_without_an_index_is_listed(client: httpx.Client) -> None:
    for _ in range(2):
        assert ">f<" in client.get("/report/empty/", headers=PAGE).text


def test_an_index_is_judged_by_its_own_rules(client: httpx.Client) -> None:
    assert client.get("/report/secret/").status_code == 401
