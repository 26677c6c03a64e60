"""Workload identity: jobs and services that show a token of an issuer that this site believes, in place of one of ours."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Final, NamedTuple

from app.auth.keys import MAX_TOKEN_BYTES, numeric_date
from app.auth.oidc.claims import MAX_NAME_LENGTH, claim_at
from app.auth.oidc.issuer import Issuer
from app.auth.oidc.verify import SKEW_SECONDS, check_claims, read_signed, unverified_issuer
from app.auth.unchecked import Unchecked
from app.domain.errors import AuthenticationFailed, IssuerUnavailable, LoginUnavailable
from app.policy.workloads import WorkloadGroup, WorkloadIssuer

KEY_SECONDS: Final = 300.0
"""How often the keys of each issuer are read, and so how long one that it has taken back goes on counting."""


class Workload(NamedTuple):
    """What a token says of its bearer.

    Attributes:
        subject: as the issuer names it.
        groups: by the rules of the site policy.
        until: seconds since the epoch, UTC, from which on the token is refused.
        id: names the token itself.
        stands: whether the issuer still has the key that the token was signed with.
    """

    subject: str
    groups: frozenset[str]
    until: float
    id: str
    stands: Callable[[], bool]


class Workloads:
    """Believes tokens of some issuers.

    Args:
        issuers: what the site policy says of each, and how to ask it.
    """

    def __init__(self, issuers: Iterable[tuple[WorkloadIssuer, Issuer]]) -> None:
        self._issuers = {said.url: (said, issuer) for said, issuer in issuers}

    def takes(self, text: str) -> bool:
        """Whether a token names an issuer, as none of our own does."""
        return len(text) <= MAX_TOKEN_BYTES and unverified_issuer(text) is not None

    def verify(self, text: str, now: float) -> Workload:
        """Check a token.

        Args:
            now: seconds since the epoch, UTC.

        Raises:
            AuthenticationFailed: with a code of `verified_claims`.
            Unchecked: the issuer's keys must be fetched first.
            IssuerUnavailable: it was asked a moment ago, and did not answer.
        """
        said, issuer = self._issuer_of(text)
        signed = read_signed(text)
        try:
            keys = issuer.keys_at_hand(signed.kid)
        except LoginUnavailable as error:
            raise IssuerUnavailable from error
        if keys is None:
            raise Unchecked(lambda _: _ask(issuer, signed.kid))  # how often that is done is bounded already
        try:
            claims, key = signed.verify(keys)
        except AuthenticationFailed:
            if not issuer.may_be_asked:
                raise
            raise Unchecked(lambda _: _ask(issuer, signed.kid)) from None
        check_claims(claims, said.url, said.audience, now)
        return Workload(
            _subject(claims),
            frozenset(rule.group for rule in said.groups if _is_met(rule, claims)),
            numeric_date(claims, "exp") + SKEW_SECONDS,
            _id(claims, text),
            partial(issuer.publishes, key.thumbprint),
        )

    @asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        """Read all keys now, and again and again for as long as the block lasts, so that hardly any request waits."""
        tasks = [asyncio.create_task(_keep_fresh(issuer)) for _, issuer in self._issuers.values()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _issuer_of(self, text: str) -> tuple[WorkloadIssuer, Issuer]:
        named = self._issuers.get(unverified_issuer(text) or "")
        if named is None:
            raise AuthenticationFailed("token-issuer", "the token is from an issuer that is not known here")
        return named


async def _ask(issuer: Issuer, kid: str | None) -> None:
    try:
        await issuer.newer_keys(kid)
    except LoginUnavailable as error:
        raise IssuerUnavailable from error


async def _keep_fresh(issuer: Issuer) -> None:
    while True:
        with suppress(LoginUnavailable):  # which is in the log
            await issuer.refresh()
        await asyncio.sleep(KEY_SECONDS)


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject or not subject.isprintable():
        raise AuthenticationFailed("token-claims", "the token's claim sub is not a name")
    return subject[:MAX_NAME_LENGTH]


def _id(claims: Mapping[str, Any], text: str) -> str:
    """The token's own id, or, where it has none, one that is made of the token."""
    given = claims.get("jti")
    is_given = isinstance(given, str) and 0 < len(given) <= MAX_NAME_LENGTH
    return str(given) if is_given else hashlib.sha256(text.encode("ascii", "replace")).hexdigest()[:32]


def _is_met(rule: WorkloadGroup, claims: Mapping[str, Any]) -> bool:
    value = claim_at(claims, rule.claim)
    return rule.pattern.matches(_texts(value if isinstance(value, list) else [value]))


def _texts(values: Iterable[object]) -> Iterator[str]:
    """A claim's values as rules name them."""
    for value in values:
        if isinstance(value, bool):
            yield "true" if value else "false"
        elif isinstance(value, str | int):
            yield str(value)
