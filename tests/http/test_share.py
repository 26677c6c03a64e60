"""Members make links to private files, where the operator allows it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from tests.support.answers import BROWSER, SCRIPT
from tests.support.live_server import token
from tests.support.login_sites import FormSite, form_site, log_in

FILE = "/members/plan.txt"


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    return tmp_path / "audit"


@pytest.fixture
def site(audit: Path) -> Iterator[FormSite]:
    with form_site(link_seconds=2 * 86400, audit_file=audit) as made:
        yield made


def button(page: httpx.Response) -> str:
    """Where the button of the only private file of a listing leads."""
    (path,) = re.findall(r'form="share" name="path" value="([^"]*)">Share</button>', page.text)
    assert '<form id="share" action="/-/link"></form>' in page.text
    return f"/-/link?path={path}"


def share(site: FormSite, seconds: str = "3600", **fields: str) -> httpx.Response:
    page = site.person.get(f"/-/link?path={FILE}")
    return site.person.submit(page, "/-/link", seconds=seconds, **fields)


def link_of(page: httpx.Response) -> str:
    found = re.search(r'<input id="link" value="([^"]*)" readonly>', page.text)
    assert found, page.text
    return unescape(found[1])


def test_a_member_shares_a_file_with_a_stranger(site: FormSite, audit: Path) -> None:
    log_in(site.person, "alice")
    form = site.person.get(button(site.person.get("/members/")))
    assert re.findall(r'<option value="(\d+)">(.*?)<', form.text) == [
        ("3600", "1 hour"),
        ("86400", "1 day"),
        ("172800", "2 days"),
    ]
    made = site.person.submit(form, "/-/link", seconds="3600")
    assert made.headers["cache-control"] == "private, no-store"
    link = link_of(made)
    with httpx.Client(trust_env=False, headers=SCRIPT) as stranger:
        assert stranger.get(link).text == "content"
        site.clock.now += 3600
        assert stranger.get(link).status_code == 401
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    made_line, used = lines[1:3]
    assert [line["event"] for line in lines] == ["login", "link_made", "link_used"]
    assert (made_line["subject"], made_line["path"]) == ("alice", FILE)
    assert made_line["expires"] == site.clock.now
    assert made_line["id"] == used["id"]
    assert made_line["id"] in made.text
    assert link.partition("link=")[2] not in audit.read_text()


def test_only_private_files_that_one_may_have_have_a_button(site: FormSite) -> None:
    assert "Share</button>" not in site.person.get("/").text
    log_in(site.person, "bob")
    assert "Share</button>" not in site.person.get("/").text
    for path in (FILE, "/members/", "/members/none", "/vault/secret.txt", "/", "/a%00b", ""):
        assert site.person.get(f"/-/link?path={path}").status_code in (403, 404)


def test_who_is_not_logged_in_is_led_to_the_login_and_back(site: FormSite) -> None:
    page = site.person.get(f"/-/link?path={FILE}")
    assert page.status_code == 401
    form = site.person.press(page, "Log in")
    welcome = site.person.submit(form, "/login", user="alice", password="alice")
    assert f"url=/-/link?path={FILE}" in welcome.text


def test_a_token_is_not_for_handing_out_links(site: FormSite) -> None:
    member = {"Authorization": f"Bearer {token('staff', now=site.clock.now)}"} | BROWSER
    assert site.person.client.get(f"/-/link?path={FILE}", headers=member).status_code == 401


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"seconds": "172801"}, 400),
        ({"seconds": "0"}, 400),
        ({"seconds": ""}, 400),
        ({"path": "/vault/none"}, 404),
        ({"path": "/members/"}, 404),
        ({"form_token": "x"}, 403),
    ],
)
def test_the_form_makes_no_other_links(site: FormSite, fields: dict[str, str], status: int) -> None:
    log_in(site.person, "alice")
    assert share(site, **{"seconds": "3600"} | fields).status_code == status


def test_another_site_cannot_have_a_link_made(site: FormSite) -> None:
    log_in(site.person, "alice")
    page = site.person.get(f"/-/link?path={FILE}")
    token_text = page.text.partition('name="form_token" value="')[2].partition('"')[0]
    data = {"path": FILE, "seconds": "3600", "form_token": token_text}
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert site.person.client.post("/-/link", data=data, headers=headers).status_code == 403
    page = site.person.get("/login?switch=true")
    site.person.submit(page, "/login", user="alice", password="alice")  # a session that the form is not for
    assert site.person.client.post("/-/link", data=data).status_code == 403


def test_a_path_through_a_link_is_shared_by_its_real_one(site: FormSite) -> None:
    log_in(site.person, "alice")
    site.store.put("members/latest/.s3_linked_from", b"members/")
    made = share(site, path="/members/latest/plan.txt")
    assert link_of(made).startswith(f"{site.person.client.base_url}".rstrip("/") + FILE)


def test_it_is_off_unless_the_operator_wants_it() -> None:
    with form_site() as site:
        log_in(site.person, "alice")
        assert "Share</button>" not in site.person.get("/members/").text
        assert site.person.get(f"/-/link?path={FILE}").status_code == 404
        assert site.person.client.post("/-/link", data={"path": FILE}).status_code == 404
