"""Whoever logs in or out, whatever is taken back: nobody is answered as somebody they are not, or are no more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from joserfc.util import urlsafe_b64decode

from app.auth import passwords, sealing, sessions
from app.auth.keys import KeyRing, Purpose
from app.auth.oidc import workloads
from app.auth.oidc.issuer import SigningKey
from app.auth.oidc.verify import SignedToken
from app.auth.sessions import Session, Sessions
from app.catalog import views
from app.domain.access import Principal
from app.policy import tier
from app.policy.decide import Rules
from app.responses import caching
from app.responses.requester import Requester
from tests.support.planted_faults import run_until_it_fails
from tests.support.session_machine import session_machine_on
from tests.support.session_sites import KEYS, Replicas

SETTINGS = settings(
    max_examples=20,
    stateful_step_count=25,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
    report_multiple_bugs=False,
)


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Replicas:
    return Replicas(tmp_path_factory.mktemp("sessions") / "revoked")


@pytest.mark.timeout(600)  # for the shrinking of what it finds
def test_everybody_is_answered_as_who_they_are_now(replicas: Replicas) -> None:
    run_state_machine_as_test(session_machine_on(replicas), settings=SETTINGS)


def sessions_of_another_key_count(patch: pytest.MonkeyPatch) -> None:
    real, every = sealing.unseal, KeyRing(KEYS)

    def careless(keys: KeyRing, purpose: Purpose, sealed: str) -> dict[str, Any] | None:
        return real(every, purpose, sealed)

    patch.setattr(sessions, "unseal", careless)


def revoked_tokens_are_remembered(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Requester, "holds", lambda self, identity: True)


def tiers_are_of_the_groups_of_an_earlier_login(patch: pytest.MonkeyPatch) -> None:
    real = tier.tier_of
    known: dict[tuple[object, str], tier.Tier] = {}

    def careless(principal: Principal, rules: Rules) -> tier.Tier:
        return known.setdefault((principal.subject, rules.folder.text), real(principal, rules))

    patch.setattr(views, "tier_of", careless)


def pages_of_people_may_be_kept_for_others(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(caching, "_is_everybody", lambda principal: True)


def passwords_are_remembered_for_good(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(passwords, "REMEMBERED_SECONDS", 1e9)


def renewed_logins_keep_their_groups(patch: pytest.MonkeyPatch) -> None:
    def careless(self: Sessions, session: Session, groups: frozenset[str], now: float) -> Session:
        return replace(session, renewed=now)

    patch.setattr(Sessions, "renew", careless)


def tokens_of_an_issuer_are_for_every_site_and_for_good(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(workloads, "check_claims", lambda *args: None)


def anybody_is_the_issuer(patch: pytest.MonkeyPatch) -> None:
    def careless(self: SignedToken, keys: Iterable[SigningKey]) -> tuple[dict[str, Any], SigningKey]:
        claims = json.loads(urlsafe_b64decode(self.text.split(".")[1].encode("ascii")))
        return claims, next(iter(keys))

    patch.setattr(SignedToken, "verify", careless)


@pytest.mark.parametrize(
    ("break_it", "first"),
    [
        (sessions_of_another_key_count, 7),
        (revoked_tokens_are_remembered, 3),
        (tiers_are_of_the_groups_of_an_earlier_login, 1),
        (pages_of_people_may_be_kept_for_others, 0),
        (passwords_are_remembered_for_good, 0),
        (renewed_logins_keep_their_groups, 1),
        (tokens_of_an_issuer_are_for_every_site_and_for_good, 0),
        (anybody_is_the_issuer, 8),
    ],
)
def test_a_server_that_mixes_people_up_does_not_pass(
    replicas: Replicas,
    monkeypatch: pytest.MonkeyPatch,
    break_it: Callable[[pytest.MonkeyPatch], None],
    first: int,
) -> None:
    """Each of these is a slip that would answer somebody as somebody else. The machine must find all of them."""
    break_it(monkeypatch)
    with pytest.raises(AssertionError, match=r"is right|does not hold|be kept for others|has got the groups"):
        run_until_it_fails(session_machine_on(replicas), first)
