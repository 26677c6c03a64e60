"""Sessions over HTTP: how long they hold, where, and how they end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from app.auth.oidc.attempt import MAX_ATTEMPTS
from tests.support.answers import SCRIPT, problem
from tests.support.fake_provider import FakeProvider, fake_provider
from tests.support.live_server import SECRET, token
from tests.support.login_sites import LoginSite, login_site
from tests.support.site_trees import MemoryTree, client_of

PRIVATE = "/members/plan.txt"
WHOLE, IDLE, REFRESH = 10_000, 2_000, 500
LIVES: dict[str, Any] = {
    "session_seconds": WHOLE,
    "session_idle_seconds": IDLE,
    "session_refresh_seconds": REFRESH,
}
PROXY: dict[str, Any] = {"trusted_proxies": ("127.0.0.1",)}
BY_TLS = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with fake_provider() as made:
        yield made


@pytest.fixture
def site(provider: FakeProvider) -> Iterator[LoginSite]:
    """Somebody is logged in already."""
    with login_site(provider, **LIVES) as made:
        made.person.get("/login")
        yield made


def cookies_set(answer: httpx.Response) -> dict[str, str]:
    fields = answer.headers.get_list("set-cookie")
    return {field.partition("=")[0]: field for field in fields}


def test_the_script_of_the_page_may_know_the_name_and_nothing_more(site: LoginSite) -> None:
    site.provider.user = "zoë;=x"
    site.person.client.cookies.clear()
    renewed = cookies_set(site.person.client.get(site.person.stop_before_callback("/")))
    assert renewed["pierhead_name"].startswith("pierhead_name=zo%C3%AB%3B%3Dx; ")
    assert "httponly" not in renewed["pierhead_name"].lower()
    assert "; HttpOnly" in renewed["pierhead_session"]
    gone = site.person.submit(site.person.get("/-/account"), "/logout")
    assert "Max-Age=0" in cookies_set(gone)["pierhead_name"]


def test_a_withdrawn_group_ends_within_the_bound(site: LoginSite) -> None:
    site.provider.claims["groups"] = []
    site.clock.now += REFRESH - 1
    assert site.person.get(PRIVATE).status_code == 200
    site.clock.now += 1
    assert site.person.get(PRIVATE).status_code == 403
    assert site.provider.asked["prompt"] == "none"


def test_a_group_that_was_gained_counts_after_a_while(site: LoginSite) -> None:
    site.provider.claims["groups"] = []
    site.person.get("/login?switch=true")
    assert site.person.get(PRIVATE).status_code == 403
    site.provider.claims["groups"] = ["staff"]
    site.clock.now += REFRESH
    assert site.person.get(PRIVATE).status_code == 200


def test_who_is_logged_out_at_the_provider_is_here_too_and_is_not_asked(site: LoginSite) -> None:
    site.provider.user = None
    site.clock.now += REFRESH
    assert site.person.get("/README.txt").text == "content"
    assert site.person.get(PRIVATE).status_code == 401
    assert site.person.name() is None


def test_a_provider_that_never_answers_without_a_question_is_asked_by_the_next_login(site: LoginSite) -> None:
    site.clock.now += REFRESH
    state = parse_qs(urlsplit(site.person.stop_before_callback(PRIVATE)).query)["state"][0]
    assert site.provider.asked["prompt"] == "none"
    fields = {"state": state, "iss": site.provider.url, "error": "invalid_request"}
    page = site.person.get(f"/login/callback?{urlencode(fields)}")
    assert (page.status_code, page.url.path) == (401, PRIVATE)
    assert site.person.press(page, "Log in").text == "content"
    assert "prompt" not in site.provider.asked


def test_logins_that_were_not_finished_fill_no_request(site: LoginSite) -> None:
    site.person.client.cookies.clear()
    begun = [site.person.stop_before_callback(f"/members/{number}") for number in range(2 * MAX_ATTEMPTS)]
    assert len(site.person.client.cookies) == MAX_ATTEMPTS
    assert site.person.send(begun[MAX_ATTEMPTS - 1]).status_code == 403
    for number, callback in enumerate(begun[MAX_ATTEMPTS:], MAX_ATTEMPTS):  # the newest can still be finished
        assert site.person.send(callback).headers["location"] == f"/members/{number}"


def test_somebody_else_at_the_provider_is_somebody_else_here(site: LoginSite) -> None:
    site.provider.user = "bob"
    site.clock.now += REFRESH
    site.person.get("/")
    assert site.person.name() == "bob"


def test_sessions_live_on_while_the_provider_is_down_but_not_for_ever(site: LoginSite) -> None:
    site.provider.is_down = True
    for _ in range(WHOLE // REFRESH - 1):
        site.clock.now += REFRESH
        assert site.person.get(PRIVATE).status_code == 200
    site.clock.now += REFRESH
    assert site.person.get(PRIVATE).status_code == 401


def test_an_unused_session_ends(site: LoginSite) -> None:
    site.clock.now += IDLE
    assert site.person.get(PRIVATE).status_code == 401
    assert site.person.get("/README.txt").status_code == 200


def test_a_script_with_a_due_session_is_not_sent_round(site: LoginSite) -> None:
    site.clock.now += REFRESH
    answer = site.person.client.get(PRIVATE, headers=SCRIPT)
    assert problem(answer) == (401, "session-due")
    assert "www-authenticate" in answer.headers


def test_a_token_counts_before_a_session(site: LoginSite) -> None:
    site.clock.now += REFRESH  # not even looked at
    guest = {"Authorization": f"Bearer {token('guests', now=site.clock.now)}"}
    assert problem(site.person.client.get(PRIVATE, headers=guest | SCRIPT)) == (403, "group-required")
    assert site.person.client.get(PRIVATE, headers={"Authorization": "Bearer x"}).status_code == 401


def test_a_session_holds_on_every_replica_and_after_keys_were_changed(
    site: LoginSite, provider: FakeProvider
) -> None:
    jar = dict(site.person.client.cookies)
    newer = "a newer key that has at least thirty-two characters"
    for keys, settings, status in (
        ((SECRET,), {}, 200),
        ((newer, SECRET), {}, 200),
        ((newer,), {}, 401),
        ((SECRET,), {"session_epoch": 1}, 401),
    ):
        with login_site(provider, site.clock, secret_keys=keys, **LIVES | settings) as replica:
            replica.person.client.cookies.update(jar)
            assert replica.person.client.get(PRIVATE).status_code == status


def test_logging_out_ends_it_here_and_leads_to_the_provider(site: LoginSite) -> None:
    page = site.person.submit(site.person.get("/-/account?return=/members/"), "/logout")
    assert "Logged out" in page.text
    assert f"{site.provider.url}/logout?client_id=" in page.text
    assert site.person.name() is None
    assert site.person.get(PRIVATE).status_code == 401


def test_nobody_else_can_log_somebody_out(site: LoginSite) -> None:
    page = site.person.get("/-/account")
    assert site.person.client.post("/logout", data={"form_token": "x"}).status_code == 403
    headers = {"Sec-Fetch-Site": "cross-site"}
    token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
    answer = site.person.client.post("/logout", data={"form_token": token}, headers=headers)
    assert answer.status_code == 403
    assert site.person.name() == "alice"


def test_what_members_see_is_kept_nowhere(site: LoginSite) -> None:
    """So that the back button shows nothing after a logout."""
    for path in ("/members/", PRIVATE, "/-/account", "/"):
        assert site.person.get(path).headers["cache-control"] == "private, no-store", path


def test_a_login_starts_a_new_session_whatever_was_there(site: LoginSite) -> None:
    """Session fixation."""
    before = dict(site.person.client.cookies)
    site.person.get("/login?switch=true")
    assert dict(site.person.client.cookies) != before
    site.person.client.cookies.clear()
    site.person.client.cookies.set("pierhead_session", "chosen", domain="127.0.0.1")
    site.person.get("/login")
    assert "chosen" not in dict(site.person.client.cookies).values()


def test_over_tls_cookies_are_tied_to_the_host(provider: FakeProvider) -> None:
    with login_site(provider, **PROXY) as site:
        client = site.person.client
        client.headers.update(BY_TLS)
        sent_away = client.get("/login?return=/members/plan.txt")
        (attempt,) = cookies_set(sent_away).values()
        assert "redirect_uri=https%3A%2F%2F127.0.0.1" in sent_away.headers["location"]
        # Cookies of this kind are not sent back over the plain connection of this test.
        jar = {attempt.partition("=")[0]: attempt.partition("=")[2].partition(";")[0]}
        callback = httpx.get(sent_away.headers["location"], trust_env=False).headers["location"]
        answer = client.get(httpx.URL(callback).raw_path.decode(), headers=cookie_field(jar))
        session = cookies_set(answer)["__Host-pierhead_session"]
        for field in (attempt, session):
            assert field.startswith("__Host-")
            assert all(word in field for word in ("HttpOnly", "Secure", "Path=/", "SameSite=lax"))
            assert "Domain" not in field
        value = session.partition("=")[2].partition(";")[0]
        assert (
            client.get(PRIVATE, headers=cookie_field({"__Host-pierhead_session": value})).status_code == 200
        )
        assert client.get(PRIVATE, headers=cookie_field({"pierhead_session": value})).status_code == 401


def cookie_field(jar: dict[str, str]) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}


def test_the_cookie_of_a_session_is_for_this_site_alone(provider: FakeProvider) -> None:
    with login_site(provider) as site:
        callback = site.person.stop_before_callback("/")
        field = cookies_set(site.person.send(callback))["pierhead_session"]
        assert all(word in field for word in ("HttpOnly", "Path=/", "SameSite=lax", "Max-Age=7200"))
        assert "Secure" not in field
        assert len(field) < 4096


def test_pages_of_the_tree_set_no_cookie_and_say_that_they_depend_on_it(site: LoginSite) -> None:
    for path in ("/members/", PRIVATE):
        answer = site.person.get(path)
        assert "set-cookie" not in answer.headers
        assert "Cookie" in answer.headers["vary"]


def test_one_persons_page_is_not_given_to_another(site: LoginSite) -> None:
    assert "members" in site.person.get("/").text
    with httpx.Client(base_url=site.url, trust_env=False, headers={"Accept": "text/html"}) as stranger:
        page = stranger.get("/")
        assert "members" not in page.text
        assert page.headers["cache-control"] != "private, no-store"


def test_without_a_login_there_is_a_page_that_says_so(memory_site: httpx.Client) -> None:
    for path in ("/login", "/logout", "/-/account", "/login/callback", "/-/nothing"):
        answer = memory_site.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html"), path


@pytest.fixture
def memory_site() -> Iterator[httpx.Client]:
    with client_of(MemoryTree().app()) as client:
        yield client
