"""`/-/account`, which shows the user who is logged in, and `/logout`."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.auth.login import Login
from app.auth.sessions import LoginMethod, Session
from app.domain.errors import NotFound
from app.pages.account_pages import AccountPage, LeadOnPage
from app.pages.contexts import Site
from app.pages.html import HtmlPages
from app.responses.caching import PRIVATE
from app.responses.record import site_of
from app.responses.requester import Requester
from app.routes.audited import RequestAudit
from app.routes.forms import Forms
from app.routes.parameters import Query
from app.routes.return_url import login_url, return_url
from app.routes.session_cookie import SessionCookies
from app.telemetry import LoggedOut


def build_account_router(
    login: Login,
    cookies: SessionCookies,
    requester: Requester,
    forms: Forms,
    audit: RequestAudit,
    html: HtmlPages,
    site: Site,
) -> APIRouter:
    """Routes of the account, for browsers."""
    router = APIRouter(include_in_schema=False)

    @router.get("/-/account", name="account")
    @router.get("/logout", name="account")
    async def show(request: Request) -> Response:
        if not login.is_possible:
            raise NotFound
        back_to, session = return_url(request, Query(request).text("return")), cookies.read(request)
        form_token = forms.token(session.id) if session else ""
        page = html.account(_page(request, site_of(site, request), session, back_to, form_token))
        return Response(page, media_type="text/html", headers=PRIVATE)

    @router.post("/logout", name="logout")
    async def log_out(request: Request) -> Response:
        if not login.is_possible:
            raise NotFound
        if (session := cookies.read(request)) is not None:
            await forms.read(request, session.id)
            await audit.note(request, LoggedOut(session.id), session.subject)
        href = await _provider_logout(request, session, login, requester)
        page = LeadOnPage(
            site_of(site, request), "Logged out", "You are logged out of this site.", href, "Start page"
        )
        answer = Response(html.lead_on(page), media_type="text/html", headers=PRIVATE)
        cookies.forget(request, answer)
        if requester.is_https(request):
            # The back button may show even `no-store` pages. Browsers follow this field only over TLS.
            answer.headers["Clear-Site-Data"] = '"cache"'
        return answer

    return router


def _page(
    request: Request, site: Site, session: Session | None, back_to: str, form_token: str
) -> AccountPage:
    return AccountPage(
        site,
        back_to,
        login_url(request, back_to),
        login_url(request, back_to, switch=True),
        form_token,
        subject=session.subject if session else "",
        groups=tuple(sorted(session.groups)) if session else (),
    )


async def _provider_logout(
    request: Request, session: Session | None, login: Login, requester: Requester
) -> str:
    """URL that logs out at the provider too, so that the next login asks again."""
    if login.provider is None or session is None or session.method is not LoginMethod.OIDC:
        return ""
    return await login.provider.logout_url(requester.site_url(request, "/")) or ""
