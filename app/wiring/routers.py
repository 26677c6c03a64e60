"""Wires the routes of reserved paths."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Depends

from app.auth.own_tokens import OwnTokens
from app.routes.account import build_account_router
from app.routes.forms import Forms
from app.routes.health import build_health_router
from app.routes.invalidate import build_invalidate_router
from app.routes.legacy_api import build_legacy_router
from app.routes.licence import LicenceDesk, build_licence_router
from app.routes.limited import RequestLimits
from app.routes.manifest import build_manifest_router
from app.routes.own_token import TokenDesk, build_own_token_router
from app.routes.session import LoginDesk, build_session_router
from app.routes.session_cookie import SessionCookies
from app.routes.share import ShareDesk, build_share_router
from app.routes.sign_on import SignOn, build_sign_on_router
from app.routes.static import build_static_router
from app.wiring.catalog import buckets_of
from app.wiring.parts import Parts, SiteParts


def build_routers(parts: Parts, own: SiteParts) -> Sequence[APIRouter]:
    """One for each family of reserved paths.

    Args:
        own: of the site.
    """
    catalog, requester = parts.catalog, parts.requester
    forms = Forms(own.keys, requester, parts.clock)
    return (
        build_health_router(parts.operator.probes, requester),
        _guarded(build_legacy_router(catalog, parts.pages, requester), parts.limits),
        _guarded(build_manifest_router(parts.subtrees, requester), parts.limits),
        build_invalidate_router(catalog, requester, parts.channel, buckets_of(own.settings)),
        _guarded(build_licence_router(_licence_desk(parts, own, forms)), parts.limits),
        _guarded(build_share_router(_share_desk(parts, own, forms)), parts.limits),
        build_own_token_router(_token_desk(parts, own, forms)),
        *_login_routers(parts, own, forms),
        build_static_router(own.html.static),
    )


def _guarded(router: APIRouter, limits: RequestLimits) -> APIRouter:
    """The same routes, closed to clients that have requested too many absent paths."""
    guarded = APIRouter(dependencies=[Depends(limits.admit)])
    guarded.include_router(router)
    return guarded


def _licence_desk(parts: Parts, own: SiteParts, forms: Forms) -> LicenceDesk:
    return LicenceDesk(
        parts.catalog,
        parts.requester,
        parts.links,
        own.keys,
        forms,
        parts.audit,
        parts.limits,
        own.html,
        own.site,
        parts.clock,
    )


def _share_desk(parts: Parts, own: SiteParts, forms: Forms) -> ShareDesk:
    return ShareDesk(
        parts.catalog,
        parts.requester,
        own.links,
        forms,
        parts.audit,
        parts.limits,
        own.html,
        own.site,
        own.settings.link_seconds,
        parts.clock,
    )


def _token_desk(parts: Parts, own: SiteParts, forms: Forms) -> TokenDesk:
    tokens = OwnTokens(own.keys, own.settings.user_token_seconds)
    return TokenDesk(
        tokens, parts.requester, forms, parts.audit, parts.limits, own.html, own.site, parts.clock
    )


def _login_routers(parts: Parts, own: SiteParts, forms: Forms) -> Sequence[APIRouter]:
    login, html, site = own.login, own.html, own.site
    requester, audit, limits, clock = parts.requester, parts.audit, parts.limits, parts.clock
    cookies = SessionCookies(login.sessions, requester, clock)
    sign_on = SignOn(login, cookies, requester, audit, limits, own.keys, clock)
    desk = LoginDesk(login, sign_on, cookies, forms, audit, limits, html, site, clock)
    return (
        build_session_router(desk),
        build_sign_on_router(sign_on),
        build_account_router(login, cookies, requester, forms, audit, html, site),
    )
