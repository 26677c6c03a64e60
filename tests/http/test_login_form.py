"""Login by name and password, as the people of the demonstration do it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from app.auth.demo import DemoDirectory
from app.auth.people import Person as Known
from app.domain.errors import LoginUnavailable
from tests.support.login_sites import FormSite, form_site, log_in

PRIVATE = "/members/plan.txt"
REFRESH = 900


@pytest.fixture
def site() -> Iterator[FormSite]:
    with form_site() as made:
        yield made


def test_a_member_logs_in_and_is_led_to_the_very_path(site: FormSite) -> None:
    page = site.person.press(site.person.get(PRIVATE), "Log in")
    assert "This is a demonstration" in page.text
    welcome = site.person.submit(page, "/login", user="alice", password="alice")
    assert f'http-equiv="refresh" content="0; url={PRIVATE}"' in welcome.text
    assert welcome.headers["cache-control"] == "private, no-store"
    assert site.person.get(PRIVATE).text == "content"
    assert site.person.name() == "alice"


def test_who_is_no_member_may_log_in_as_somebody_else(site: FormSite) -> None:
    log_in(site.person, "bob")
    page = site.person.get(PRIVATE)
    assert page.status_code == 403
    form = site.person.press(page, "Log in as somebody else")
    site.person.submit(form, "/login", user="alice", password="alice")
    assert site.person.get(PRIVATE).status_code == 200


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("alice", "bob"),
        ("alice", ""),
        ("", ""),
        ("carol", "carol"),
        ("alice", "ALICE"),
        ("alice", " alice "),
        ("alice", "alic"),
    ],
)
def test_a_wrong_password_shows_the_form_again(site: FormSite, user: str, password: str) -> None:
    page = log_in(site.person, user, password)
    assert page.status_code == 403
    assert "user name or the password is wrong" in page.text
    assert f'name="return" value="{PRIVATE}"' in page.text
    assert site.person.name() is None


def test_a_form_of_another_site_logs_nobody_in(site: FormSite) -> None:
    data = {"user": "alice", "password": "alice", "return": "/"}
    assert site.person.client.post("/login", data=data).status_code == 403
    page = site.person.get("/login")
    token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert (
        site.person.client.post("/login", data=data | {"form_token": token}, headers=headers).status_code
        == 403
    )
    assert site.person.name() is None


def test_the_form_takes_any_password_by_any_means(site: FormSite) -> None:
    page = site.person.get("/login")
    (field,) = re.findall(r'<input id="password"[^>]*>', page.text)
    assert 'type="password"' in field
    assert 'autocomplete="current-password"' in field
    assert not re.search(r"pattern=|minlength=|onpaste|autocomplete=\"off\"|readonly", field)
    (longest,) = re.findall(r'maxlength="(\d+)"', field)
    answer = site.person.submit(page, "/login", user="alice", password="\u00fc \U0001f511&=+%" * 100)
    assert int(longest) >= 64
    assert "user name or the password is wrong" in answer.text


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "/a\\b", "javascript:alert(1)"]
)
def test_the_form_leads_to_this_site_only(site: FormSite, elsewhere: str) -> None:
    page = site.person.get("/login")
    form = {"user": "alice", "password": "alice", "return": elsewhere}
    target = site.person.submit(page, "/login", **form).text.partition("url=")[2].partition('"')[0]
    assert target in ("/", "/a%5Cb", "/evil.example/")  # several slashes are one, so that no host is named


def test_groups_are_asked_for_again_without_a_form(site: FormSite, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(site.person, "alice")

    async def find_without_groups(self: DemoDirectory, subject: str) -> Known:
        return Known(subject, frozenset())

    monkeypatch.setattr(DemoDirectory, "find", find_without_groups)
    assert site.person.get(PRIVATE).status_code == 200
    site.clock.now += REFRESH
    assert site.person.get(PRIVATE).status_code == 403
    assert site.person.name() == "alice"


def test_who_is_not_there_any_more_is_logged_out(site: FormSite, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(site.person, "alice")

    async def find_nobody(self: DemoDirectory, subject: str) -> None:
        return None

    monkeypatch.setattr(DemoDirectory, "find", find_nobody)
    site.clock.now += REFRESH
    assert site.person.get(PRIVATE).status_code == 401
    assert site.person.name() is None


def test_sessions_live_on_while_the_directory_is_down(
    site: FormSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(site.person, "alice")

    async def fail(self: DemoDirectory, *asked: str) -> Known:
        raise LoginUnavailable

    monkeypatch.setattr(DemoDirectory, "find", fail)
    monkeypatch.setattr(DemoDirectory, "log_in", fail)
    site.clock.now += REFRESH
    assert site.person.get(PRIVATE).status_code == 200
    page = site.person.get("/login?switch=true")
    answer = site.person.submit(page, "/login", user="alice", password="alice")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
