"""Checks of the settings that only work by using them."""

from __future__ import annotations

import asyncio
import os
import time
from itertools import chain
from pathlib import Path
from typing import Final, Literal

import structlog

from app.cli.own_files import faults_of_place, own_files
from app.cli.places import fault_of_object, places_of
from app.config import ConfigError, LoadedSettings
from app.domain.errors import StoreError
from app.domain.extras import Extra, how_to_install, is_installed
from app.domain.own_file import read_own_file
from app.domain.storage_urls import S3Place
from app.main import read_site_policy
from app.pages.templates_dir import templates_directory
from app.plan import SitePlan
from app.policy.site_policy import SitePolicy
from app.server.tls import TlsFiles
from app.storage.observation import Unwatched
from app.storage.open_store import open_storage
from app.storage.store import ObjectStore
from app.telemetry import FollowedFile
from app.wiring.theme import html_pages

CHECK_SECONDS: Final = 10.0
"""Seconds that a start waits for the storage: longer than any working store needs."""

EXPIRY_WARNING_SECONDS: Final = 14 * 86400.0
"""Seconds before the end of a certificate from which on it is said."""

LOGS: Final = ("audit_file", "access_log_file")
"""The settings that name files of logs."""

_log = structlog.get_logger(__name__)

Calls = Literal["none", "warn", "need"]
"""Calls of a start to the storage: none; one to each store, whose failure is logged; or one that must be answered."""


async def check_all(
    loaded: LoadedSettings, *, calls: Calls = "none", opens_logs: bool = False
) -> tuple[SitePlan, ...]:
    """Read the policy of each site, open its storage once, and check that none of the server's own files are published.

    Args:
        calls: to make to the storage.
        opens_logs: whether to open the files of logs as well.

    Raises:
        ConfigError: with all errors, not only the first.
    """
    of_policies: list[str] = []
    licences: list[Path] = []
    plans = tuple(_site_plan(one, licences, of_policies) for one in loaded.served)
    of_places: list[str] = []
    of_storage: list[str] = []
    places: list[S3Place | Path] = []
    for one in loaded.served:
        try:
            places += places_of(one)
        except ConfigError as error:
            of_places += error.faults
        else:
            of_storage += await _faults_of_storage(one, calls)
    if of_places:
        faults = [*of_places, *of_storage, *of_policies]
    else:
        own = chain.from_iterable(own_files(one, licences, os.environ) for one in (loaded, *loaded.sites))
        directories = (place for place in places if isinstance(place, Path))
        published = [*faults_of_place(own, directories), *fault_of_object(loaded, places)]
        faults = [*of_storage, *of_policies, *published]
    if opens_logs and not faults:
        faults = faults_of_logs(loaded)
    if faults:
        raise ConfigError(tuple(dict.fromkeys(faults)))
    return plans


def _site_plan(loaded: LoadedSettings, licences: list[Path], faults: list[str]) -> SitePlan:
    """One site with its policy, an empty one where that is at fault.

    Args:
        licences: takes the files that the policy names.
        faults: takes a sentence for each fault of the policy and of the theme.
    """
    policy = SitePolicy()
    try:
        policy = read_site_policy(loaded.settings, licences.append)
    except ConfigError as error:
        faults += error.faults
    faults += _faults_of_parts(loaded, policy)
    if loaded.settings.theme_dir is not None:
        try:
            html_pages(templates_directory(), loaded.settings.theme_dir)
        except ConfigError as error:
            faults += error.faults
    return SitePlan(loaded.settings, policy, loaded.sources, loaded.site)


def read_tls(loaded: LoadedSettings) -> TlsFiles | None:
    """The certificate and its key, checked; None without TLS.

    Raises:
        ConfigError: names the file that cannot be used, and why.
    """
    certificate, key = loaded.settings.tls_certificate, loaded.settings.tls_key
    if certificate is None:
        return None
    contents: list[bytes] = []
    for name, path in (("tls_certificate", certificate), ("tls_key", key or certificate)):
        try:
            contents.append(read_own_file(path))
        except OSError as error:
            raise ConfigError((f"{loaded.named(name)}: {path} cannot be read: {error.strerror}",)) from error
    files = TlsFiles(*contents)
    try:
        files.context()
        seconds = files.expires() - time.time()
    except ValueError as error:
        raise ConfigError((f"{loaded.named('tls_certificate')}: {certificate}: {error}",)) from error
    if seconds < EXPIRY_WARNING_SECONDS:
        _log.warning("tls_certificate_expires", file=str(certificate), days=int(seconds // 86400))
    return files


def _faults_of_parts(loaded: LoadedSettings, policy: SitePolicy) -> list[str]:
    """What is asked for and not installed."""
    settings = loaded.settings
    asked: tuple[tuple[str, Extra, object], ...] = (
        (loaded.named("oidc_issuer"), "login", settings.oidc_issuer),
        (loaded.named("demo_login_groups"), "login", settings.demo_login_groups),
        (loaded.named("ldap_url"), "ldap", settings.ldap_url),
        (loaded.named("tracing"), "otel", settings.tracing == "on"),
        ("[[workload_issuers]]", "login", policy.workload_issuers),
    )
    return [
        f"{name}: the part for it {how_to_install(extra)}"
        for name, extra, value in asked
        if value and not is_installed(extra)
    ]


def faults_of_logs(loaded: LoadedSettings) -> list[str]:
    """Open the files of logs, to say at once which cannot be written."""
    faults = []
    for name in LOGS:
        path: Path | None = getattr(loaded.settings, name)
        try:
            if path is not None:
                FollowedFile(path).check()
        except OSError as error:
            faults.append(f"{loaded.named(name)}: {path} cannot be written to: {error.strerror}")
    return faults


async def _faults_of_storage(loaded: LoadedSettings, calls: Calls) -> list[str]:
    try:
        opening = open_storage(loaded.settings.storage, loaded.settings.overlay, watch=Unwatched())
    except ValueError as error:
        return [f"{loaded.named('storage')}: {str(error).removeprefix('storage ')}"]
    try:
        async with opening as store:
            fault = None if calls == "none" else await _fault_of_calls(store)
    except ValueError as error:  # something that the AWS conventions name is missing; the message names it
        return [str(error)]
    return [f"{loaded.named('storage')}: {fault}"] if fault and calls == "need" else []


async def _fault_of_calls(store: ObjectStore) -> str | None:
    """Make one call to each store and log failures. They must not stop the server from starting."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            silent = await store.check()
    except (StoreError, TimeoutError) as error:
        reason = getattr(error, "explanation", "") or str(error) or f"no answer in {CHECK_SECONDS:g} seconds"
        _log.warning("storage_fails_at_start", why=reason)
        return reason
    if silent:
        _log.warning("storage_fails_at_start", why="stores that do not answer", stores=silent)
        return f"these stores do not answer: {', '.join(silent)}"
    return None
