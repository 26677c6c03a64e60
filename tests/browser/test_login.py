"""People log in with a real browser: at a real provider, and by the form."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, take
from tests.support.fake_provider import CLIENT_ID, CLIENT_SECRET
from tests.support.live_server import app_over, live_server
from tests.support.memory_store import MemoryStore
from tests.support.real_provider import real_provider
from tests.support.site_policies import MEMBERS_AND_VAULT

FOLDER = "/members/"


def tree() -> MemoryStore:
    store = MemoryStore()
    store.put("members/plan.txt", b"content")
    return store


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    alice = {"sub": "alice", "groups": ["staff"]}
    with real_provider(alice, {"sub": "bob", "groups": ["guests"]}) as running:
        yield running


@pytest.fixture
def site(issuer: str) -> Iterator[str]:
    app = app_over(
        tree(),
        policy=MEMBERS_AND_VAULT,
        oidc_issuer=issuer,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
    )
    with live_server(app) as server:
        yield server.url


@pytest.fixture
def form_site() -> Iterator[str]:
    with live_server(app_over(tree(), policy=MEMBERS_AND_VAULT, demo_login_groups=("staff",))) as server:
        yield server.url


def be(page: Page, user: str, complaints: list[str]) -> None:
    """Choose who to be on the provider's page, which loads a style sheet from elsewhere, and an icon, in vain."""
    # Answered here, so that no complaint about them comes while the site's own page is looked at.
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    page.get_by_role("button", name=user, exact=True).first.click()
    page.wait_for_url(f"**{FOLDER}")
    complaints[:] = [complaint for complaint in complaints if not _is_about_the_provider(complaint)]


def _is_about_the_provider(complaint: str) -> bool:
    return "ERR_" in complaint or "404" in complaint


def test_a_member_logs_in_at_the_provider_and_comes_back_to_the_folder(
    site: str, page: Page, complaints: list[str]
) -> None:
    page.goto(site + FOLDER)
    take(page, complaints, "401")
    page.get_by_role("link", name="Log in").click()
    be(page, "alice", complaints)
    expect(page.get_by_role("link", name="plan.txt")).to_be_visible()
    page.get_by_role("button", name="Account").click()
    expect(page.get_by_text("You are logged in as alice.")).to_be_visible()


def test_who_is_no_member_may_log_in_as_somebody_else(site: str, page: Page, complaints: list[str]) -> None:
    page.goto(site + FOLDER)
    take(page, complaints, "401")
    page.get_by_role("link", name="Log in").click()
    be(page, "bob", complaints)
    take(page, complaints, "403")
    expect(page.get_by_text("You are logged in as bob.")).to_be_visible()
    page.get_by_role("link", name="Log in as somebody else").click()
    be(page, "alice", complaints)
    expect(page.get_by_role("link", name="plan.txt")).to_be_visible()


@pytest.mark.parametrize("has_script", [False, True])
def test_after_a_logout_the_back_button_shows_nothing(
    form_site: str, open_page: OpenPage, complaints: list[str], has_script: bool
) -> None:
    page = open_page(java_script_enabled=has_script)
    page.goto(form_site + FOLDER)
    take(page, complaints, "401")
    page.get_by_role("link", name="Log in").click()
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill("alice")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**{FOLDER}")
    expect(page.get_by_role("link", name="plan.txt")).to_be_visible()
    page.get_by_role("button", name="Account: alice" if has_script else "Account", exact=True).click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out of this site.")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("You are not logged in.")).to_be_visible()
    page.go_back()
    take(page, complaints, "401")
    assert page.url.endswith(FOLDER)
    assert "plan.txt" not in page.content()
