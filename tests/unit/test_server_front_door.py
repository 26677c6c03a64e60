"""What passes through the front door whatever is behind it: reserved paths, methods, root paths, and the log."""

from __future__ import annotations

import json

import pytest
from structlog.testing import capture_logs

from app.pages.html import HtmlPages
from app.server.refusals import MAX_HEADER_BYTES, MAX_HEADER_FIELDS
from tests.support.in_process import Answer, Ask, Asker, send
from tests.support.live_server import WiredApp, app_over
from tests.support.memory_store import MemoryStore

PROXY, STRANGER = Asker("proxy", (), "192.0.2.7"), Asker("stranger", (), "192.0.2.8")
HTML, PAGE = "text/html,*/*;q=0.8", b"<!doctype html>"
PREFIX = (("X-Forwarded-Prefix", "/elsewhere"),)


@pytest.fixture
def app() -> WiredApp:
    store = MemoryStore()
    store.put("d/file", b"bytes")
    return app_over(store, trusted_proxies=("192.0.2.7",))


async def ask(app: WiredApp, path: str, *fields: tuple[str, str], method: str = "GET") -> Answer:
    return await send(app, Ask(path, method=method, headers=fields), STRANGER)


@pytest.mark.parametrize(("asker", "location"), [(PROXY, b"/elsewhere/d/"), (STRANGER, b"/d/")])
async def test_only_a_proxy_that_is_ours_says_where_the_site_is(
    app: WiredApp, asker: Asker, location: bytes
) -> None:
    answer = await send(app, Ask("/d", headers=PREFIX), asker)
    assert answer.header(b"location") == location
    refused = await send(app, Ask("/d", headers=(("X-Forwarded-Prefix", "none"),)), PROXY)
    assert (refused.status, json.loads(refused.body)["type"].rpartition(":")[2]) == (400, "bad-parameter")


async def test_a_reserved_path_answers_the_methods_that_it_names(app: WiredApp) -> None:
    refused = await ask(app, "/healthz", method="POST")
    assert (refused.status, refused.header(b"allow")) == (405, b"GET, HEAD")
    absent = await ask(app, "/api/absent")
    assert (absent.status, absent.header(b"allow")) == (404, None)
    page = await ask(app, "/api/absent", ("Accept", "text/html"))
    assert (page.status, page.body.lower().startswith(b"<!doctype html>")) == (404, True)
    assert json.loads(refused.body)["type"].endswith(":method-not-allowed")
    assert json.loads(absent.body)["type"].endswith(":not-found")


async def test_head_of_a_reserved_path_is_get_without_its_body(app: WiredApp) -> None:
    got, head = await ask(app, "/healthz"), await ask(app, "/healthz", method="HEAD")
    assert (head.status, head.headers, head.body) == (got.status, got.headers, b"")
    assert got.body


@pytest.mark.parametrize(("more", "status"), [(0, 200), (1, 431)])
async def test_as_many_and_as_large_fields_as_allowed_are_taken(
    app: WiredApp, more: int, status: int
) -> None:
    present = len("host") + len("pierhead.example")
    large = await ask(app, "/healthz", ("x", "y" * (MAX_HEADER_BYTES - present - 1 + more)))
    many = await ask(app, "/healthz", *[("x", "y")] * (MAX_HEADER_FIELDS - 1 + more))
    assert (large.status, many.status) == (status, status)


async def test_a_request_has_one_host(app: WiredApp) -> None:
    refused = await ask(app, "/healthz", ("Host", "other.example"))
    assert (refused.status, json.loads(refused.body)["type"].rpartition(":")[2]) == (400, "bad-host")


@pytest.mark.parametrize(("accept", "start"), [("*/*", b"{"), (HTML, PAGE)])
async def test_a_failure_of_the_code_is_a_500_and_says_nothing(accept: str, start: bytes) -> None:
    store = MemoryStore()
    store.fail_on("list", RuntimeError("a secret"))
    with capture_logs() as log:
        answer = await ask(app_over(store), "/d/", ("Accept", accept))
    assert (answer.status, answer.body.lower().startswith(start)) == (500, True)
    assert "request_failed" in [line["event"] for line in log]
    assert b"a secret" not in answer.body


async def test_a_failure_to_make_pages_is_told_without_one(
    app: WiredApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bytes:
        raise RuntimeError("a template is broken")

    for page in ("folder", "error"):
        monkeypatch.setattr(HtmlPages, page, fail)
    answer = await ask(app, "/d/", ("Accept", HTML))
    assert (answer.status, json.loads(answer.body)["title"]) == (500, "Internal error")


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/api/ls/absent", (), 404),
        ("/api/license/absent", (), 404),
        ("/api/v1/manifest/absent/", (), 404),
        ("/api/v1/manifest/d/file/", (), 404),
        ("/d/", (("X", "y" * MAX_HEADER_BYTES),), 431),
        ("/d/", (("Host", "other.example"),), 400),
        ("/d/", (("X-Forwarded-Prefix", "none"),), 400),
    ],
)
async def test_a_browser_gets_a_page_whatever_is_wrong_and_a_script_a_problem(
    app: WiredApp, path: str, fields: tuple[tuple[str, str], ...], status: int
) -> None:
    for accept, start in (("*/*", b"{"), (HTML, PAGE)):
        answer = await send(app, Ask(path, headers=(*fields, ("Accept", accept))), PROXY)
        assert (answer.status, answer.body.lower().startswith(start)) == (status, True)


@pytest.mark.parametrize(("query", "location"), [("", b"/downloads/"), ("a=b", b"/downloads/?a=b")])
async def test_a_root_path_without_its_slash_leads_to_the_start_page(query: str, location: bytes) -> None:
    answer = await send(app_over(MemoryStore(), root_path="/downloads"), Ask("/downloads", query), STRANGER)
    assert (answer.status, answer.header(b"location")) == (301, location)
