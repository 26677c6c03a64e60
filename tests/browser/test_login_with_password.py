"""Login at a real provider that knows passwords and groups, by a real browser."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, expect

from app.auth.oidc.issuer import MIN_KEY_SECONDS
from app.auth.sessions import SESSION_COOKIE
from tests.browser.conftest import OpenPage
from tests.support.answers import BROWSER
from tests.support.canaille_provider import PASSWORD, CanailleProvider, canaille_provider
from tests.support.clocks import Clock
from tests.support.live_server import app_over, live_server
from tests.support.memory_store import MemoryStore
from tests.support.site_policies import MEMBERS

FOLDER = "/members/"
REFRESH_SECONDS, WHOLE_SECONDS = 900, 43200


class Replicas(NamedTuple):
    """Two servers of one site. For cookies they are one host, since ports do not count (RFC 6265 section 8.5).

    Attributes:
        clock: the time of day at both.
        ages: seconds, by which both tell how long ago they asked the provider.
    """

    first: str
    second: str
    provider: CanailleProvider
    clock: Clock
    ages: Clock

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.now += seconds
        self.ages.now += seconds


@pytest.fixture(scope="module")
def provider() -> Iterator[CanailleProvider]:
    with canaille_provider() as provider:
        yield provider


@pytest.fixture
def site(provider: CanailleProvider) -> Iterator[Replicas]:
    """Replicas of a new site, which the provider knows alone."""
    store, clock, ages = MemoryStore(), Clock(), Clock()
    clock.now = time.time()
    store.put("members/plan.txt", b"content")
    with ExitStack() as stack:
        urls = [
            stack.enter_context(
                live_server(
                    app_over(store, policy=MEMBERS, clock=ages, wall_clock=clock, **provider.settings())
                )
            ).url
            for _ in range(2)
        ]
        provider.tell(callbacks=[f"{url}/login/callback" for url in urls], staff=["alice"], is_down=False)
        yield Replicas(urls[0], urls[1], provider, clock, ages)


def log_in(page: Page, site: Replicas, user: str = "alice") -> None:
    """From a private folder to the provider, and back to it."""
    page.goto(site.first + FOLDER)
    page.get_by_role("link", name="Log in").click()
    page.locator("input[name=login]").fill(user)
    if not page.locator("input[name=password]").is_visible():
        page.locator("form button[type=submit]").first.click()
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url(f"{site.first}{FOLDER}")


def sees_the_plan(page: Page, url: str) -> bool:
    answer = page.goto(url + FOLDER)
    assert answer is not None
    assert (answer.status == 200) == ("plan.txt" in page.content())
    return answer.status == 200


def test_groups_come_and_go_with_the_provider(site: Replicas, page: Page, complaints: list[str]) -> None:
    log_in(page, site)
    expect(page.get_by_role("link", name="plan.txt")).to_be_visible()
    site.provider.tell(staff=[])
    assert sees_the_plan(page, site.first)  # until the groups are asked for again
    site.wait(REFRESH_SECONDS)
    assert not sees_the_plan(page, site.first)
    expect(page.get_by_text("You are logged in as alice.")).to_be_visible()
    site.provider.tell(staff=["alice"])
    site.wait(REFRESH_SECONDS)
    assert sees_the_plan(page, site.first)
    complaints.clear()


def test_a_login_counts_on_every_replica_and_ends_there(
    site: Replicas, page: Page, complaints: list[str]
) -> None:
    log_in(page, site)
    assert sees_the_plan(page, site.second)
    site.wait(WHOLE_SECONDS)
    assert not sees_the_plan(page, site.second)
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    complaints.clear()


def test_while_the_provider_is_down_a_login_lives_on_and_none_begins(
    site: Replicas, page: Page, complaints: list[str]
) -> None:
    log_in(page, site)
    site.provider.tell(is_down=True)
    site.wait(REFRESH_SECONDS)
    assert sees_the_plan(page, site.first)
    page.context.clear_cookies()
    site.ages.now += 3600  # what the provider said of itself is forgotten
    page.goto(site.first + FOLDER)
    page.get_by_role("link", name="Log in").click()
    expect(page.get_by_text("does not answer at the moment")).to_be_visible()
    site.provider.tell(is_down=False)
    log_in(page, site)
    complaints.clear()


def test_keys_of_the_provider_may_change(site: Replicas, page: Page, complaints: list[str]) -> None:
    log_in(page, site)
    site.provider.tell(new_keys=True)
    page.context.clear_cookies()
    site.wait(MIN_KEY_SECONDS)
    log_in(page, site)
    assert sees_the_plan(page, site.first)
    complaints.clear()


def test_a_logout_ends_the_login(site: Replicas, page: Page, complaints: list[str]) -> None:
    log_in(page, site)
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{site.provider.issuer}/**")
    page.goto(site.first + "/-/account")
    expect(page.get_by_text("You are not logged in.")).to_be_visible()
    assert not sees_the_plan(page, site.first)
    complaints.clear()


@pytest.mark.parametrize("has_script", [False, True])
def test_after_a_logout_the_back_button_shows_nothing(
    site: Replicas, open_page: OpenPage, complaints: list[str], has_script: bool
) -> None:
    page = open_page(java_script_enabled=has_script)
    log_in(page, site)
    expect(page.get_by_role("link", name="plan.txt")).to_be_visible()
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{site.provider.issuer}/**")
    visited = [path_of(page, site)]
    while len(visited) < 12 and visited.count(FOLDER) < 2:  # before the login, and after it
        page.go_back()
        visited.append(path_of(page, site))
        assert "plan.txt" not in page.content(), f"{visited} shows what only members see"
    assert visited.count(FOLDER) == 2, visited
    complaints.clear()


def path_of(page: Page, site: Replicas) -> str:
    return page.url.removeprefix(site.first)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": "another"}, "this login was not started in this browser"),
        ({"iss": "https://evil.example"}, "this answer comes from another login service"),
        ({"code": ""}, "rejected this site's request"),
    ],
)
def test_an_answer_that_was_changed_on_its_way_logs_nobody_in(
    site: Replicas, page: Page, complaints: list[str], change: dict[str, str], words: str
) -> None:
    log_in(page, site)
    page.context.clear_cookies(name=SESSION_COOKIE)
    answer = urlsplit(answer_of_the_provider(page, site))
    page.goto(answer._replace(query=urlencode(dict(parse_qsl(answer.query)) | change)).geturl())
    expect(page.get_by_text(words, exact=False)).to_be_visible()
    assert not sees_the_plan(page, site.first)
    complaints.clear()


def test_an_answer_of_the_provider_counts_once(site: Replicas, page: Page, complaints: list[str]) -> None:
    log_in(page, site)
    page.context.clear_cookies(name=SESSION_COOKIE)
    answer = answer_of_the_provider(page, site)
    page.goto(answer)
    assert page.url == site.first + FOLDER
    page.context.clear_cookies(name=SESSION_COOKIE)
    page.goto(answer)
    expect(page.get_by_text("was not started in this browser")).to_be_visible()
    assert not sees_the_plan(page, site.first)
    complaints.clear()


def answer_of_the_provider(page: Page, site: Replicas) -> str:
    """Begin another login, at which the provider asks nothing. Gives where it sends the browser, which does not go there."""
    here = f"{site.first}/login?return={FOLDER}"
    for _ in range(2):
        answer = page.context.request.get(here, headers=BROWSER, max_redirects=0)
        here = answer.headers["location"]
    assert here.startswith(f"{site.first}/login/callback?")
    return here
