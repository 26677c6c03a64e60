"""Tokens of an issuer, its keys, and what it says of a person, however odd."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, Key, OKPKey
from structlog.testing import capture_logs

from app.auth.fetch import JsonFetcher
from app.auth.login_groups import GroupNames
from app.auth.oidc.attempt import new_attempt
from app.auth.oidc.client import OidcClient, OidcSettings
from app.auth.oidc.issuer import MIN_KEY_SECONDS, Issuer
from app.auth.oidc.verify import verified_claims
from app.auth.people import Person
from app.domain.errors import AuthenticationFailed, LoginFailed, LoginUnavailable
from tests.support.clocks import Clock
from tests.support.fake_provider import new_key

URL, SITE, NOW = "https://id.example.org", "artifacts", 1_800_000_000.0
ATTEMPT = new_attempt("https://site.example.org/login/callback", "/", NOW, is_silent=False)

HELD = {"iss": URL, "aud": SITE, "sub": "alice", "exp": int(NOW) + 300, "nonce": ATTEMPT.nonce}


class Documents(JsonFetcher):
    """What an issuer would answer.

    Attributes:
        keys: the items of its JWKS.
        userinfo: what it says beside the token.
        token: the ID token that it gives.
        times_asked: how often it was asked for the keys.
        answers: while it is cleared, nothing is answered.
    """

    def __init__(self, *keys: object) -> None:
        self.keys: list[object] = list(keys)
        self.userinfo: dict[str, Any] = {}
        self.token = ""
        self.times_asked = 0
        self.answers = asyncio.Event()
        self.answers.set()

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        await self.answers.wait()
        if url.endswith("/keys"):
            self.times_asked += 1
            return {"keys": self.keys}
        if url.endswith("/userinfo"):
            return {"sub": "alice"} | self.userinfo
        names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
        paths = ("authorize", "token", "userinfo", "keys")
        return {"issuer": URL} | {name: f"{URL}/{path}" for name, path in zip(names, paths, strict=True)}

    async def post_form(
        self, url: str, fields: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, dict[str, Any]]:
        return 200, {"id_token": self.token, "access_token": "for alice"}


def public(key: Key) -> dict[str, Any]:
    """An item of a JWKS."""
    return {**key.as_dict(private=False)}


def signed(key: Key, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
    """A token that holds, but for changes to its header, where None takes a field out, and to its claims."""
    held = HELD | claims
    named = {"alg": "ES256", "kid": key.kid} | dict(header or {})
    fields = {name: value for name, value in named.items() if value is not None}
    text = ".".join(_b64(json.dumps(part).encode()) for part in (fields, held))
    assert isinstance(key, ECKey)
    assert key.private_key is not None
    r, s = decode_dss_signature(key.private_key.sign(text.encode(), ECDSA(SHA256())))
    return f"{text}.{_b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def issuer_of(documents: Documents, clock: Clock | None = None) -> Issuer:
    return Issuer(URL, documents, clock or Clock())


def claims_of(issuer: Issuer, token: str) -> dict[str, Any]:
    return asyncio.run(verified_claims(issuer, token, SITE, NOW))


@pytest.mark.parametrize(
    "header",
    [
        {"pi.atm": "3"},
        {"nonce": "one of the issuer's own"},
        {"x5c": ["A" * 3000]},
        {"typ": "jwt"},
        {"typ": "application/jwt"},
    ],
)
def test_what_a_header_says_beside_is_ignored(header: dict[str, Any]) -> None:
    key = new_key("first")
    assert claims_of(issuer_of(Documents(public(key))), signed(key, header))["sub"] == "alice"


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
def test_edwards_curves_have_an_old_and_a_new_name(alg: str) -> None:
    """RFC 9864; the library warns of the old one, and warnings are errors here."""
    key = OKPKey.generate_key("Ed25519", {"kid": "first"})
    assert isinstance(key.private_key, Ed25519PrivateKey)
    text = ".".join(_b64(json.dumps(part).encode()) for part in ({"alg": alg, "kid": "first"}, HELD))
    token = f"{text}.{_b64(key.private_key.sign(text.encode()))}"
    assert claims_of(issuer_of(Documents(public(key))), token)["sub"] == "alice"


@pytest.mark.parametrize("header", [{"typ": "at+jwt"}, {"typ": "logout+jwt"}, {"crit": ["exp"]}, {"kid": 7}])
def test_a_header_that_says_something_else_is_refused(header: dict[str, Any]) -> None:
    key = new_key("first")
    with pytest.raises(AuthenticationFailed):
        claims_of(issuer_of(Documents(public(key))), signed(key, header))


@pytest.mark.parametrize(
    "odd",
    [
        {"kty": "EC", "crv": "BP-256", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "none yet", "x": "AA"},
        {"kty": ["EC"]},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
        {"kty": "RSA", "n": 7},
        {},
        "EC",
    ],
)
def test_a_key_of_a_kind_that_is_not_known_takes_no_other_away(odd: object) -> None:
    key = new_key("first")
    assert claims_of(issuer_of(Documents(odd, public(key))), signed(key))["sub"] == "alice"


@pytest.mark.parametrize("kid", ["same", None])
def test_a_key_may_take_the_name_of_an_old_one(kid: str | None) -> None:
    old, new = new_key("same"), new_key("same")
    documents, clock = Documents(_renamed(old, kid)), Clock()
    issuer = issuer_of(documents, clock)
    claims_of(issuer, signed(old, {"kid": kid}))
    documents.keys = [_renamed(new, kid)]
    token = signed(new, {"kid": kid})
    with pytest.raises(AuthenticationFailed):
        claims_of(issuer, token)  # it was asked a moment ago
    clock.now += MIN_KEY_SECONDS
    assert claims_of(issuer, token)["sub"] == "alice"
    assert documents.times_asked == 2


def _renamed(key: Key, kid: str | None) -> dict[str, Any]:
    fields = public(key) | {"kid": kid}
    return {name: value for name, value in fields.items() if value is not None}


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_no_time_is_beyond_all_numbers(name: str) -> None:
    key = new_key("first")
    with pytest.raises(AuthenticationFailed) as caught:
        claims_of(issuer_of(Documents(public(key))), signed(key, None, **{name: 10**400}))
    assert caught.value.code == "token-claims"


def test_who_asks_at_once_waits_for_one_answer() -> None:
    """Behind an issuer that hangs, the last of many would wait for all before."""

    async def ask() -> None:
        documents = Documents()
        documents.answers.clear()
        issuer = issuer_of(documents)
        asked = [asyncio.create_task(issuer.keys("first")) for _ in range(5)]
        asked += [asyncio.create_task(issuer.newer_keys(None)) for _ in range(5)]
        await asyncio.sleep(0)
        documents.answers.set()
        await asyncio.gather(*asked)
        assert documents.times_asked == 1

    asyncio.run(ask())


def test_who_waits_for_an_issuer_that_fails_fails_with_it() -> None:
    class Failing(Documents):
        async def get(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
            self.times_asked += 1
            await self.answers.wait()
            raise LoginUnavailable

    async def ask() -> None:
        failing = Failing()
        failing.answers.clear()
        issuer = issuer_of(failing)
        asked = [asyncio.create_task(issuer.check()) for _ in range(5)]
        await asyncio.sleep(0)
        failing.answers.set()
        failed = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(error) for error in failed] == [LoginUnavailable] * 5
        assert failing.times_asked == 1

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"issuer": f"{URL}/"}, f"it names the issuer '{URL}/', not '{URL}'"),
        ({"issuer": None}, f"it names the issuer 'None', not '{URL}'"),
        ({"jwks_uri": "http://id.example.org/keys"}, "it has no jwks_uri with https"),
        ({"token_endpoint": None}, "it has no authorization_endpoint or token_endpoint with https"),
    ],
)
def test_the_log_says_what_is_wrong_with_an_issuer(said: dict[str, Any], reason: str) -> None:
    class Wrong(Documents):
        async def get(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
            return await super().get(url, headers) | said

    with capture_logs() as logged, pytest.raises(LoginUnavailable):
        asyncio.run(issuer_of(Wrong()).metadata())
    assert [(line["event"], line["reason"]) for line in logged] == [("identity_provider_failed", reason)]


def person(claims: dict[str, Any], userinfo: dict[str, Any], groups_claim: str = "groups") -> Person:
    """Who comes back from the provider."""
    key = new_key("first")
    documents = Documents(public(key))
    documents.userinfo, documents.token = userinfo, signed(key, **claims)
    settings = OidcSettings(SITE, "", ("openid",), "name.given", groups_claim)
    client = OidcClient(settings, issuer_of(documents), documents, GroupNames(["*"]))
    return asyncio.run(client.finish(ATTEMPT, {"code": "1"}, NOW))


@pytest.mark.parametrize(
    ("claims", "userinfo", "expected"),
    [
        ({"realm": {"roles": ["a"]}, "name": {"given": "al"}}, {"realm": {"roles": ["b"]}}, {"a"}),
        ({"realm": {"roles": []}, "name": {"given": "al"}}, {"realm": {"roles": ["b"]}}, set()),
        ({"realm": None, "name": {"given": "al"}}, {"realm": {"roles": ["b"]}}, {"b"}),
        ({"realm": {"other": 1}, "name": {"given": "al"}}, {"realm": {"roles": ["b"]}}, {"b"}),
        (
            {"realm": {"roles": None}, "name": None},
            {"realm": {"roles": ["b"]}, "name": {"given": "al"}},
            {"b"},
        ),
        ({"realm": {"roles": ["a"]}, "name": {"family": "x"}}, {"name": {"given": "al"}}, {"a"}),
        ({"name": {"given": "al"}}, {}, set()),
    ],
)
def test_what_the_token_lacks_is_told_beside_it(
    claims: dict[str, Any], userinfo: dict[str, Any], expected: set[str]
) -> None:
    assert person(claims, userinfo, "realm.roles") == Person("al", frozenset(expected))


def test_thousands_of_groups_are_read() -> None:
    groups = [f"a-group-of-no-interest-{n}" for n in range(10_000)]
    assert person({"groups": groups, "name": {"given": "al"}}, {}).groups == set(groups)


def test_groups_that_are_left_out_beside_the_token_are_not_none() -> None:
    with pytest.raises(LoginFailed) as caught:
        person({"name": {"given": "al"}}, {"_claim_names": {"groups": "src1"}})
    assert caught.value.code == "groups-left-out"
