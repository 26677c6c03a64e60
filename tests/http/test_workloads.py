"""Workload identity: jobs that show a token of their own issuer, and no secret of ours."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from app.auth.keys import MAX_TOKEN_BYTES
from app.auth.oidc.issuer import DOCUMENT_SECONDS, MIN_KEY_SECONDS
from tests.support.answers import BROWSER, SCRIPT, problem
from tests.support.clocks import Clock
from tests.support.fake_provider import FakeProvider, fake_provider, new_key, unsigned
from tests.support.live_server import app_for, app_over, live_server, token
from tests.support.memory_store import MemoryStore
from tests.support.site_trees import http_client
from tests.support.waiting import wait_until

AUDIENCE: Final = "https://releases.example.test"
FILE, FOLDER = "/members/plan.txt", "/members/"
_POLICY: Final = """
[[rule]]
path = "members"
tier = "private"
groups = ["staff"]

[[workload_issuers]]
issuer = "URL"
audience = "https://releases.example.test"
groups = [
    { claim = "repository", equals = "example/firmware", group = "staff" },
    { claim = "sub", matches = "repo:trusted/*:ref:refs/heads/main", group = "staff" },
    { claim = "kubernetes.io.namespace", equals = "releases", group = "staff" },
    { claim = "groups_direct", matches = "firmware/**", group = "staff" },
    { claim = "protected", equals = "true", group = "staff" },
]
"""


def policy_of(url: str) -> str:
    """The site's policy, with an issuer at this URL."""
    return _POLICY.replace("URL", url)


class JobSite(NamedTuple):
    """Attributes:
    issuer: of the jobs' tokens.
    clock: the time of day at the site and at the issuer.
    age: seconds, by which the site tells how long ago it asked the issuer.
    """

    http: httpx.Client
    issuer: FakeProvider
    clock: Clock
    age: Clock

    def get(self, path: str, text: str, **headers: str) -> httpx.Response:
        return self.http.get(path, headers={"Authorization": f"Bearer {text}"} | headers)

    def job(self, **claims: Any) -> str:
        """A token of a job that may see everything, unless its claims say otherwise."""
        usual = {"aud": AUDIENCE, "sub": "repo:example/firmware", "repository": "example/firmware"}
        return self.issuer.token(**usual | claims)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.now += seconds
        self.age.now += seconds


@contextmanager
def job_site(issuer: FakeProvider, policy: str = "", **settings: Any) -> Iterator[JobSite]:
    store, clock, age = MemoryStore(), Clock(), Clock()
    clock.now, age.now = time.time(), 0.0
    for path in ("README.txt", FILE[1:], "firmware-ci/f", "release-team/f"):
        store.put(path, b"content")
    issuer.now = clock
    app = app_over(store, policy=policy or policy_of(issuer.url), clock=age, wall_clock=clock, **settings)
    with live_server(app) as server, http_client(server.url, headers=SCRIPT) as http:
        yield JobSite(http, issuer, clock, age)


@pytest.fixture
def issuer() -> Iterator[FakeProvider]:
    with fake_provider() as made:
        yield made


@pytest.fixture
def site(issuer: FakeProvider) -> Iterator[JobSite]:
    with job_site(issuer, cache_ttl=86400) as made:
        yield made


def refusal(answer: httpx.Response) -> str:
    """The code of a 401."""
    assert problem(answer) == (401, "authentication-failed")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    return str(answer.json()["code"])


def test_a_job_sees_what_its_groups_may(site: JobSite) -> None:
    job = site.job()
    assert site.get(FILE, job).text == "content"
    assert "plan.txt" in site.get(FOLDER, job).text
    assert site.get("/api/ls/members", job).status_code == 200
    assert site.get(FOLDER, job).headers["cache-control"] == "private, no-store"
    by_basic = site.http.get(FILE, auth=("job", job))
    assert by_basic.text == "content"


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "repo:trusted/x:ref:refs/heads/main"},
        {"kubernetes.io": {"namespace": "releases"}},
        {"groups_direct": ["other", "firmware/boot/loader"]},
        {"protected": True},
    ],
)
def test_claims_of_every_kind_may_give_a_group(site: JobSite, claims: dict[str, Any]) -> None:
    assert site.get(FILE, site.job(**{"repository": "other/x"} | claims)).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"repository": "Example/firmware"},
        {"repository": "example/firmware2"},
        {"repository": None},
        {"repository": {"example/firmware": "example/firmware"}},
        {"sub": "repo:trusted/x/y:ref:refs/heads/main"},
        {"sub": "repo:trusted/x:environment:y:ref:refs/heads/main"},
        {"sub": "repo:trusted/x:ref:refs/heads/main\n"},
        {"kubernetes.io": {"namespace": "other"}},
        {"groups_direct": ["firmware"]},
        {"protected": 1},
    ],
)
def test_who_meets_no_rule_is_known_and_no_member(site: JobSite, claims: dict[str, Any]) -> None:
    job = site.job(**{"repository": "example/other"} | claims)
    if "\n" in claims.get("sub", ""):
        assert refusal(site.get(FILE, job)) == "token-claims"
        return
    assert problem(site.get(FILE, job)) == (403, "group-required")
    assert site.get("/README.txt", job).status_code == 200


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": "https://elsewhere.example.test"}, "token-audience"),
        ({"aud": None}, "token-audience"),
        ({"aud": [AUDIENCE + "/"]}, "token-audience"),
        ({"iss": "https://issuer.example.test"}, "token-issuer"),
        ({"exp": 1_700_000_000}, "token-expired"),
        ({"exp": None}, "token-claims"),
        ({"nbf": 4_000_000_000}, "token-not-yet-valid"),
        ({"iat": 4_000_000_000}, "token-not-yet-valid"),
        ({"sub": ""}, "token-claims"),
        ({"sub": 7}, "token-claims"),
        ({"filler": "x" * MAX_TOKEN_BYTES}, "token-malformed"),
    ],
)
def test_a_token_that_does_not_hold_is_refused_with_its_reason(
    site: JobSite, claims: dict[str, Any], code: str
) -> None:
    for path in (FILE, "/README.txt", "/"):
        assert refusal(site.get(path, site.job(**claims))) == code


def test_only_signatures_of_the_issuers_own_keys_count(site: JobSite) -> None:
    key = site.issuer.keys[0]
    claims = {"iss": site.issuer.url, "aud": AUDIENCE, "sub": "x", "exp": int(site.clock.now) + 300}
    public = OctKey.import_key(str(key.as_dict(private=False)["x"]).encode())
    forgeries = {
        "token-algorithm": [
            unsigned(claims),
            jwt.encode({"alg": "HS256", "kid": "first"}, claims, public, algorithms=["HS256"]),
        ],
        "token-signature": [
            site.issuer.sign(claims, new_key("first")),
            site.issuer.sign(claims, new_key("first", is_rsa=True)),
            site.job()[:-4] + "AAAA",
        ],
        "token-malformed": [
            jwt.encode({"alg": "ES256", "kid": "first", "typ": "logout+jwt"}, claims, key),
        ],
    }
    for code, texts in forgeries.items():
        for text in texts:
            assert refusal(site.get(FILE, text)) == code


def test_another_issuers_key_makes_nobody_out_of_it(issuer: FakeProvider) -> None:
    """Two issuers that this site believes: neither may speak for the other."""
    with fake_provider() as other:
        second = f'\n[[workload_issuers]]\nissuer = "{other.url}"\naudience = "{AUDIENCE}"\n'
        second += 'groups = [{ claim = "sub", equals = "guest", group = "guests" }]\n'
        with job_site(issuer, policy_of(issuer.url) + second) as site:
            other.now = site.clock
            assert problem(site.get(FILE, other.token(aud=AUDIENCE, sub="guest"))) == (403, "group-required")
            mixed_up = site.issuer.sign(
                {"iss": issuer.url, "aud": AUDIENCE, "sub": "x", "exp": int(site.clock.now) + 60},
                other.keys[0],
            )
            assert refusal(site.get(FILE, mixed_up)) == "token-signature"


def test_our_own_tokens_count_as_ever(site: JobSite) -> None:
    assert site.get(FILE, token("staff", now=site.clock.now)).status_code == 200
    assert refusal(site.get(FILE, "a.b.c")) == "token-malformed"


def test_a_browser_is_told_in_a_page(site: JobSite) -> None:
    page = site.get(FILE, site.job(aud="x"), **BROWSER)
    assert page.status_code == 401
    assert "The token was made for another site." in page.text


def test_a_token_holds_to_its_end_and_a_minute(site: JobSite) -> None:
    job = site.job()
    for _ in range(3):  # from memory too
        assert site.get(FOLDER, job).status_code == 200
    site.wait(359)
    assert site.get(FOLDER, job).status_code == 200
    site.wait(1)
    assert refusal(site.get(FOLDER, job)) == "token-expired"


def test_keys_of_the_issuer_may_change(site: JobSite) -> None:
    assert site.get(FILE, site.job()).status_code == 200
    site.issuer.keys.append(new_key("second", is_rsa=True))
    job = site.job()
    assert refusal(site.get(FOLDER, job)) == "token-signature"
    site.wait(MIN_KEY_SECONDS)
    assert site.get(FOLDER, job).status_code == 200


def test_a_key_that_is_taken_back_ends_its_tokens(site: JobSite) -> None:
    first = site.job()
    for _ in range(3):
        assert site.get(FOLDER, first).status_code == 200
    site.issuer.keys = [new_key("second")]
    site.wait(MIN_KEY_SECONDS)
    assert site.get(FOLDER, site.job()).status_code == 200  # has the keys read
    assert refusal(site.get(FOLDER, first)) == "token-signature"


def test_made_up_keys_do_not_have_the_issuer_asked_each_time(site: JobSite) -> None:
    assert site.get(FILE, site.job()).status_code == 200
    before = site.issuer.times_asked
    for number in range(30):
        claims = {"iss": site.issuer.url, "aud": AUDIENCE, "exp": int(site.clock.now) + 60}
        made_up = site.issuer.sign(claims, new_key(f"made-up-{number}"))
        assert refusal(site.get(FILE, made_up)) == "token-signature"
    assert site.issuer.times_asked == before
    site.wait(MIN_KEY_SECONDS)
    for number in range(30):
        refusal(site.get(FILE, site.issuer.sign(claims, new_key(f"other-{number}"))))
    assert site.issuer.times_asked == before + 1


def test_while_the_issuer_is_down_nothing_new_is_believed(site: JobSite) -> None:
    site.issuer.is_down = True
    for _ in range(2):
        answer = site.get(FILE, site.job())
        assert problem(answer) == (503, "issuer-unavailable")
        assert answer.headers["retry-after"]
        assert "cannot be checked" in answer.json()["detail"]
    assert site.issuer.times_asked == 1
    assert site.http.get("/README.txt").status_code == 200
    assert site.get(FILE, token("staff", now=site.clock.now)).status_code == 200
    site.issuer.is_down = False
    site.wait(MIN_KEY_SECONDS)
    job = site.job()
    assert site.get(FILE, job).status_code == 200
    site.issuer.is_down = True
    site.wait(DOCUMENT_SECONDS - 1)
    assert site.get(FOLDER, job := site.job()).status_code == 200  # by keys that are at hand
    site.wait(1)
    assert problem(site.get(FOLDER, job)) == (503, "issuer-unavailable")


def test_an_issuer_may_have_nothing_but_keys(site: JobSite) -> None:
    site.issuer.endpoints = {"authorization_endpoint": None, "token_endpoint": None}  # GitHub Actions
    assert site.get(FILE, site.job()).status_code == 200


def test_a_revoked_job_is_refused(issuer: FakeProvider, tmp_path: Path) -> None:
    revoked = tmp_path / "revoked"
    revoked.write_text("job-7\n")
    with job_site(issuer, revoked_file=revoked) as site:
        assert refusal(site.get(FILE, site.job(jti="job-7"))) == "token-revoked"
        assert site.get(FILE, site.job(jti="job-8")).status_code == 200


DOCUMENTED: Final[dict[str, list[tuple[dict[str, Any], str | None]]]] = {
    "githubusercontent": [
        ({"sub": "repo:example/firmware:pull_request", "repository": "example/firmware"}, "firmware-ci"),
        ({"sub": "repo:example/tools:ref:refs/heads/main", "repository": "example/tools"}, "release-team"),
        ({"sub": "repo:example/tools:ref:refs/heads/x", "repository": "example/tools"}, None),
        ({"sub": "repo:example-evil/tools:ref:refs/heads/main", "repository": "example-evil/tools"}, None),
    ],
    "gitlab": [
        (
            {"sub": "project_path:example/x:ref_type:branch:ref:main", "project_path": "example/x"},
            "release-team",
        ),
        (
            {"sub": "project_path:example/firmware:ref_type:tag:ref:v1", "project_path": "example/firmware"},
            "firmware-ci",
        ),
        ({"sub": "project_path:example/a/b:ref_type:branch:ref:main", "project_path": "example/a/b"}, None),
    ],
    "eks": [
        (
            {"sub": "system:serviceaccount:builds:downloader", "kubernetes.io": {"namespace": "builds"}},
            "firmware-ci",
        ),
        (
            {"sub": "system:serviceaccount:releases:x", "kubernetes.io": {"namespace": "releases"}},
            "release-team",
        ),
        ({"sub": "system:serviceaccount:other:downloader", "kubernetes.io": {"namespace": "other"}}, None),
    ],
}
"""Claims as these issuers give them, and the group that the examples of the documentation make of them."""


@pytest.mark.parametrize(("name", "jobs"), DOCUMENTED.items(), ids=list(DOCUMENTED))
def test_the_documented_examples_do_what_they_say(
    issuer: FakeProvider, name: str, jobs: list[tuple[dict[str, Any], str | None]]
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "login.md").read_text("utf-8")
    examples = re.findall(r"^```toml\n(.*?)^```\n\n```yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    ((table, snippet),) = [pair for pair in examples if name in pair[0]]
    audience = tomllib.loads(table)["workload_issuers"][0]["audience"]
    assert audience in snippet
    rules = "".join(
        f'[[rule]]\npath = "{group}"\ntier = "private"\ngroups = ["{group}"]\n'
        for group in ("firmware-ci", "release-team")
    )
    table = re.sub('issuer = ".*"', f'issuer = "{issuer.url}"', table)
    with job_site(issuer, rules + table) as site:
        for claims, expected in jobs:
            for group in ("firmware-ci", "release-team"):
                answer = site.get(f"/{group}/", issuer.token(aud=audience, **claims))
                assert answer.status_code == (200 if group == expected else 403), (claims, group)


def times_asked(issuer: FakeProvider) -> Callable[[int], bool]:
    return lambda times: wait_until(lambda: issuer.times_asked >= times)


def test_keys_are_read_before_anybody_asks_and_again(
    issuer: FakeProvider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "members").mkdir()
    (tmp_path / FILE[1:]).write_text("content")
    monkeypatch.setattr("app.auth.oidc.workloads.KEY_SECONDS", 0.05)
    app = app_for(str(tmp_path), policy=policy_of(issuer.url))
    with live_server(app) as server, http_client(server.url, headers=SCRIPT) as http:
        assert times_asked(issuer)(2)
        job = issuer.token(aud=AUDIENCE, sub="x", repository="example/firmware")
        assert http.get(FILE, headers={"Authorization": f"Bearer {job}"}).status_code == 200
        issuer.is_down = True
        assert times_asked(issuer)(issuer.times_asked + 3)
        issuer.is_down, issuer.keys = False, [new_key("second")]
        assert times_asked(issuer)(issuer.times_asked + 3)
        answer = http.get(FILE, headers={"Authorization": f"Bearer {job}"})
        assert refusal(answer) == "token-signature"
