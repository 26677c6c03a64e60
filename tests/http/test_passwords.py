"""Names and passwords by HTTP Basic, where a directory knows them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Final

import httpx
import pytest

from app.auth.demo import DemoDirectory
from app.auth.limits import RATES, Limit
from app.auth.people import Person
from app.domain.errors import LoginUnavailable
from tests.support.answers import SCRIPT, problem
from tests.support.live_server import app_over, live_server, token
from tests.support.login_sites import FormSite, form_site
from tests.support.memory_store import MemoryStore
from tests.support.site_policies import MEMBERS

PRIVATE: Final = "/members/plan.txt"


@pytest.fixture
def site() -> Iterator[FormSite]:
    with form_site(cache_ttl=86400) as made:
        yield made


def ask(site: FormSite, path: str, user: str, password: str | None = None) -> httpx.Response:
    """As a script that has no cookies, with the name for the password unless another is given."""
    auth = httpx.BasicAuth(user, user if password is None else password)
    return httpx.get(str(site.person.client.base_url) + path, auth=auth, headers=SCRIPT, trust_env=False)


def test_a_script_may_send_name_and_password(site: FormSite) -> None:
    for _ in range(3):
        assert ask(site, PRIVATE, "alice").text == "content"
        listing = ask(site, "/members/", "alice")
        assert "plan.txt" in listing.text
        assert listing.headers["cache-control"] == "private, no-store"
    assert problem(ask(site, PRIVATE, "bob")) == (403, "group-required")
    assert problem(ask(site, "/members/", "bob")) == (403, "group-required")


@pytest.mark.parametrize(
    ("user", "password"), [("alice", "bob"), ("alice", ""), ("", "x"), ("carol", "carol"), ("alice", "a.b.c")]
)
def test_what_is_wrong_is_a_401_everywhere(site: FormSite, user: str, password: str) -> None:
    for path in (PRIVATE, "/members/", "/README.txt", "/", "/api/ls/"):
        answer = ask(site, path, user, password)
        assert problem(answer) == (401, "authentication-failed")
        assert answer.json()["code"] == "password"
        assert "Authorization: Bearer" in answer.json()["detail"]
        assert "Basic" in answer.headers["www-authenticate"]


def test_a_token_may_still_be_the_password(site: FormSite) -> None:
    good = token("staff", now=site.clock.now)
    assert ask(site, PRIVATE, "alice", good).text == "content"
    answer = ask(site, PRIVATE, "alice", good[:-4] + "AAAA")
    assert answer.json()["code"] == "token-signature"


def test_a_password_is_no_bearer_token(site: FormSite) -> None:
    url = str(site.person.client.base_url) + PRIVATE
    answer = httpx.get(url, headers=SCRIPT | {"Authorization": "Bearer alice"}, trust_env=False)
    assert answer.json()["code"] == "token-malformed"


def test_guesses_are_limited_and_stop_nobody_who_was_right(site: FormSite) -> None:
    assert ask(site, PRIVATE, "alice").status_code == 200
    statuses = [
        ask(site, "/", "alice", f"guess {n}").status_code
        for n in range(RATES[Limit.LOGINS_OF_USER].burst + 1)
    ]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    site.clock.now += 60
    assert ask(site, PRIVATE, "alice").status_code == 200


def test_a_directory_that_is_down_is_a_503(site: FormSite, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(site, "/members/", "alice").status_code == 200

    async def be_down(self: DemoDirectory, user: str, password: str) -> Person:
        raise LoginUnavailable

    monkeypatch.setattr(DemoDirectory, "log_in", be_down)
    assert ask(site, "/members/", "alice").status_code == 200
    site.clock.now += 60
    for _ in range(2):
        answer = ask(site, "/members/", "alice")
        assert problem(answer) == (503, "login-unavailable")
        assert answer.headers["retry-after"]
    monkeypatch.undo()
    assert ask(site, "/members/", "alice").status_code == 200


def test_the_fast_path_answers_what_is_remembered_and_keeps_no_password() -> None:
    store = MemoryStore()
    store.put(PRIVATE[1:], b"content")
    app = app_over(store, policy=MEMBERS, cache_ttl=86400, demo_login_groups=("staff",))
    fast_path = app.fast_path
    assert fast_path is not None
    text = base64.b64encode(b"alice:alice").decode()
    heads = [
        f"GET /members/ HTTP/1.1\r\nHost: t\r\n{name}: {scheme} {text}\r\n\r\n".encode()
        for name, scheme in (
            ("Authorization", "Basic"),
            ("AUTHORIZATION", "bAsIc"),
            ("authorization", "BASIC"),
        )
    ]
    with live_server(app) as server:
        assert all(fast_path.read(head, ("127.0.0.1", 1), "http") is None for head in heads)
        assert (
            httpx.get(f"{server.url}/members/", auth=("alice", "alice"), trust_env=False).status_code == 200
        )
        for head in heads:
            request = fast_path.read(head, ("127.0.0.1", 1), "http")
            assert request is not None
            assert request.asked.subject == "alice"
        assert fast_path.read(heads[0].replace(b"Basic", b"Bearer"), ("127.0.0.1", 1), "http") is None
    assert [b"Bearer" in head for head, *_ in fast_path._heads] == [True]
    assert fast_path._reader._asked_for.cache_info().currsize == 1
