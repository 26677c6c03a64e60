"""Wires the routes of people who log in."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import APIRouter

from app.auth.keys import KeyRing
from app.auth.login import Login
from app.auth.own_tokens import OwnTokens
from app.pages.contexts import Site
from app.pages.html import HtmlPages
from app.responses.requester import Requester
from app.routes.account import build_account_router
from app.routes.audited import RequestAudit
from app.routes.forms import Forms
from app.routes.limited import RequestLimits
from app.routes.own_token import TokenDesk, build_own_token_router
from app.routes.session import LoginDesk, build_session_router
from app.routes.session_cookie import SessionCookies
from app.routes.sign_on import SignOn, build_sign_on_router


def build_login_routers(
    login: Login,
    tokens: OwnTokens,
    keys: KeyRing,
    requester: Requester,
    audit: RequestAudit,
    forms: Forms,
    limits: RequestLimits,
    html: HtmlPages,
    site: Site,
    clock: Callable[[], float],
) -> Sequence[APIRouter]:
    """Login, the way by the provider, the account, and people's own tokens.

    Args:
        clock: seconds since the epoch, UTC.
    """
    cookies = SessionCookies(login.sessions, requester, clock)
    sign_on = SignOn(login, cookies, requester, audit, limits, keys, clock)
    desk = LoginDesk(login, sign_on, cookies, forms, audit, limits, html, site, clock)
    token_desk = TokenDesk(tokens, requester, forms, audit, limits, html, site, clock)
    return (
        build_session_router(desk),
        build_sign_on_router(sign_on),
        build_own_token_router(token_desk),
        build_account_router(login, cookies, requester, forms, audit, html, site),
    )
