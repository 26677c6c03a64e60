"""Wires the routes of reserved paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastapi import APIRouter

from app.auth.keys import KeyRing
from app.auth.links import Links
from app.auth.login import Login
from app.auth.own_tokens import OwnTokens
from app.config import Settings
from app.pages.contexts import Site
from app.pages.html import HtmlPages
from app.pages.static import StaticFile
from app.routes.forms import Forms
from app.routes.health import build_health_router
from app.routes.invalidate import build_invalidate_router
from app.routes.legacy_api import build_legacy_router
from app.routes.licence import LicenceDesk, build_licence_router
from app.routes.manifest import build_manifest_router
from app.routes.share import ShareDesk, build_share_router
from app.routes.static import build_static_router
from app.wiring.catalog import buckets_of
from app.wiring.login_routes import build_login_routers
from app.wiring.parts import Parts


def build_routers(
    parts: Parts,
    settings: Settings,
    login: Login,
    keys: KeyRing,
    links: Links,
    html: HtmlPages,
    static: Mapping[str, StaticFile],
    site: Site,
) -> Sequence[APIRouter]:
    """One for each family of reserved paths."""
    catalog, requester, clock, limits = parts.catalog, parts.requester, parts.clock, parts.limits
    forms = Forms(keys, requester, clock)
    return (
        build_health_router(parts.store, parts.metrics, requester),
        limits.guarding(build_legacy_router(catalog, parts.pages, requester)),
        limits.guarding(build_manifest_router(parts.subtrees, requester)),
        build_invalidate_router(catalog, requester, parts.channel, buckets_of(settings)),
        limits.guarding(
            build_licence_router(
                LicenceDesk(
                    catalog,
                    requester,
                    parts.links,
                    keys,
                    forms,
                    parts.audit,
                    limits,
                    html,
                    site,
                    clock,
                )
            )
        ),
        *build_login_routers(
            login,
            OwnTokens(keys, settings.user_token_seconds),
            keys,
            requester,
            parts.audit,
            forms,
            limits,
            html,
            site,
            clock,
        ),
        limits.guarding(
            build_share_router(
                ShareDesk(
                    catalog,
                    requester,
                    links,
                    forms,
                    parts.audit,
                    limits,
                    html,
                    site,
                    settings.link_seconds,
                    clock,
                )
            )
        ),
        build_static_router(static),
    )
