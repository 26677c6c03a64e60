"""Tokens that people make for themselves at `/-/token`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import httpx
import pytest

from app.auth.keys import KeyRing
from app.auth.limits import RATES, Limit
from app.auth.tokens import TokenGrant, read_token
from tests.support.answers import BROWSER, SCRIPT, problem
from tests.support.fake_provider import fake_provider
from tests.support.live_server import SECRET, token
from tests.support.login_sites import FormSite, form_site, log_in, login_site

PRIVATE = "/members/plan.txt"
DAY = 86400


@pytest.fixture
def site() -> Iterator[FormSite]:
    with form_site(user_token_seconds=DAY) as made:
        yield made


def open_form(site: FormSite) -> httpx.Response:
    page = site.person.get("/-/token")
    assert page.status_code == 200
    return page


def shown_token(page: httpx.Response) -> str:
    found = re.search(r'<textarea id="token"[^>]*>([^<]+)</textarea>', page.text)
    assert found, page.text
    return unescape(found[1])


def read(text: str) -> TokenGrant:
    return read_token(KeyRing([SECRET]), text)


def test_a_member_makes_a_token_that_opens_what_they_may_see(site: FormSite) -> None:
    log_in(site.person, "alice")
    page = site.person.submit(open_form(site), "/-/token", groups="staff\r\n", seconds="3600")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "private, no-store"
    text = shown_token(page)
    grant = read(text)
    assert (grant.subject, grant.groups) == ("alice", frozenset({"staff"}))
    assert not grant.permissions
    assert (grant.issued, grant.expires) == (site.clock.now, site.clock.now + 3600)
    assert grant.id in page.text
    with httpx.Client(base_url=str(site.person.client.base_url), headers=SCRIPT, trust_env=False) as script:
        bearer = {"Authorization": f"Bearer {text}"}
        assert script.get(PRIVATE, headers=bearer).text == "content"
        site.clock.now += 3600
        assert problem(script.get(PRIVATE, headers=bearer)) == (401, "authentication-failed")
    assert text not in open_form(site).text  # shown once


def test_the_form_offers_ones_own_groups_and_lives_up_to_the_longest(site: FormSite) -> None:
    log_in(site.person, "alice")
    page = open_form(site)
    assert re.search(r"<textarea id=\"groups\"[^>]*>\nstaff\n</textarea>", page.text)
    assert re.findall(r'<option value="(\d+)">', page.text) == ["3600", "86400"]
    assert "You are logged in as <strong><bdi>alice</bdi></strong>" in page.text


@pytest.mark.parametrize(("most", "lives"), [(600, ["600"]), (7200, ["3600", "7200"])])
def test_the_longest_life_can_be_chosen(most: int, lives: list[str]) -> None:
    with form_site(user_token_seconds=most) as site:
        log_in(site.person, "alice")
        assert re.findall(r'<option value="(\d+)">', open_form(site).text) == lives


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"groups": "board"}, "groups must be one or more of your own groups (staff)"),
        ({"groups": "staff\nboard"}, "groups must be one or more of your own groups (staff)"),
        ({"groups": "Staff"}, "groups must be one or more of your own groups (staff)"),
        ({"groups": "*"}, "groups must be one or more of your own groups (staff)"),
        ({"groups": " \n"}, "groups must be one or more of your own groups (staff)"),
        ({"seconds": str(DAY + 1)}, f"seconds must be a whole number from 60 to {DAY}"),
        ({"seconds": "59"}, "seconds must be a whole number from 60"),
        ({"seconds": "-3600"}, "seconds must be a whole number from 60"),
        ({"seconds": "1e3"}, "seconds must be a whole number from 60"),
        ({"seconds": ""}, "seconds must be a whole number from 60"),
    ],
)
def test_nobody_gets_more_than_they_have(site: FormSite, fields: dict[str, str], words: str) -> None:
    log_in(site.person, "alice")
    page = site.person.submit(open_form(site), "/-/token", **{"groups": "staff", "seconds": "3600"} | fields)
    assert page.status_code == 400
    assert "eyJ" not in page.text
    answer = site.person.client.post(
        "/-/token",
        json={
            "groups": fields.get("groups", "staff").split("\n"),
            "seconds": int(fields["seconds"])
            if fields.get("seconds", "").lstrip("-").isdecimal()
            else 3600.5,
        },
        headers=SCRIPT,
    )
    assert problem(answer) == (400, "bad-parameter")
    if "groups" in fields:
        assert words in unescape(page.text).replace("Groups must", "groups must")
    else:
        assert words in unescape(page.text).replace("Seconds must", "seconds must")


def test_a_life_of_thousands_of_digits_is_refused_in_words(site: FormSite) -> None:
    log_in(site.person, "alice")
    page = site.person.submit(open_form(site), "/-/token", groups="staff", seconds="9" * 5000)
    assert page.status_code == 400
    assert "must be a whole number from 60" in page.text
    body = f'{{"groups": ["staff"], "seconds": {"9" * 5000}}}'
    answer = site.person.client.post(
        "/-/token", content=body, headers={**SCRIPT, "Content-Type": "application/json"}
    )
    assert problem(answer) == (400, "bad-parameter")


def test_who_is_in_no_group_is_told_so(site: FormSite) -> None:
    log_in(site.person, "bob")
    page = open_form(site)
    assert "You are in none of the groups" in page.text
    assert "<form method" not in page.text
    answer = site.person.client.post("/-/token", json={"groups": [], "seconds": 3600}, headers=SCRIPT)
    assert problem(answer) == (400, "bad-parameter")


def test_who_is_not_logged_in_is_led_to_the_login_and_back(site: FormSite) -> None:
    page = site.person.get("/-/token")
    assert page.status_code == 401
    form = site.person.press(page, "Log in")
    welcome = site.person.submit(form, "/login", user="alice", password="alice")
    assert "url=/-/token" in welcome.text
    assert open_form(site).status_code == 200


def test_a_token_begets_no_other(site: FormSite) -> None:
    bearer = {"Authorization": f"Bearer {token('staff', now=site.clock.now)}"} | SCRIPT
    wish = {"groups": ["staff"], "seconds": 3600}
    for answer in (
        site.person.client.get("/-/token", headers=bearer),
        site.person.client.post("/-/token", json=wish, headers=bearer),
    ):
        assert problem(answer) == (401, "login-required")


def test_a_script_with_a_session_gets_json(site: FormSite) -> None:
    log_in(site.person, "alice")
    client = site.person.client
    may_have = client.get("/-/token", headers=SCRIPT)
    assert may_have.json() == {
        "subject": "alice",
        "groups": ["staff"],
        "min_seconds": 60,
        "max_seconds": DAY,
    }
    answer = client.post("/-/token", json={"groups": ["staff"], "seconds": 600}, headers=SCRIPT)
    assert answer.headers["cache-control"] == may_have.headers["cache-control"] == "private, no-store"
    made = answer.json()
    grant = read(made["token"])
    assert (grant.id, grant.expires - grant.issued) == (made["id"], 600)
    assert made["groups"] == ["staff"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"groups": "staff", "seconds": 60}', b'{"groups": [1], "seconds": 60}',
             b'{"groups": ["staff"], "seconds": true}', b'{"groups": ["staff"]}', b"[" * 9000]
)  # fmt: skip
def test_what_is_no_wish_is_refused(site: FormSite, body: bytes) -> None:
    log_in(site.person, "alice")
    headers = SCRIPT | {"Content-Type": "application/json"}
    assert problem(site.person.client.post("/-/token", content=body, headers=headers)) == (
        400,
        "bad-parameter",
    )


def test_another_site_makes_no_token(site: FormSite) -> None:
    log_in(site.person, "alice")
    form = {"groups": "staff", "seconds": "3600"}
    own = re.search(r'name="form_token" value="([^"]+)"', open_form(site).text)
    assert own
    client, cross = site.person.client, {"Sec-Fetch-Site": "cross-site"}
    refused = [
        client.post("/-/token", data=form),
        client.post("/-/token", data=form | {"form_token": "x"}),
        client.post("/-/token", data=form | {"form_token": own[1]}, headers=cross),
        client.post("/-/token", json={"groups": ["staff"], "seconds": 60}, headers=cross),
        client.post(
            "/-/token", json={"groups": ["staff"], "seconds": 60}, headers={"Sec-Fetch-Site": "same-site"}
        ),
    ]
    assert [answer.status_code for answer in refused] == [403] * len(refused)
    # As a form can send it from anywhere, and then it is none of ours.
    plain = client.post(
        "/-/token", content=b'{"groups": ["staff"], "seconds": 60}', headers={"Content-Type": "text/plain"}
    )
    assert plain.status_code == 400
    client.cookies.clear()
    log_in(site.person, "bob")
    assert (
        client.post("/-/token", data=form | {"form_token": own[1]}).status_code == 403
    )  # of another session


def test_it_is_off_unless_the_operator_says_otherwise() -> None:
    with form_site() as site:
        log_in(site.person, "alice")
        for method in ("GET", "POST"):
            assert site.person.client.request(method, "/-/token").status_code == 404
        for path in ("/", "/-/account"):
            assert "token</button>" not in site.person.get(path).text
            assert "/-/token" not in site.person.get(path).text


def test_listings_and_the_account_lead_there(site: FormSite) -> None:
    assert (
        '<button formaction="/-/token">Get a token</button>'
        in site.person.client.get("/", headers=BROWSER).text
    )
    log_in(site.person, "alice")
    page = site.person.press(site.person.get("/-/account"), "Get a token for scripts")
    assert "A token for scripts" in page.text


def test_nobody_makes_too_many(site: FormSite) -> None:
    log_in(site.person, "alice")
    wish = {"groups": ["staff"], "seconds": 60}

    def make() -> httpx.Response:
        return site.person.client.post("/-/token", json=wish, headers=SCRIPT)

    assert {make().status_code for _ in range(RATES[Limit.TOKENS].burst)} == {200}
    answer = make()
    assert problem(answer) == (429, "too-many-requests")
    assert 0 < int(answer.headers["retry-after"]) <= 60


def test_groups_that_may_be_out_of_date_are_asked_for_first(site: FormSite) -> None:
    log_in(site.person, "alice")
    form = open_form(site)
    site.clock.now += 900
    late = site.person.submit(form, "/-/token", groups="staff", seconds="3600")
    assert late.status_code == 401
    assert problem(site.person.client.get("/-/token", headers=SCRIPT)) == (401, "session-due")
    assert open_form(site).status_code == 200  # after a detour to the directory


def test_more_groups_than_fit_into_a_token_are_refused_in_words() -> None:
    many = [f"team-kernel-release-{number}" for number in range(390)]
    with fake_provider() as provider, login_site(provider, user_token_seconds=DAY) as site:
        provider.claims["groups"] = many
        site.person.get("/login")
        page = site.person.get("/-/token")
        too_many = site.person.submit(page, "/-/token", groups="\n".join(many), seconds="3600")
        assert too_many.status_code == 400
        assert "fewer" in too_many.text
        fitting = site.person.submit(page, "/-/token", groups="\n".join(many[:100]), seconds="3600")
        assert read(shown_token(fitting)).groups == frozenset(many[:100])
