"""Tokens of jobs: who is believed, in which groups, and when the issuer must be asked first."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from app.auth.oidc.issuer import MIN_KEY_SECONDS, Issuer
from app.auth.oidc.workloads import Workload, Workloads
from app.auth.unchecked import Unchecked
from app.domain.errors import AuthenticationFailed, IssuerUnavailable, LoginUnavailable
from app.policy.workloads import ClaimPattern, WorkloadGroup, WorkloadIssuer
from tests.support.clocks import Clock
from tests.support.fake_provider import new_key
from tests.unit.test_auth_oidc_tokens import NOW, SITE, URL, Documents, issuer_of, public, signed

KEY: Final = new_key("first")
STAFF: Final = WorkloadGroup("roles", ClaimPattern("writer", is_wild=False), "staff")


def workloads_of(issuer: Issuer) -> Workloads:
    return Workloads([(WorkloadIssuer(URL, SITE, (STAFF,)), issuer)])


def asked(workloads: Workloads, token: str) -> Workload:
    """What a token says once its issuer was asked."""
    with pytest.raises(Unchecked) as caught:
        workloads.verify(token, NOW)
    asyncio.run(_ask(caught.value))
    return workloads.verify(token, NOW)


async def _ask(unchecked: Unchecked) -> None:
    unused: Any = None
    await unchecked.ask(unused)


def test_a_group_is_of_one_value_or_of_any_in_a_list() -> None:
    workloads = workloads_of(issuer_of(Documents(public(KEY))))
    assert asked(workloads, signed(KEY)).groups == frozenset()
    for roles, groups in [("writer", {"staff"}), (["reader", "writer"], {"staff"}), (["reader"], set())]:
        assert workloads.verify(signed(KEY, roles=roles), NOW).groups == groups
    with pytest.raises(AuthenticationFailed) as refused:
        workloads.verify(signed(KEY, iss="https://elsewhere.example"), NOW)
    assert refused.value.code == "token-issuer"


def test_a_token_of_another_key_is_refused_once_the_issuer_cannot_be_asked_again() -> None:
    clock = Clock()
    workloads = workloads_of(issuer_of(Documents(public(KEY)), clock))
    assert asked(workloads, signed(KEY))
    forged = signed(new_key("first"))
    with pytest.raises(AuthenticationFailed):
        workloads.verify(forged, NOW)
    clock.now += MIN_KEY_SECONDS
    with pytest.raises(Unchecked):
        workloads.verify(forged, NOW)


def test_an_issuer_that_fails_is_left_alone_for_a_moment() -> None:
    class Silent(Documents):
        async def get(self, url: str, headers: object = None) -> dict[str, Any]:
            raise LoginUnavailable

    workloads = workloads_of(issuer_of(Silent()))
    with pytest.raises(IssuerUnavailable):
        asked(workloads, signed(KEY))
    with pytest.raises(IssuerUnavailable):
        workloads.verify(signed(KEY), NOW)


class NeverAnswers:
    """An issuer whose answer is waited for until the one who waits is stopped."""

    is_awaited = False

    async def refresh(self) -> None:
        self.is_awaited = True
        try:
            await asyncio.Event().wait()
        finally:
            self.is_awaited = False


async def test_no_answer_is_awaited_when_the_server_has_stopped() -> None:
    issuer: Any = NeverAnswers()
    async with workloads_of(issuer).kept_fresh():
        await asyncio.sleep(0)
        assert issuer.is_awaited
    assert not issuer.is_awaited
