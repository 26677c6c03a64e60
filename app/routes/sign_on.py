"""Login at the identity provider, and the way back by `/login/callback`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.auth.keys import KeyRing
from app.auth.login import Login
from app.auth.oidc.attempt import (
    ATTEMPT_SECONDS,
    Attempt,
    attempt_cookie,
    new_attempt,
    read_attempt,
    superseded_cookies,
    write_attempt,
)
from app.auth.people import Person
from app.auth.sessions import LoginMethod, Session
from app.domain.errors import LoginFailed, LoginUnavailable, NotFound
from app.responses.record import record_of
from app.responses.requester import Requester
from app.routes.audited import RequestAudit
from app.routes.limited import RequestLimits
from app.routes.session_cookie import SessionCookies, redirect
from app.telemetry import LoggedIn

if TYPE_CHECKING:
    from app.auth.oidc.client import OidcClient

CALLBACK: Final = "/login/callback"


class SignOn:
    """Sends browsers to the identity provider, and lets them back in.

    Args:
        login: has the provider.
        cookies: keep sessions.
        requester: knows the client and whether it uses TLS.
        audit: notes who came in.
        limits: count attempts.
        keys: seal the cookie of a login under way.
        clock: seconds since the epoch, UTC.
    """

    def __init__(
        self,
        login: Login,
        cookies: SessionCookies,
        requester: Requester,
        audit: RequestAudit,
        limits: RequestLimits,
        keys: KeyRing,
        clock: Callable[[], float],
    ) -> None:
        self._login = login
        self._cookies = cookies
        self._requester = requester
        self._audit = audit
        self._limits = limits
        self._keys = keys
        self._clock = clock

    async def begin(
        self, request: Request, back_to: str, *, is_silent: bool = False, asks_again: bool = False
    ) -> Response:
        """Send a browser to the provider.

        Args:
            back_to: where the browser returns to.
            is_silent: whether the provider must not ask anything.
            asks_again: whether the provider must ask for the user even if somebody is logged in there.

        Raises:
            NotFound: there is no provider.
            LoginUnavailable: it does not answer.
        """
        if self._login.provider is None:
            raise NotFound
        callback = self._requester.site_url(request, CALLBACK)
        attempt = new_attempt(callback, back_to, self._clock(), is_silent=is_silent)
        answer = redirect(await self._login.provider.login_url(attempt, asks_again=asks_again))
        sealed = write_attempt(self._keys, attempt)
        for name in self._superseded(request):
            self._cookies.drop_secret(request, answer, name)
        self._cookies.set_secret(request, answer, attempt_cookie(attempt.state), sealed, ATTEMPT_SECONDS)
        return answer

    def _superseded(self, request: Request) -> list[str]:
        return superseded_cookies(
            request.headers.getlist("cookie"),
            is_https=self._requester.is_https(request),
            root_path=record_of(request).root_path,
        )

    async def come_back(self, request: Request) -> Response:
        """Log in a browser that comes back.

        Raises:
            NotFound: there is no provider.
            LoginFailed, LoginUnavailable: why not.
        """
        if (provider := self._login.provider) is None:
            raise NotFound
        self._limits.count_login(request)
        given = dict(request.query_params.multi_items())
        state, is_https = given.get("state", ""), self._requester.is_https(request)
        attempt = read_attempt(
            self._keys,
            request.headers.getlist("cookie"),
            state,
            self._clock(),
            is_https=is_https,
            root_path=record_of(request).root_path,
        )
        if attempt is None:
            raise LoginFailed("attempt")
        record_of(request).back_to = attempt.return_url
        session = await self._session(request, provider, attempt, given)
        answer = self._cookies.lead_back(request, session, attempt.return_url)
        if session is not None and session.is_new:
            await self._audit.note(request, LoggedIn(session.id, session.method.value), session.subject)
        # Only once: the same answer sent again belongs to no attempt.
        self._cookies.drop_secret(request, answer, attempt_cookie(state))
        return answer

    async def _session(
        self, request: Request, provider: OidcClient, attempt: Attempt, given: Mapping[str, str]
    ) -> Session | None:
        """The session of the user who comes back; None after a silent login without a user."""
        earlier = self._cookies.read(request) if attempt.is_silent else None
        try:
            person = await provider.finish(attempt, given, self._clock())
        except LoginUnavailable:
            if earlier is None:
                raise
            return self._login.sessions.renew(earlier, earlier.groups, self._clock())
        except LoginFailed as failure:
            # Logged out at the provider; or it never answers without a question, and so the next login asks.
            if attempt.is_silent and failure.code in ("denied", "refused"):
                return None
            raise
        return self._session_of(person, earlier)

    def _session_of(self, person: Person, earlier: Session | None) -> Session:
        sessions, now = self._login.sessions, self._clock()
        if earlier is not None and earlier.subject == person.subject:
            return sessions.renew(earlier, person.groups, now)
        return sessions.start(person.subject, person.groups, LoginMethod.OIDC, now)


def build_sign_on_router(sign_on: SignOn) -> APIRouter:
    """The route to which the identity provider sends browsers back."""
    router = APIRouter(include_in_schema=False)

    @router.get(CALLBACK, name="login-callback")
    async def come_back(request: Request) -> Response:
        return await sign_on.come_back(request)

    return router
