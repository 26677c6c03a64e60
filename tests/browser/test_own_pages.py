"""What people do who are logged in: they make a token, and share a file. Without a script, and by the rules of axe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, take
from tests.browser.test_accessibility import broken_rules
from tests.support.answers import SCRIPT
from tests.support.live_server import app_over, live_server
from tests.support.memory_store import MemoryStore
from tests.support.site_policies import MEMBERS_AND_VAULT

FOLDER, FILE = "/members/", "/members/plan.txt"


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    store = MemoryStore()
    store.put(FILE[1:], b"content")
    app = app_over(
        store,
        policy=MEMBERS_AND_VAULT,
        demo_login_groups=("staff", "board"),
        user_token_seconds=86400,
        link_seconds=86400,
        contact="release-team@example.org",
    )
    with live_server(app) as server:
        yield server.url


def log_in(page: Page, site: str, user: str = "alice") -> None:
    page.goto(f"{site}/login?return={FOLDER}")
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill(user)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**{FOLDER}")


def fetched(url: str, **headers: str) -> tuple[int, str]:
    """As a script without cookies gets it."""
    answer = httpx.get(url, headers=SCRIPT | headers, trust_env=False)
    return answer.status_code, answer.text


@pytest.mark.parametrize("has_script", [False, True])
def test_a_member_makes_a_token_for_a_script(site: str, open_page: OpenPage, has_script: bool) -> None:
    page = open_page(java_script_enabled=has_script)
    log_in(page, site)
    page.get_by_role("button", name="Get a token").click()
    page.get_by_label("Groups of the token").fill("staff\n")
    page.get_by_label("Valid for").select_option("1 hour")
    page.get_by_role("button", name="Make a token").click()
    expect(page.get_by_role("status")).to_contain_text("shown only once")
    token = page.get_by_label("Token", exact=True).input_value()
    assert fetched(site + FILE, Authorization=f"Bearer {token}") == (200, "content")
    page.get_by_role("link", name="Make another one").click()
    expect(page.get_by_label("Groups of the token")).to_have_value(re.compile("board\\s+staff"))
    assert token not in page.content()


@pytest.mark.parametrize("has_script", [False, True])
def test_a_member_shares_a_file_with_somebody_who_has_no_login(
    site: str, open_page: OpenPage, has_script: bool
) -> None:
    page = open_page(java_script_enabled=has_script)
    log_in(page, site)
    page.get_by_role("row", name="plan.txt").get_by_role("button", name="Share").click()
    page.get_by_label("It works for").select_option("1 day")
    page.get_by_role("button", name="Create link").click()
    link = page.get_by_label("Link", exact=True).input_value()
    assert link.startswith(f"{site}{FILE}?link=")
    assert fetched(link) == (200, "content")
    assert fetched(site + FILE)[0] == 401
    page.get_by_role("link", name="Back to the folder").click()
    expect(page).to_have_url(site + FOLDER)


def test_both_can_be_done_by_the_keyboard_alone(site: str, page: Page) -> None:
    log_in(page, site)
    page.get_by_role("button", name="Share").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Share plan.txt")
    page.get_by_label("It works for").focus()
    for key in ("ArrowDown", "Tab", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_label("Link", exact=True)).to_be_visible()


# --- by the rules of axe


class Shown(NamedTuple):
    """How a page is reached.

    Attributes:
        user: who logs in first; empty for nobody.
        press: the button that leads to it; empty if its path does.
        status: that the browser complains about.
    """

    path: str
    user: str = "alice"
    press: str = ""
    status: str = ""


PAGES = {
    "listing": Shown(FOLDER),
    "token": Shown("/-/token"),
    "token-made": Shown("/-/token", press="Make a token"),
    "token-for-nobody": Shown("/-/token", "bob"),
    "share": Shown(f"/-/link?path={FILE}"),
    "link-made": Shown(f"/-/link?path={FILE}", press="Create link"),
    "account": Shown("/-/account"),
    "account-of-nobody": Shown("/-/account", ""),
    "logged-out": Shown("/-/account", press="Log out"),
    "login": Shown("/login", ""),
    "login-failed": Shown("/login", "", press="Log in", status="403"),
    "login-required": Shown(FOLDER, "", status="401"),
    "members-only": Shown(FOLDER, "bob", status="403"),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("shown", PAGES.values(), ids=PAGES)
def test_axe_finds_nothing(
    site: str, open_page: OpenPage, complaints: list[str], shown: Shown, scheme: str
) -> None:
    page = open_page(java_script_enabled=True, color_scheme=scheme)
    if shown.user:
        log_in(page, site, shown.user)
        complaints.clear()  # of who was led to what is not for them
    page.goto(site + shown.path)
    if shown.status == "403" and shown.press:
        page.get_by_label("User name").fill("nobody")
        page.get_by_label("Password").fill("wrong")
    if shown.press:
        page.get_by_role("button", name=shown.press).click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    if shown.status:
        take(page, complaints, shown.status)
    assert broken_rules(page) == []
