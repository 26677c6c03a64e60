"""Login by OpenID Connect, with a provider that may do anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from app.auth.oidc.issuer import MIN_KEY_SECONDS
from tests.support.answers import SCRIPT, problem
from tests.support.fake_provider import CLIENT_ID, FakeProvider, fake_provider, new_key, unsigned
from tests.support.login_sites import LoginSite, login_site
from tests.support.person import Person

PRIVATE = "/members/plan.txt"


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with fake_provider() as made:
        yield made


@pytest.fixture
def site(provider: FakeProvider) -> Iterator[LoginSite]:
    with login_site(provider) as made:
        yield made


def refusal(answer: httpx.Response) -> str:
    """The page of a login that failed."""
    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")
    assert not any("pierhead_session" in value for value in answer.headers.get_list("set-cookie"))
    return answer.text


def test_a_person_logs_in_and_comes_back_to_the_very_path(site: LoginSite) -> None:
    refused = site.person.get(f"{PRIVATE}?x=1%202")
    assert refused.status_code == 401
    assert "Basic" not in refused.headers["www-authenticate"]  # a browser would ask for a password first
    file = site.person.press(refused, "Log in")
    assert (file.status_code, file.text) == (200, "content")
    assert file.url.raw_path == f"{PRIVATE}?x=1%202".encode()
    assert file.headers["cache-control"] == "private, no-store"
    assert site.person.name() == "alice"
    asked = site.provider.asked
    assert asked["scope"] == "openid profile groups"
    assert asked["redirect_uri"] == f"{site.url}/login/callback"


def test_who_lacks_the_group_learns_which_and_may_switch(provider: FakeProvider) -> None:
    provider.claims["groups"] = ["guests"]
    with login_site(provider, contact="help@example.org") as site:
        site.person.get("/login?return=/")
        page = site.person.get(PRIVATE)
        assert page.status_code == 403
        assert "You are logged in as alice." in page.text
        assert "staff" in page.text
        assert 'href="mailto:help@example.org"' in page.text
        provider.user, provider.claims["groups"] = "bob", ["staff"]
        assert site.person.press(page, "Log in as somebody else").text == "content"
        assert provider.asked["prompt"] == "login"
        assert site.person.name() == "bob"


def test_scripts_are_told_in_words(site: LoginSite) -> None:
    with httpx.Client(base_url=site.url, headers=SCRIPT, trust_env=False) as script:
        for path in (PRIVATE, "/login"):
            answer = script.get(path)
            assert problem(answer) == (401, "login-required")
            assert "Authorization: Bearer TOKEN" in answer.json()["detail"]
            assert "Basic" in answer.headers["www-authenticate"]


def test_what_is_hidden_stays_so_for_people(site: LoginSite) -> None:
    site.provider.claims["groups"] = ["guests"]
    site.person.get("/login")
    hidden, absent = site.person.get("/vault/secret.txt"), site.person.get("/nothing/there.txt")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.text == absent.text.replace("/nothing/", "/vault/")


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/%5cevil.example/..%2f",
        "javascript:alert(1)",
        "/a//evil.example",
        "/\t/evil.example",
        "/x\r\nLocation: https://evil.example/",
        "/logout",
        "/login?return=/login",
        "http:evil.example",
    ],
)
def test_nobody_is_sent_to_another_site(site: LoginSite, elsewhere: str) -> None:
    callback = site.person.stop_before_callback(elsewhere)
    location = site.person.send(callback).headers["location"]
    back = urlsplit(httpx.URL(site.url).join(location).__str__())
    assert f"{back.scheme}://{back.netloc}" == site.url
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\", "/logout", "/login"))


def test_a_callback_counts_once(site: LoginSite) -> None:
    callback = site.person.stop_before_callback(PRIVATE)
    assert site.person.get(callback).text == "content"
    assert "not started in this browser" in refusal(site.person.send(callback))


def test_a_code_that_was_used_is_refused_by_the_provider(site: LoginSite) -> None:
    callback = site.person.stop_before_callback(PRIVATE)
    cookies = dict(site.person.client.cookies)
    site.person.get(callback)
    site.person.client.cookies.update(cookies)
    assert "rejected this site&#39;s request" in refusal(site.person.send(callback))


def test_an_answer_to_another_browser_is_refused(site: LoginSite) -> None:
    """Login CSRF: a link with the attacker's code must log nobody in as the attacker."""
    attacker, victim = Person(site.url), site.person
    callback = attacker.stop_before_callback(PRIVATE)
    victim.stop_before_callback(PRIVATE)
    assert "not started in this browser" in refusal(victim.send(callback))
    assert victim.name() is None
    attacker.close()


@pytest.mark.parametrize("state", ["", "other", "é"])
def test_a_wrong_state_is_refused(site: LoginSite, state: str) -> None:
    callback = urlsplit(site.person.stop_before_callback(PRIVATE))
    fields = {name: values[0] for name, values in parse_qs(callback.query).items()} | {"state": state}
    assert "not started" in refusal(site.person.send(f"{callback.path}?{urlencode(fields)}"))


def test_an_attempt_has_an_end(site: LoginSite) -> None:
    callback = site.person.stop_before_callback(PRIVATE)
    site.clock.now += 601
    assert "too long ago" in refusal(site.person.send(callback))


def test_two_tabs_may_log_in_at_once(site: LoginSite) -> None:
    first, second = (site.person.stop_before_callback(path) for path in (PRIVATE, "/README.txt"))
    assert site.person.get(second).url.path == "/README.txt"
    assert site.person.get(first).url.path == PRIVATE


@pytest.mark.parametrize("issuer", ["https://evil.example", None])
def test_an_answer_of_another_issuer_is_refused(site: LoginSite, issuer: str | None) -> None:
    """RFC 9207: the mix-up attack."""
    callback = urlsplit(site.person.stop_before_callback(PRIVATE))
    fields = {name: values[0] for name, values in parse_qs(callback.query).items() if name != "iss"}
    fields |= {"iss": issuer} if issuer else {}
    assert "another login service" in refusal(site.person.send(f"{callback.path}?{urlencode(fields)}"))


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"nonce": "another"}, "token for another login"),
        ({"nonce": None}, "token for another login"),
        ({"aud": "another-site"}, "an invalid token"),
        ({"aud": [CLIENT_ID, "another"], "azp": "another"}, "an invalid token"),
        ({"aud": [CLIENT_ID, "another"]}, "an invalid token"),
        ({"azp": "another"}, "an invalid token"),
        ({"iss": "https://evil.example"}, "an invalid token"),
        ({"exp": 1_700_000_000}, "an invalid token"),
        ({"iat": 1_900_000_000}, "an invalid token"),
        ({"exp": "soon"}, "an invalid token"),
        ({"exp": None}, "an invalid token"),
        ({"sub": ""}, "does not say who you are"),
        ({"groups": 7}, "does not name your groups"),
        ({"groups": [7]}, "does not name your groups"),
        ({"groups": None, "_claim_names": {"groups": "src1"}}, "more groups than the login service"),
        ({"groups": None, "hasgroups": True}, "more groups than the login service"),
        ({"groups": None, "hasgroups": "true"}, "more groups than the login service"),
        ({"groups": [f"{n:032x}" for n in range(0, 7**40, 7**40 // 400)]}, "LOGIN_GROUPS"),
    ],
)
def test_a_token_that_does_not_hold_logs_nobody_in(
    site: LoginSite, claims: dict[str, Any], words: str
) -> None:
    site.provider.claims |= claims
    assert words in refusal(site.person.get("/login")).replace("&#39;", "'")
    assert site.person.name() is None


def test_a_clock_may_be_a_little_off(site: LoginSite) -> None:
    site.provider.claims |= {"iat": int(site.clock.now) + 50, "exp": int(site.clock.now) - 50}
    assert site.person.get("/login").status_code == 200
    assert site.person.name() == "alice"


def test_no_signature_but_one_of_the_issuers_keys_counts(site: LoginSite) -> None:
    public = site.provider.keys[0].as_dict(private=False)
    forgeries = {
        "none": unsigned,
        "HS256 by the secret": lambda claims: _hs256(claims, b"a secret: with odd+characters"),
        "HS256 by the public key": lambda claims: _hs256(claims, str(public["x"]).encode()),
        "of another key": lambda claims: site.provider.sign(claims, new_key("first")),
        "altered": lambda claims: site.provider.sign(claims)[:-4] + "AAAA",
        "no token": lambda claims: "x.y.z",
    }
    for name, forge in forgeries.items():
        site.provider.make_token = forge
        assert "an invalid token" in refusal(site.person.get("/login")), name


def _hs256(claims: dict[str, Any], secret: bytes) -> str:
    return jwt.encode(
        {"alg": "HS256", "kid": "first"}, claims, OctKey.import_key(secret), algorithms=["HS256"]
    )


def test_keys_of_the_provider_may_change(site: LoginSite, monkeypatch: pytest.MonkeyPatch) -> None:
    assert site.person.get("/login").status_code == 200
    site.provider.keys = [site.provider.keys[0], new_key("second", is_rsa=True)]
    monkeypatch.setattr("app.auth.oidc.issuer.MIN_KEY_SECONDS", 0.0)
    page = site.person.get("/login?switch=true")
    assert page.status_code == 200, page.text


def test_unknown_keys_do_not_have_the_issuer_asked_each_time(site: LoginSite) -> None:
    assert MIN_KEY_SECONDS > 5
    site.person.get("/login")
    site.provider.make_token = lambda claims: site.provider.sign(claims, new_key("unknown"))
    refusal(site.person.get("/login?switch=true"))
    before = site.provider.times_asked
    refusal(site.person.get("/login?switch=true"))
    assert site.provider.times_asked == before + 2  # the login itself and its code


@pytest.mark.parametrize(
    "endpoints", [{}, {"issuer": "https://evil.example"}, {"token_endpoint": "http://x/"}]
)
def test_a_provider_that_is_down_or_strange_is_a_503(
    provider: FakeProvider, endpoints: dict[str, str]
) -> None:
    provider.endpoints, provider.is_down = endpoints, not endpoints
    with login_site(provider) as site:
        page = site.person.get("/login")
        assert page.status_code == 503
        assert page.headers["retry-after"]
        assert page.headers["content-type"].startswith("text/html")
        assert site.person.get("/README.txt").status_code == 200


def test_another_try_leads_to_the_very_path_as_well(site: LoginSite) -> None:
    site.provider.is_down = True
    down = site.person.get(f"/login?return={PRIVATE}")
    assert down.status_code == 503
    site.provider.is_down, site.provider.claims["aud"] = False, "another-site"
    refused = site.person.press(down, "Log in again")
    assert refused.status_code == 403
    del site.provider.claims["aud"]
    assert site.person.press(refused, "Log in again").url.path == PRIVATE


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        ("access_denied", 403, "did not log in or may not use this site"),
        ("invalid_scope", 403, "rejected this site"),
        ("<script>", 403, "rejected this site"),
        ("temporarily_unavailable", 503, "does not answer"),
    ],
)
def test_an_error_of_the_provider_has_a_page(site: LoginSite, error: str, status: int, words: str) -> None:
    callback = urlsplit(site.person.stop_before_callback(PRIVATE))
    state = parse_qs(callback.query)["state"][0]
    fields = {"state": state, "iss": site.provider.url, "error": error, "error_description": "<b>words</b>"}
    page = site.person.send(f"{callback.path}?{urlencode(fields)}")
    assert page.status_code == status
    assert words in page.text
    assert "<b>words" not in page.text
    assert "<script>" not in page.text


def test_groups_may_be_nested_renamed_or_told_beside_the_token(provider: FakeProvider) -> None:
    provider.claims = {"realm_access": {"roles": ["corp-staff", "corp-other"]}, "preferred_username": "al"}
    settings: dict[str, Any] = {"oidc_groups_claim": "realm_access.roles", "login_groups": ("corp-st*=st*",)}
    with login_site(provider, oidc_user_claim="preferred_username", **settings) as site:
        site.person.get("/login")
        assert site.person.get(PRIVATE).status_code == 200
        account = site.person.get("/-/account").text
        assert "<bdi>al</bdi>" in account
        assert "corp-other" not in account
    provider.claims, provider.userinfo = {}, {"groups": ["staff"]}
    with login_site(provider) as site:
        site.person.get("/login")
        assert site.person.get(PRIVATE).status_code == 200
        provider.userinfo["sub"] = "somebody else"
        assert "an invalid token" in refusal(site.person.get("/login?switch=true"))


def test_the_name_may_be_told_beside_the_token(provider: FakeProvider) -> None:
    provider.userinfo = {"preferred_username": "al", "groups": ["guests"]}
    with login_site(provider, oidc_user_claim="preferred_username") as site:
        site.person.get("/login")
        assert site.person.name() == "al"
        assert site.person.get(PRIVATE).status_code == 200  # what the token says counts first
