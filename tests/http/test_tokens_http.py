"""Tokens over HTTP: who they make of a request, and how each that does not hold is told so."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from app.auth.keys import KeyRing
from app.auth.networks import parse_networks
from app.auth.tokens import TokenGrant, issue_token
from tests.support.answers import BROWSER, member, problem
from tests.support.live_server import SECRET, token
from tests.support.site_policies import MEMBERS
from tests.support.site_trees import MemoryTree, client_of

SECOND_KEY = "another key for tests, of thirty-two characters and more"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    tree = MemoryTree()
    tree.put("public/f", b"public")
    tree.put("members/f", b"secret")
    tree.put("members/16.09/f", b"secret")
    with client_of(tree.app(policy=MEMBERS, secret_keys=(SECRET, SECOND_KEY))) as http:
        yield http


def bearer(value: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value}"}


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def now_token(*groups: str, **grant: object) -> str:
    return token(*groups, now=time.time(), **grant)  # type: ignore[arg-type]


def signed_with(secret: str) -> str:
    now = int(time.time())
    grant = TokenGrant(subject="robot", groups=frozenset({"staff"}), expires=now + 60, issued=now, id="t2")
    return issue_token(KeyRing([secret]), grant)


def without_signature(value: str) -> str:
    """The same claims with `alg: none`."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    return f"{header}.{value.split('.')[1]}."


def tampered(value: str) -> str:
    """The same signature over other claims."""
    header, claims, signature = value.split(".")
    decoded = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    decoded["groups"] = ["staff", "board"]
    encoded = base64.urlsafe_b64encode(json.dumps(decoded).encode()).decode().rstrip("=")
    return f"{header}.{encoded}.{signature}"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_bearer_token_opens_what_its_groups_open(client: httpx.Client, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {now_token('staff')}"}
    assert client.get("/members/f", headers=headers).content == b"secret"


@pytest.mark.parametrize("user", ["", "robot", "x-token", "ü"])
def test_a_token_may_be_the_password_of_any_user(client: httpx.Client, user: str) -> None:
    assert client.get("/members/f", headers=basic(user, now_token("staff"))).content == b"secret"


def test_every_key_verifies(client: httpx.Client) -> None:
    for secret in (SECRET, SECOND_KEY):
        assert client.get("/members/f", headers=bearer(signed_with(secret))).content == b"secret"


@pytest.mark.parametrize("path", ["/members/f", "/members/", "/public/f", "/public/", "/api/ls/", "/none"])
@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (lambda: f"Bearer {token('staff', now=time.time() - 7200)}", "token-expired"),
        (lambda: f"Bearer {now_token('staff', not_before=time.time() + 600, life=7200)}", "token-not-yet-valid"),
        (lambda: f"Bearer {signed_with('a key that this server does not have, long enough')}", "token-signature"),
        (lambda: f"Bearer {tampered(now_token('guests'))}", "token-signature"),
        (lambda: f"Bearer {without_signature(now_token('staff'))}", "token-algorithm"),
        (lambda: f"Bearer {now_token('staff', networks=parse_networks(['10.9.8.0/24']))}", "token-network"),
        (lambda: "Bearer garbage", "token-malformed"),
        (lambda: "Bearer", "token-malformed"),
        (lambda: "Basic !!!", "token-malformed"),
        (lambda: "Basic " + base64.b64encode(b"no colon").decode(), "token-malformed"),
        (lambda: basic("user", "password")["Authorization"], "token-malformed"),
        (lambda: "Digest username=x", "auth-scheme"),
        (lambda: "AWS4-HMAC-SHA256 Credential=x", "auth-scheme"),
    ],
    ids=[
        "expired", "early", "foreign key", "tampered", "alg none", "foreign network", "garbage", "empty",
        "not base64", "no colon", "a password", "digest", "signature of S3",
    ],
)  # fmt: skip
def test_what_does_not_hold_is_401_everywhere_and_says_which(
    client: httpx.Client, authorization: Callable[[], str], code: str, path: str
) -> None:
    answer = client.get(path, headers={"Authorization": authorization()})
    assert problem(answer) == (401, "authentication-failed")
    assert answer.json()["code"] == code
    assert answer.json()["detail"].endswith("; send a valid token as 'Authorization: Bearer TOKEN'")
    assert answer.json()["send_with"] == {"Authorization": "Bearer TOKEN"}
    challenge = answer.headers["www-authenticate"]
    assert 'error="invalid_token"' in challenge
    assert code in challenge
    assert answer.headers["cache-control"] == "no-store"


def test_two_credentials_are_none(client: httpx.Client) -> None:
    lines = [("Authorization", f"Bearer {now_token('staff')}"), ("Authorization", "Basic eDp5")]
    answer = client.get("/members/f", headers=lines)
    assert (answer.status_code, answer.json()["code"]) == (401, "auth-repeated")


def test_a_browser_is_told_in_a_page(client: httpx.Client) -> None:
    answer = client.get("/members/f", headers=BROWSER | bearer("garbage"))
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert "www-authenticate" in answer.headers


def test_no_answer_repeats_what_was_sent(client: httpx.Client) -> None:
    value = tampered(now_token("guests"))
    for headers in (bearer(value), basic("user", value), bearer(value) | BROWSER):
        answer = client.get("/members/f", headers=headers)
        assert value not in answer.text + str(answer.headers)


def test_a_tokens_groups_count_only_where_its_paths_do(client: httpx.Client) -> None:
    scoped = member("staff", paths=("members/16.09/**",))
    assert client.get("/members/16.09/f", headers=scoped).content == b"secret"
    assert problem(client.get("/members/f", headers=scoped)) == (403, "group-required")
    assert problem(client.get("/members/", headers=scoped)) == (403, "group-required")
    assert client.get("/public/f", headers=scoped).content == b"public"
    assert "members/" not in client.get("/?format=text", headers=scoped).text


def test_a_bound_token_is_worth_nothing_from_elsewhere(client: httpx.Client) -> None:
    there = member("staff", networks=parse_networks(["10.9.8.0/24"]))
    assert client.get("/members/f", headers=there).json()["code"] == "token-network"
    claimed = there | {"X-Forwarded-For": "10.9.8.7", "Forwarded": "for=10.9.8.7", "X-Real-IP": "10.9.8.7"}
    assert client.get("/members/f", headers=claimed).json()["code"] == "token-network"
    here = member("staff", networks=parse_networks(["127.0.0.0/8"]))
    assert client.get("/members/f", headers=here).content == b"secret"


def test_a_bound_token_counts_through_a_proxy_of_ours() -> None:
    tree = MemoryTree()
    tree.put("members/f", b"secret")
    bound = member("staff", networks=parse_networks(["10.9.8.0/24"]))
    with client_of(tree.app(policy=MEMBERS, trusted_proxies=("127.0.0.1", "172.16.0.0/12"))) as http:
        for field, status in [
            ("10.9.8.7", 200),
            ("192.0.2.1, 10.9.8.7", 200),  # what stands further left anybody may have written
            ("192.0.2.1, 10.9.8.7, 172.16.5.5", 200),
            ("10.9.8.7, 192.0.2.1", 401),
            ("10.9.8.7, nonsense", 401),
            ("", 401),
        ]:
            assert http.get("/members/f", headers=bound | {"X-Forwarded-For": field}).status_code == status
