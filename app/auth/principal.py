"""From a request's header fields to the principal that sent it."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from app.auth.cookies import cookie_values
from app.auth.fields import declared
from app.auth.forwarding import Proxies
from app.auth.keys import KeyRing
from app.auth.licences import ACCEPTANCE_COOKIE, header_acceptances, read_acceptances
from app.auth.networks import Address, Network, is_in
from app.auth.passwords import Passwords, password_id
from app.auth.revocation import Revocations
from app.auth.sessions import Session, Sessions
from app.auth.tokens import verify_token
from app.domain.access import PathScope, Principal
from app.domain.errors import AuthenticationFailed, RevocationsUnknown, RevokedToken, SessionDue
from app.http_semantics import FieldLines

if TYPE_CHECKING:
    from app.auth.oidc.workloads import Workloads


class Identity(NamedTuple):
    """The sender of a request.

    Attributes:
        principal: for the decisions of the policy.
        client: the address the request comes from; None if that is not known.
        session: of a logged-in principal; None for others, and for those with a token.
        until: seconds since the epoch, UTC, until which the credentials mean the same, unless they are revoked.
        credential: id of the token or session; empty if there is none.
        stands: whether the key that the token was signed with still counts; None where it does for good.
    """

    principal: Principal
    client: Address | None
    session: Session | None = None
    until: float = math.inf
    credential: str = ""
    stands: Callable[[], bool] | None = None


class Authenticator:
    """Finds out who sent a request.

    Args:
        keys: verify tokens and acceptances.
        sessions: reads session cookies.
        revocations: knows which tokens are revoked.
        trusted_networks: clients in them are trusted without any credentials.
        trusted_proxies: the peers whose forwarding fields are believed.
        workloads: believes tokens of other issuers; None where there are none.
        passwords: know who has which name and password; None where no password counts.

    Attributes:
        takes_passwords: whether passwords count.
    """

    def __init__(
        self,
        keys: KeyRing,
        sessions: Sessions,
        revocations: Revocations,
        trusted_networks: Sequence[Network],
        trusted_proxies: Sequence[Network],
        workloads: Workloads | None = None,
        passwords: Passwords | None = None,
    ) -> None:
        self._keys = keys
        self._sessions = sessions
        self._revocations = revocations
        self._trusted_networks = tuple(trusted_networks)
        self._proxies = Proxies(trusted_proxies)
        self._workloads = workloads
        self._passwords = passwords
        self.takes_passwords = passwords is not None

    def identify(
        self,
        headers: FieldLines,
        peer: str | None,
        now: float,
        *,
        is_https: bool = False,
        root_path: str = "",
    ) -> Identity:
        """Read the credentials of a request: its token, else its session. Without any, it is anonymous.

        Args:
            headers: the request's header fields.
            peer: address of the other end of the connection; None if it has none.
            now: seconds since the epoch, UTC.
            is_https: whether the client's connection is encrypted.
            root_path: of the site in this request.

        Raises:
            RevocationsUnknown: the revoked ids cannot be read.
            SessionDue: the user is logged in, but the groups must be refreshed first.
            Unchecked: another service must check the credentials first.
            IssuerUnavailable: the issuer of the token was asked a moment ago, and did not answer.
            AuthenticationFailed: credentials were sent and are invalid. They are never ignored in favour of
                anonymous access: a script would take the shorter listing for complete. Codes: `auth-repeated`,
                `auth-scheme`, `token-revoked`, and those of `verify_token`, `Workloads.verify` and
                `Passwords.find`.
        """
        headers = declared(headers)
        client = self._proxies.client(headers, peer)
        accepted = self._accepted(headers, now)
        authorization = headers("authorization")
        if not authorization:
            session = self._sessions.read(headers("cookie"), now, is_https=is_https, root_path=root_path)
            return self._by_session(session, client, accepted, now)
        if len(authorization) > 1:
            raise AuthenticationFailed("auth-repeated", "send only one Authorization header")
        user, secret = _credentials(authorization[0])
        if self._passwords is not None and user is not None and not _is_token(secret):
            identity = self._by_password(self._passwords, user, secret, client, accepted, now)
        else:
            identity = self._by_token(secret, client, accepted, now)
        if self._revocations.is_revoked(identity.credential, now):
            raise RevokedToken(identity.credential, identity.principal.subject or "")
        return identity

    def _by_token(self, token: str, client: Address | None, accepted: frozenset[str], now: float) -> Identity:
        trusted = is_in(client, self._trusted_networks)
        if self._workloads is not None and self._workloads.takes(token):
            job = self._workloads.verify(token, now)
            principal = Principal(
                job.subject, job.groups, accepted=accepted, trusted=trusted, sent_authorization=True
            )
            return Identity(principal, client, until=job.until, credential=job.id, stands=job.stands)
        grant = verify_token(self._keys, token, client=client, now=now)
        principal = Principal(
            subject=grant.subject,
            groups=grant.groups,
            scope=PathScope(grant.paths),
            accepted=accepted,
            trusted=trusted,
            permissions=grant.permissions,
            sent_authorization=True,
        )
        return Identity(principal, client, until=grant.expires, credential=grant.id)

    def _by_password(
        self,
        passwords: Passwords,
        user: str,
        password: str,
        client: Address | None,
        accepted: frozenset[str],
        now: float,
    ) -> Identity:
        person, until = passwords.find(user, password, now)
        trusted = is_in(client, self._trusted_networks)
        principal = Principal(
            person.subject, person.groups, accepted=accepted, trusted=trusted, sent_authorization=True
        )
        return Identity(principal, client, until=until, credential=password_id(person.subject))

    def _by_session(
        self, session: Session | None, client: Address | None, accepted: frozenset[str], now: float
    ) -> Identity:
        trusted = is_in(client, self._trusted_networks)
        if session is None:
            return Identity(Principal(accepted=accepted, trusted=trusted), client)
        if self._sessions.is_due(session, now):
            raise SessionDue
        principal = Principal(session.subject, session.groups, accepted=accepted, trusted=trusted)
        return Identity(principal, client, session, self._sessions.due_at(session), session.id)

    def still_holds(self, identity: Identity, now: float) -> bool:
        """Whether the credentials of an earlier request, if it had any, are still valid."""
        if not identity.credential:
            return True
        if identity.stands is not None and not identity.stands():
            return False
        try:
            session = identity.session
            if session is not None and self._sessions.is_of_the_future(session, now):
                return False
            return now < identity.until and not self._revocations.is_revoked(identity.credential, now)
        except RevocationsUnknown:
            return False

    def _accepted(self, headers: FieldLines, now: float) -> frozenset[str]:
        by_header = header_acceptances(headers("license-accepted"), headers("license_accepted"))
        for value in cookie_values(headers("cookie"), ACCEPTANCE_COOKIE):
            if by_cookie := read_acceptances(self._keys, value, now):
                return by_header | by_cookie
        return by_header


def _credentials(authorization: str) -> tuple[str | None, str]:
    """The token of an Authorization field: Bearer (RFC 6750 section 2.1), or Basic (RFC 7617) with a user's name, and
    their password or any token: that is what curl and wget can take from a .netrc file."""
    scheme, _, credentials = authorization.strip(" \t").partition(" ")
    match scheme.lower():  # RFC 9110 section 11.1: case-insensitive
        case "bearer":
            return None, credentials.strip(" ")
        case "basic":
            return _basic(credentials.strip(" "))
        case _:
            raise AuthenticationFailed("auth-scheme", "the Authorization scheme must be Bearer or Basic")


def _basic(credentials: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(credentials, validate=True).decode("utf-8")
    except ValueError as exc:
        raise _malformed_basic() from exc
    user, colon, password = text.partition(":")  # only the user name cannot contain a colon
    if not colon:
        raise _malformed_basic()
    return user, password


def _malformed_basic() -> AuthenticationFailed:
    return AuthenticationFailed("token-malformed", "Basic credentials must be base64 of user:token in UTF-8")


def _is_token(secret: str) -> bool:
    """Whether a secret has the form of a token: the first of its three parts is JSON (RFC 7515 section 7.1)."""
    return secret.startswith("eyJ") and secret.count(".") == 2
