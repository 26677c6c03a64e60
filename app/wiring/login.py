"""Builds the logins that the settings name."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from app.auth.demo import DemoDirectory
from app.auth.keys import KeyRing
from app.auth.login import Login
from app.auth.login_groups import GroupNames
from app.auth.people import Directory
from app.auth.revocation import Revocations
from app.auth.sessions import SessionLives, Sessions
from app.config import Settings
from app.config.page_settings import PageSettings
from app.pages.contexts import Site
from app.policy.workloads import WorkloadIssuer

if TYPE_CHECKING:
    from app.auth.oidc.client import OidcClient
    from app.auth.oidc.workloads import Workloads


def build_keys(settings: Settings, site: str = "") -> KeyRing:
    """The keys that sign and seal; there is at least one.

    Args:
        site: as `KeyRing` takes it.
    """
    return KeyRing([key.get_secret_value() for key in settings.secret_keys], site)


def build_login(
    settings: Settings,
    keys: KeyRing,
    revocations: Revocations,
    age_clock: Callable[[], float] = time.monotonic,
) -> Login:
    """The ways to log in; none if no setting names one.

    Args:
        keys: seal sessions.
        revocations: knows which sessions are revoked.
        age_clock: seconds, for the age of what the provider said; never goes back.
    """
    lives = SessionLives(
        settings.session_seconds, settings.session_idle_seconds, settings.session_refresh_seconds
    )
    login = Login(
        Sessions(keys, lives, settings.session_epoch, revocations),
        _provider(settings, age_clock),
        _directory(settings),
    )
    if login.is_possible:
        import_module("app.auth.encryption")  # now, as that would hold up the first request with a session
    return login


def build_workloads(issuers: Sequence[WorkloadIssuer], age_clock: Callable[[], float]) -> Workloads | None:
    """What believes tokens of other issuers; None where the policy names none.

    Args:
        age_clock: seconds, for the age of their keys; never goes back.
    """
    if not issuers:
        return None
    from app.auth.fetch import JsonFetcher
    from app.auth.oidc.issuer import Issuer
    from app.auth.oidc.workloads import Workloads

    fetcher = JsonFetcher()
    return Workloads((said, Issuer(said.url, fetcher, age_clock)) for said in issuers)


def site_of(settings: Settings, login: Login) -> Site:
    """What pages say about the site."""
    return Site(
        settings.site_title,
        has_login=login.is_possible,
        contact=_contact_url(settings.contact),
        has_tokens=login.is_possible and settings.user_token_seconds > 0,
        may_share=login.is_possible and settings.link_seconds > 0,
        root_path=settings.root_path,
        shown={name: getattr(settings, name) for name in PageSettings.model_fields},
    )


def _contact_url(contact: str | None) -> str:
    """The contact as a URL: a mail address becomes a `mailto:` link."""
    if contact is None or ":" in contact:
        return contact or ""
    return f"mailto:{contact}"


def _provider(settings: Settings, age_clock: Callable[[], float]) -> OidcClient | None:
    if settings.oidc_issuer is None:
        return None
    # A site without a provider does not load the HTTP client for one.
    from app.auth.fetch import JsonFetcher
    from app.auth.oidc.client import OidcClient, OidcSettings
    from app.auth.oidc.issuer import Issuer

    secret = settings.oidc_client_secret
    known_as = OidcSettings(
        client_id=settings.oidc_client_id or "",
        client_secret=secret.get_secret_value() if secret else "",
        scopes=settings.oidc_scopes,
        user_claim=settings.oidc_user_claim,
        groups_claim=settings.oidc_groups_claim,
    )
    fetcher = JsonFetcher()
    issuer = Issuer(settings.oidc_issuer, fetcher, age_clock)
    return OidcClient(known_as, issuer, fetcher, GroupNames(settings.login_groups))


def _directory(settings: Settings) -> Directory | None:
    if settings.demo_login_groups:
        return DemoDirectory(frozenset(settings.demo_login_groups))
    if settings.ldap_url is None:
        return None
    from app.auth.ldap import LdapDirectory, LdapSettings

    password = settings.ldap_bind_password
    where = LdapSettings(
        url=settings.ldap_url,
        user_base=settings.ldap_user_base or "",
        user_filter=settings.ldap_user_filter,
        group_base=settings.ldap_group_base or "",
        group_filter=settings.ldap_group_filter,
        bind_dn=settings.ldap_bind_dn or "",
        bind_password=password.get_secret_value() if password else "",
        ca_file=str(settings.ldap_ca_file or ""),
    )
    return LdapDirectory(where, GroupNames(settings.login_groups))
