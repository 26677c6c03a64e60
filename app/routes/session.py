"""`/login`: by name and password or at the identity provider, and back to the requested path."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.auth.login import Login
from app.auth.sessions import LoginMethod, Session
from app.domain.errors import LoginFailed, LoginRequired, LoginUnavailable, NotFound
from app.pages.account_pages import LeadOnPage, LoginPage
from app.pages.contexts import Site
from app.pages.html import HtmlPages
from app.responses.caching import PRIVATE
from app.responses.record import record_of, site_of
from app.responses.requester import wants_html
from app.routes.audited import RequestAudit
from app.routes.forms import Forms, form_router
from app.routes.limited import RequestLimits
from app.routes.parameters import Query
from app.routes.return_url import login_url, return_url
from app.routes.session_cookie import SessionCookies, redirect
from app.routes.sign_on import SignOn
from app.telemetry import LoggedIn, LoginRejected


class LoginDesk:
    """Logs people in.

    Args:
        login: the ways to log in.
        sign_on: the login at the provider.
        cookies: keep sessions.
        forms: protect the form.
        audit: notes who came in, and who did not.
        limits: count attempts.
        html: renders it.
        site: named on it.
        clock: seconds since the epoch, UTC.
    """

    def __init__(
        self,
        login: Login,
        sign_on: SignOn,
        cookies: SessionCookies,
        forms: Forms,
        audit: RequestAudit,
        limits: RequestLimits,
        html: HtmlPages,
        site: Site,
        clock: Callable[[], float],
    ) -> None:
        self._login = login
        self._sign_on = sign_on
        self._cookies = cookies
        self._forms = forms
        self._audit = audit
        self._limits = limits
        self._html = html
        self._site = site
        self._clock = clock

    async def open(self, request: Request) -> Response:
        """Answer a GET: users who are logged in go on, others are asked to log in."""
        query = Query(request)
        back_to, switch = return_url(request, query.text("return")), query.flag("switch")
        record_of(request).back_to = back_to
        if not self._login.is_possible:
            raise NotFound
        if not wants_html(request):
            raise LoginRequired
        session = self._cookies.read(request)
        if session is not None and not switch:
            return await self._go_on(request, session, back_to)
        if self._login.directory is not None and not query.flag("provider"):
            return self._form_page(request, back_to)
        return await self._sign_on.begin(request, back_to, asks_again=switch)

    async def take_password(self, request: Request) -> Response:
        """Answer the form."""
        if (directory := self._login.directory) is None:
            raise NotFound
        form = await self._forms.read(request)
        self._limits.count_login(request, form.get("user", ""))
        record_of(request).back_to = back_to = return_url(request, form.get("return"))
        try:
            person = await self._login.log_in(form.get("user", ""), form.get("password", ""))
        except LoginFailed as failure:
            await self._audit.note(request, LoginRejected(failure.code), form.get("user"))
            return self._form_page(request, back_to, failure)
        session = self._login.sessions.start(person.subject, person.groups, directory.method, self._clock())
        welcome, site = f"You are logged in as {person.subject}.", site_of(self._site, request)
        page = LeadOnPage(site, "Welcome", welcome, back_to, "Continue")
        answer = Response(self._html.lead_on(page), media_type="text/html", headers=PRIVATE)
        self._cookies.keep(request, answer, session)
        await self._audit.note(request, LoggedIn(session.id, session.method.value), session.subject)
        return answer

    async def _go_on(self, request: Request, session: Session, back_to: str) -> Response:
        """Let a logged-in user go on. The groups may have to be refreshed first."""
        sessions, provider, now = self._login.sessions, self._login.provider, self._clock()
        if not sessions.is_due(session, now):
            return redirect(back_to)
        if session.method is not LoginMethod.OIDC or provider is None:
            return self._cookies.lead_back(request, await self._login.renew(session, now), back_to)
        try:
            await provider.check()
        except LoginUnavailable:
            return self._cookies.lead_back(request, sessions.renew(session, session.groups, now), back_to)
        return await self._sign_on.begin(request, back_to, is_silent=True)

    def _form_page(self, request: Request, back_to: str, failure: LoginFailed | None = None) -> Response:
        nonce, login = self._forms.nonce(request), self._login
        page = LoginPage(
            site_of(self._site, request),
            back_to,
            self._forms.token(nonce),
            failure=str(failure) if failure else "",
            provider_href=f"{login_url(request, back_to)}&provider=true" if login.provider else "",
            is_demo=login.directory is not None and login.directory.method is LoginMethod.DEMO,
        )
        answer = Response(self._html.login(page), 403 if failure else 200, PRIVATE, media_type="text/html")
        self._forms.keep_nonce(request, answer, nonce, "/login")
        return answer


def build_session_router(desk: LoginDesk) -> APIRouter:
    """Routes of `/login`, for browsers; scripts send a token."""
    return form_router("/login", "login", desk.open, desk.take_password)
