"""The way to a provider and back: the authorization code flow with PKCE, state and nonce."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote_plus, urlencode

import structlog

from app.auth.fetch import JsonFetcher
from app.auth.login_groups import GroupNames
from app.auth.oidc.attempt import Attempt
from app.auth.oidc.claims import claim_at, groups_of, user_of
from app.auth.oidc.issuer import Issuer, Metadata
from app.auth.oidc.verify import verified_claims
from app.auth.people import Person
from app.domain.errors import AuthenticationFailed, LoginFailed, LoginUnavailable

_ASKS_FIRST: Final = frozenset(
    {"login_required", "interaction_required", "consent_required", "account_selection_required"}
)
"""The provider would have to ask somebody something (OpenID Connect Core 1.0 section 3.1.2.6)."""
_NOT_THERE: Final = frozenset({"server_error", "temporarily_unavailable"})

_log = structlog.get_logger(__name__)


class OidcSettings(NamedTuple):
    """How this site is known to the provider, and what is read of its answers.

    Attributes:
        client_secret: empty for a client without one.
        user_claim, groups_claim: names of claims, see `claim_at`.
    """

    client_id: str
    client_secret: str
    scopes: tuple[str, ...]
    user_claim: str
    groups_claim: str


class OidcClient:
    """Sends people to a provider, and identifies who comes back.

    Args:
        settings: of this site at the provider.
        issuer: the provider.
        fetcher: sends its requests.
        names: chooses and renames groups.
    """

    def __init__(
        self, settings: OidcSettings, issuer: Issuer, fetcher: JsonFetcher, names: GroupNames
    ) -> None:
        self._settings = settings
        self._issuer = issuer
        self._fetcher = fetcher
        self._names = names

    async def login_url(self, attempt: Attempt, *, asks_again: bool = False) -> str:
        """Where to send a browser (OpenID Connect Core 1.0 section 3.1.2.1).

        Args:
            asks_again: whether the provider must ask for the user even if somebody is logged in there.

        Raises:
            LoginUnavailable: the provider does not answer.
        """
        endpoint = (await self._issuer.metadata()).authorization_endpoint
        fields = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": attempt.redirect_uri,
            "scope": " ".join(self._settings.scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        if attempt.is_silent or asks_again:
            fields["prompt"] = "none" if attempt.is_silent else "login"
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(fields)}"

    async def finish(self, attempt: Attempt, answer: Mapping[str, str], now: float) -> Person:
        """The person who comes back.

        Args:
            attempt: the one that the answer's state belongs to.
            answer: parameters of the provider's redirect.
            now: seconds since the epoch, UTC.

        Raises:
            LoginFailed: with any of its codes except `attempt`; `denied` if the provider would have to ask.
            LoginUnavailable: the provider does not answer.
        """
        metadata = await self._issuer.metadata()
        self._check_answer(answer, metadata)
        tokens = await self._redeem(answer["code"], attempt, metadata)
        claims = await self._id_claims(tokens.get("id_token"), attempt, now)
        subject = claims.get("sub")
        if not isinstance(subject, str) or not subject:
            raise LoginFailed("no-user")
        groups = groups_of(claims, self._settings.groups_claim)
        user = claim_at(claims, self._settings.user_claim)
        if (groups is None or user is None) and metadata.userinfo_endpoint:
            more = await self._userinfo(tokens, subject, metadata)
            # Each by itself: half of a nested claim here must not hide the other half there.
            groups = groups_of(more, self._settings.groups_claim) if groups is None else groups
            claims = more if user is None else claims
        return Person(user_of(claims, self._settings.user_claim), self._names.choose(groups or ()))

    async def check(self) -> None:
        """Whether the provider answers now.

        Raises:
            LoginUnavailable: it does not.
        """
        await self._issuer.check()

    async def logout_url(self, back_to: str) -> str | None:
        """Where to send a browser that logs out (OpenID Connect RP-Initiated Logout 1.0 section 2).

        Args:
            back_to: where the provider sends the browser in the end. It must know this URL.

        Returns:
            None if the provider has no such URL, or does not answer.
        """
        try:
            endpoint = (await self._issuer.metadata()).end_session_endpoint
        except LoginUnavailable:
            return None
        if not endpoint:
            return None
        fields = {"client_id": self._settings.client_id, "post_logout_redirect_uri": back_to}
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(fields)}"

    def _check_answer(self, answer: Mapping[str, str], metadata: Metadata) -> None:
        # RFC 9207 section 2.4: an attacker may make another issuer answer, to steal a code.
        issuer = answer.get("iss")
        if issuer != self._issuer.url and (issuer is not None or metadata.names_itself):
            raise LoginFailed("issuer")
        error = answer.get("error")
        if error in _NOT_THERE:
            raise LoginUnavailable
        if error is not None:
            _log.warning("login_refused", error=error[:64])
            raise LoginFailed("denied" if error in _ASKS_FIRST or error == "access_denied" else "refused")
        if not answer.get("code"):
            raise LoginFailed("refused")

    async def _redeem(self, code: str, attempt: Attempt, metadata: Metadata) -> dict[str, Any]:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": attempt.redirect_uri,
            "code_verifier": attempt.verifier,
        }
        headers = {}
        client_id, secret = self._settings.client_id, self._settings.client_secret
        if secret and metadata.takes_basic:
            # RFC 6749 section 2.3.1: both are encoded as in forms first.
            pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"
        else:
            fields |= {"client_id": client_id} | ({"client_secret": secret} if secret else {})
        status, tokens = await self._fetcher.post_form(metadata.token_endpoint, fields, headers)
        if status != 200:
            _log.warning("login_refused", status=status, error=str(tokens.get("error"))[:64])
            raise LoginFailed("refused")
        return tokens

    async def _id_claims(self, token: object, attempt: Attempt, now: float) -> dict[str, Any]:
        if not isinstance(token, str):
            raise LoginFailed("token")
        client_id = self._settings.client_id
        try:
            claims = await verified_claims(self._issuer, token, client_id, now)
        except AuthenticationFailed as error:
            _log.warning("login_token_refused", code=error.code)
            raise LoginFailed("token") from error
        # OpenID Connect Core 1.0 section 3.1.3.7, points 3 to 5.
        is_for_several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if is_for_several else client_id) != client_id:
            _log.warning("login_token_refused", code="token-party")
            raise LoginFailed("token")
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not nonce.isascii() or not hmac.compare_digest(nonce, attempt.nonce):
            raise LoginFailed("nonce")
        return claims

    async def _userinfo(self, tokens: Mapping[str, Any], subject: str, metadata: Metadata) -> dict[str, Any]:
        """Further claims about the person from the provider (OpenID Connect Core 1.0 section 5.3)."""
        headers = {"Authorization": f"Bearer {tokens.get('access_token')}"}
        claims = await self._fetcher.get(metadata.userinfo_endpoint, headers)
        if claims.get("sub") != subject:  # section 5.3.2: another person's must not be used
            raise LoginFailed("token")
        return claims
