"""Declined, refused or unavailable: each page says what to do next and whom to ask, and so does the problem."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from app.domain.errors import PierheadError, StoreUnavailable
from app.routes.statuses import TABLE
from app.routes.whom_to_ask import HELP
from tests.support.answers import member
from tests.support.licence_form import open_form
from tests.support.live_server import app_over, live_server
from tests.support.memory_store import MemoryStore
from tests.support.site_trees import SiteClient, http_client

HTML = {"Accept": "text/html"}
CONTACT = "mailto:help@example.org"
POLICY = """
[[rule]]
path = "members/**"
tier = "private"
groups = ["staff"]
"""


@pytest.fixture(params=["help@example.org", None], ids=["a contact", "none"])
def contact(request: pytest.FixtureRequest) -> str | None:
    chosen: str | None = request.param
    return chosen


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.put("a/EULA.txt", b"Be nice.")
    store.put("a/board.img", b"x")
    store.put("members/x")
    store.put("broken/BUILD-INFO.txt", b"nonsense")
    store.put("broken/x")
    store.put("closed/x.img")
    store.put("closed/y.img.EULA.txt")
    store.put("f/x")
    return store


@pytest.fixture
def client(store: MemoryStore, contact: str | None) -> Iterator[SiteClient]:
    with (
        live_server(app_over(store, policy=POLICY, contact=contact)) as server,
        http_client(server.url) as http,
    ):
        yield http


def offered(answer: httpx.Response, label: str) -> str | None:
    """Where a button of a page leads."""
    before, found, _ = answer.text.partition(f">{label}</a>")
    return before.rpartition('href="')[2].rstrip('"') if found else None


def helped(answer: httpx.Response) -> str | None:
    return answer.links.get("help", {}).get("url")


@pytest.mark.parametrize(
    ("path", "headers", "status", "label"),
    [
        ("/members/x", member("others"), 403, "Ask for access"),
        ("/broken/x", {}, 403, "Ask for access"),
    ],
)
def test_who_is_refused_is_told_whom_to_ask(
    client: SiteClient, contact: str | None, path: str, headers: dict[str, str], status: int, label: str
) -> None:
    page, problem = client.get(path, headers=headers | HTML), client.get(path, headers=headers)
    assert (page.status_code, problem.status_code) == (status, status)
    assert offered(page, label) == (CONTACT if contact else None)
    assert helped(problem) == (CONTACT if contact else None)


def test_who_declines_can_read_it_again_and_ask(client: SiteClient, contact: str | None) -> None:
    page = open_form(client, "/a/board.img").send(client, "reject")
    assert page.status_code == 403
    assert offered(page, "Read the licence again") == "/a/board.img"
    assert offered(page, "Ask about the licence") == (CONTACT if contact else None)
    assert offered(page, "Try again") is None


def test_what_passes_is_to_be_tried_again(
    client: SiteClient, store: MemoryStore, contact: str | None
) -> None:
    store.fail_on("list", StoreUnavailable("timeout"))
    page, problem = client.get("/f/?sort=size", headers=HTML), client.get("/f/?sort=size")
    assert (page.status_code, problem.status_code) == (503, 503)
    assert "ry again in 5 seconds" in page.text
    assert problem.json()["detail"].endswith("; try again in 5 seconds")
    assert offered(page, "Try again") == "/f/?sort=size"
    assert offered(page, "Tell the operator") == (CONTACT if contact else None)


@pytest.mark.parametrize("kind", [kind for kind, status in TABLE.items() if status.code in (502, 503)])
def test_everything_that_is_the_servers_fault_has_somebody_to_tell(kind: type[PierheadError]) -> None:
    assert kind in HELP


@pytest.mark.parametrize(
    ("theme", "words"),
    [
        ("licence", "accept this licence"),
        ("EULA", "accept this licence"),
        ("acme", "accept the licence <strong><bdi>acme</bdi></strong>"),
        ("acme-licence", "accept <strong><bdi>acme-licence</bdi></strong>"),
    ],
)
def test_a_licence_is_called_as_people_would(theme: str, words: str) -> None:
    store = MemoryStore()
    store.put("d/board.img", b"x")
    terms = f"Format-Version: 0.5\n\nFiles-Pattern: *\nLicense-Type: protected\nTheme: {theme}\nLicense-Text: Be nice.\n"
    store.put("d/BUILD-INFO.txt", terms.encode())
    with live_server(app_over(store)) as server, http_client(server.url) as http:
        page = http.get("/d/board.img", headers=HTML, follow_redirects=True).text
        row = http.get("/d/", headers=HTML).text
    assert words in " ".join(page.split())
    assert (f"EULA</span> {theme}" in row) == theme.startswith("acme")
