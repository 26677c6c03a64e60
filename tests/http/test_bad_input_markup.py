"""Markup in names, rules files and policy files is text on every page, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import quote

import httpx
import pytest

from tests.support.attacks import build_info
from tests.support.live_server import app_over, live_server
from tests.support.memory_store import MemoryStore

BROWSER = {"Accept": "text/html"}
PAYLOADS = [
    "<script>alert(1)<\u2215script>",  # a slash of another alphabet, for a name has none
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "--><script>alert(1)",
    "]]><script>alert(1)",
    "javascript:alert(1)",
    "data:text,html,<script>alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;script&gt;&#60;&amp",
    "\u202egpj.exe",
    "+ADw-script+AD4-",
    "\\u003cscript\\u003e",
    "%3Cscript%3E",
    "<style>*{display:none}",
    "<base href=x>",
    "<meta http-equiv=refresh content=0>",
    "<title><textarea><plaintext>",
]
OUR_SCRIPT = re.compile(r'^<script defer src="/-/static/pierhead-[0-9a-f]{12}\.js"></script>$', re.MULTILINE)
ELEMENTS_OF_OURS = {
    *("label", "section", "details", "summary", "h2"),
    *("html", "head", "meta", "title", "link", "body", "header", "nav", "main", "footer", "form", "input"),
    *("h1", "p", "a", "ol", "ul", "li", "table", "caption", "thead", "tbody", "tr", "th", "td", "pre"),
    *(
        "button",
        "strong",
        "code",
        "span",
        "bdi",
        "dl",
        "div",
        "dt",
        "dd",
        "time",
        "svg",
        "use",
        "small",
        "br",
    ),
}


class Page(HTMLParser):
    """What a browser makes of a page, as far as this test minds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_harmless(answer: httpx.Response) -> Page:
    """Assert that a page has our own elements only, no handlers, and links within this site."""
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    page = Page(OUR_SCRIPT.sub("", answer.text, count=1))
    assert page.elements <= ELEMENTS_OF_OURS
    assert "refresh" not in [value.lower() for name, value in page.attributes if name == "http-equiv"]
    for name, value in page.attributes:
        assert not name.startswith("on")
        assert name not in ("src", "style", "srcdoc")
        if name in ("href", "action"):
            assert ":" not in value.partition("?")[0]
            assert not value.startswith("//")
    return page


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    store = MemoryStore()
    rules = []
    for number, payload in enumerate(PAYLOADS):
        store.put(f"names/{payload}", b"x")
        store.put(f"names/{payload} d/{payload}", b"x")
        store.put(
            f"info{number}/BUILD-INFO.txt", build_info(payload.encode()) + f"Theme: {payload}\n".encode()
        )
        store.put(f"info{number}/x.img", b"x")
        store.put(f"broken{number}/BUILD-INFO.txt", f"Format-Version: {payload}\n{payload}: 1\n".encode())
        store.put(f"broken{number}/x.img", b"x")
        store.put(f"eula{number}/EULA.txt", payload.encode())
        store.put(f"eula{number}/x.img", b"x")
        theme = payload.replace(".", "")  # which cannot be in a theme
        store.put(f"theme{number}/x.img.EULA.txt.{theme}", b"a text")
        store.put(f"theme{number}/x.img", b"x")
        store.put(f"policy{number}/x.img", b"x")
        store.put(f"groups{number}/x.img", b"x")
        store.put(f"link{number}/.s3_linked_from", payload.encode())
        quoted = "'''" + payload.replace("'", "\u2019") + "'''"
        rules.append(
            f"[[rule]]\npath = 'policy{number}'\ntier = 'eula'\nlicence_text = {quoted}\nlicence_name = {quoted}\n"
        )
        rules.append(f"[[rule]]\npath = 'groups{number}'\ntier = 'private'\ngroups = [{quoted}]\n")
    app = app_over(store, policy="\n".join(rules), site_title="<script>alert('title')</script>")
    with live_server(app) as server, httpx.Client(base_url=server.url, headers=BROWSER) as http:
        yield http


def test_names_are_text_in_a_listing(client: httpx.Client) -> None:
    page = assert_harmless(client.get("/names/"))
    for payload in PAYLOADS:
        assert payload in page.text
        assert_harmless(client.get(f"/names/{quote(payload)}%20d/"))
    assert_harmless(client.get("/names/", params={"limit": "1"}))


def test_names_are_text_in_a_listing_for_scripts(client: httpx.Client) -> None:
    entries = client.get("/names/?format=json").json()["entries"]
    assert {entry["name"] for entry in entries} == {name for p in PAYLOADS for name in (p, f"{p} d")}
    for entry in entries:
        assert client.get(entry["url"]).status_code == 200


@pytest.mark.parametrize("number", range(len(PAYLOADS)))
@pytest.mark.parametrize("folder", ["info", "eula", "theme", "policy"])
def test_a_licence_is_text(client: httpx.Client, folder: str, number: int) -> None:
    assert_harmless(client.get(f"/{folder}{number}/"))
    refused = client.get(f"/{folder}{number}/x.img")
    assert refused.status_code == 302
    shown = client.get(refused.headers["location"])
    assert shown.status_code == 200
    page = assert_harmless(shown)
    if folder in ("info", "eula"):
        assert PAYLOADS[number].strip() in page.text


@pytest.mark.parametrize("number", range(len(PAYLOADS)))
def test_what_a_refusal_names_is_text(client: httpx.Client, number: int) -> None:
    for path, status in (
        (f"/broken{number}/", 403),
        (f"/broken{number}/x.img", 403),
        (f"/groups{number}/", 401),
    ):
        refused = client.get(path)
        assert refused.status_code == status
        assert_harmless(refused)
    assert_harmless(client.get(f"/link{number}/"))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_was_asked_for_is_text(client: httpx.Client, payload: str) -> None:
    for path in (
        f"/{quote(payload)}",
        f"/{quote(payload)}/",
        f"/names/{quote(payload)}x*",
        f"/names/x?{payload}",
    ):
        missing = client.get(path)
        assert missing.status_code == 404
        assert_harmless(missing)
    assert_harmless(client.get("/names/", params={"after": payload}))
    assert client.get("/names/", params={"format": payload}).status_code == 400
    assert_harmless(client.get("/names/", params={"format": payload}))
    assert_harmless(client.get("/license", params={"lic": payload, "url": payload}))
    assert_harmless(client.get("/names/", headers={"Authorization": f"{quote(payload)} x"}))


def test_names_that_a_wildcard_matches_are_text(client: httpx.Client) -> None:
    several = client.get("/names/*")
    assert several.status_code == 404
    assert_harmless(several)


def test_a_file_that_is_a_page_can_run_nothing(client: httpx.Client) -> None:
    """Published files come from many hands: a browser shows them in a sandbox, if at all."""
    for payload in PAYLOADS:
        answer = client.get(f"/names/{quote(payload)}")
        assert "sandbox" in answer.headers["content-security-policy"]
        disposition = answer.headers["content-disposition"]
        assert disposition.startswith(("inline", "attachment"))
        assert not {"\r", "\n"} & set(disposition)
