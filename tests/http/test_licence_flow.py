"""A person's way through the licences: read, accept or decline, and back to the file."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote

import httpx
import pytest

from app.auth.keys import KeyRing
from app.auth.licences import ACCEPTANCE_COOKIE, grant_acceptance
from tests.support.answers import BROWSER, member, problem
from tests.support.licence_form import leads_to, open_form, read_form
from tests.support.live_server import SECRET
from tests.support.site_policies import MEMBERS
from tests.support.site_trees import SiteTree, client_of, http_client

NICE, PATIENT = "Be nice.\n<b>&amp;</b>", "Be patient."
NICE_DIGEST = hashlib.md5(NICE.encode(), usedforsecurity=False).hexdigest()
TWO = f"""Format-Version: 0.5
Files-Pattern: *
License-Type: protected
License-Text: Be kind.
Files-Pattern: *
License-Type: protected
License-Text: {PATIENT}
""".encode()
ODD = (
    "gcc+tools.img",
    "a b&c.img",
    "100%.img",
    "x');alert(document.domain);('.img",
    "ü\U0001f680.img",
    "#?.img",
    "-",
)


@pytest.fixture(scope="module")
def url(tree: SiteTree) -> Iterator[str]:
    tree.put("EULA.txt", NICE.encode())
    tree.put("root.img", b"at the top")
    for folder in ("lic", "other", "members"):
        tree.put(f"{folder}/EULA.txt", NICE.encode())
        tree.put(f"{folder}/x.img", b"content")
    for name in ODD:
        tree.put(f"lic/odd+names/{name}", name.encode())
    tree.put("lic/odd+names/EULA.txt", NICE.encode())
    tree.put("two/BUILD-INFO.txt", TWO)
    tree.put("two/x.img", b"content")
    with client_of(tree.app(policy=MEMBERS)) as client:
        yield str(client.base_url)


@pytest.fixture
def browser(url: str) -> Iterator[httpx.Client]:
    """A browser that has not been here before."""
    with http_client(url, headers=BROWSER) as client:
        yield client


def test_a_browser_is_led_to_the_licence_and_back(browser: httpx.Client) -> None:
    sent_there = browser.get("/lic/x.img")
    assert sent_there.status_code == 302
    assert sent_there.headers["location"] == f"/license?lic={NICE_DIGEST}&url=lic/x.img"
    assert sent_there.headers["cache-control"] == "no-store"
    page = browser.get(sent_there.headers["location"])
    assert page.headers["cache-control"] == "private, no-store"
    form = read_form(page)
    assert form.text == NICE
    accepted = form.send(browser)
    assert leads_to(accepted) == "/lic/x.img"
    assert accepted.headers["cache-control"] == "private, no-store"
    assert browser.get("/lic/x.img").content == b"content"
    assert browser.head("/lic/x.img").headers["content-length"] == "7"


def test_an_acceptance_holds_for_the_licence_wherever_it_stands(browser: httpx.Client) -> None:
    open_form(browser, "/lic/x.img").send(browser)
    assert browser.get("/other/x.img").content == b"content"
    assert browser.get("/root.img").content == b"at the top"
    assert browser.get("/two/x.img").status_code == 302


def test_a_file_at_the_top_comes_back_to_the_top(browser: httpx.Client) -> None:
    accepted = open_form(browser, "/root.img").send(browser)
    assert browser.get(leads_to(accepted)).content == b"at the top"


@pytest.mark.parametrize("name", ODD)
def test_the_way_back_leads_to_odd_names_too(browser: httpx.Client, name: str) -> None:
    path = f"/lic/odd%2Bnames/{quote(name, safe='')}"
    page = open_form(browser, path)
    assert browser.get(leads_to(page.send(browser))).content == name.encode()
    assert "<script" not in browser.get(browser.get(path).headers.get("location", path)).text


def test_several_licences_come_one_after_another(browser: httpx.Client) -> None:
    first = open_form(browser, "/two/x.img")
    assert first.text == "Be kind."
    between = first.send(browser)
    assert (between.status_code, between.headers["location"]) == (303, "/two/x.img")
    second = open_form(browser, "/two/x.img")
    assert second.text == PATIENT
    assert leads_to(second.send(browser)) == "/two/x.img"
    assert browser.get("/two/x.img").content == b"content"


def test_to_decline_is_403_and_remembers_nothing(browser: httpx.Client) -> None:
    declined = open_form(browser, "/lic/x.img").send(browser, "reject")
    assert declined.status_code == 403
    assert "set-cookie" not in declined.headers
    assert browser.get("/lic/x.img").status_code == 302


def test_members_accept_too_after_their_membership(browser: httpx.Client) -> None:
    assert browser.get("/members/x.img").status_code == 401
    staff = member("staff")
    sent_there = browser.get("/members/x.img", headers=staff)
    assert sent_there.status_code == 302
    assert browser.get(sent_there.headers["location"]).status_code == 401  # nor is the licence for strangers
    assert browser.get(sent_there.headers["location"], headers=staff).status_code == 200


def test_scripts_are_told_instead_of_led(browser: httpx.Client) -> None:
    refused = browser.get("/lic/x.img", headers={"Accept": "*/*"})
    assert problem(refused) == (403, "licence-required")
    (licence,) = refused.json()["licences"]
    assert read_form(browser.get(licence["text_url"], headers={"Accept": "*/*"})).text == NICE


@pytest.mark.parametrize("path", ["/license?lic={}&url=lic/x.img", "/lic/x.img"])
def test_head_is_as_get(browser: httpx.Client, path: str) -> None:
    got, head = browser.get(path.format(NICE_DIGEST)), browser.head(path.format(NICE_DIGEST))
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize(
    "query",
    [
        "", "?lic=", "?url=lic/x.img", f"?lic={NICE_DIGEST}", f"?lic={NICE_DIGEST}&url=", "?lic=bad&url=x",
        f"?lic={NICE_DIGEST}&url=none", f"?lic={NICE_DIGEST}&url=lic/none", f"?lic={NICE_DIGEST}&url=lic/",
        f"?lic={'0' * 32}&url=lic/x.img", f"?lic={NICE_DIGEST}&url=two/x.img", f"?lic={NICE_DIGEST}&url=..%2Fx",
        f"?lic={NICE_DIGEST}&url=lic%00/x.img", f"?lic={NICE_DIGEST}&url=lic/EULA.txt",
        f"?lic={NICE_DIGEST}&url=https://evil.example/x.img", f"?lic={NICE_DIGEST}&url=//evil.example/x.img",
    ],
)  # fmt: skip
def test_a_licence_that_stands_before_nothing_is_not_found(browser: httpx.Client, query: str) -> None:
    for accept in (BROWSER, {"Accept": "*/*"}):
        answer = browser.get(f"/license{query}", headers=accept)
        assert answer.status_code == 404
        assert "evil.example" not in answer.text


def test_any_replica_shows_any_licence(tree: SiteTree, browser: httpx.Client) -> None:
    """Nothing has been asked of the second one before, and both have the same keys."""
    location = browser.get("/lic/x.img").headers["location"]
    with client_of(tree.app(policy=MEMBERS), cookies=browser.cookies) as second:
        accepted = read_form(second.get(location)).send(second)
        browser.cookies.set(ACCEPTANCE_COOKIE, accepted.cookies[ACCEPTANCE_COOKIE])
    assert browser.get("/lic/x.img").content == b"content"


@pytest.mark.parametrize(
    "cookie",
    [
        lambda: grant_acceptance(KeyRing([SECRET]), None, [NICE_DIGEST], time.time() - 86_401),
        lambda: grant_acceptance(KeyRing(["x" * 40]), None, [NICE_DIGEST], time.time()),
        lambda: grant_acceptance(KeyRing([SECRET]), None, [NICE_DIGEST], time.time())[:-2],
        lambda: grant_acceptance(KeyRing([SECRET]), None, ["0" * 32], time.time()),
        lambda: NICE_DIGEST,
        lambda: "",
    ],
    ids=["expired", "foreign key", "cut", "another licence", "plain digest", "empty"],
)
def test_a_cookie_that_does_not_hold_accepts_nothing(url: str, cookie: Callable[[], str]) -> None:
    with http_client(url, cookies={ACCEPTANCE_COOKIE: cookie()}) as client:
        assert problem(client.get("/lic/x.img")) == (403, "licence-required")


def test_the_cookie_of_older_servers_accepts_nothing(url: str) -> None:
    with http_client(url, cookies={f"license_accepted_{NICE_DIGEST}": "anything"}) as client:
        assert client.get("/lic/x.img").status_code == 403
