"""What a server is made of, as it was read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from app.config import MAIN_SITE, Settings
from app.domain.lifetime import Reload
from app.policy.site_policy import SitePolicy
from app.server.tls import TlsFiles


class SitePlan(NamedTuple):
    """One site.

    Attributes:
        settings: checked.
        policy: as `read_site_policy` gives it.
        sources: for each setting, where its value came from.
        name: of the site; empty where there is only one.
        identity: what the storage of these settings is at present, as `identity_of` gives it.
    """

    settings: Settings
    policy: SitePolicy
    sources: Mapping[str, str] = MappingProxyType({})
    name: str = ""
    identity: tuple[object, ...] = ()

    def reads_folders_like(self, other: SitePlan) -> bool:
        """Whether a folder that was read by one of them is the same by the other: what is in it, and its rules."""
        return self._of_folders == other._of_folders

    @property
    def _of_folders(self) -> tuple[object, ...]:
        settings = self.settings
        return settings.storage, settings.overlay, settings.default_tier, self.policy, self.identity

    @property
    def is_main(self) -> bool:
        """Whether it is of settings outside all tables."""
        return self.name in ("", MAIN_SITE)


class Plan(NamedTuple):
    """Everything that comes from files, so that all workers of a replica go by the same.

    Attributes:
        settings: those outside the tables of sites, checked.
        sites: what is served; at least one.
        sources: for each setting, where its value came from.
        tls: the certificate and its key; None without TLS.
        reload: the attempt to read all this again that was made last; None before the first.
    """

    settings: Settings
    sites: tuple[SitePlan, ...]
    sources: Mapping[str, str] = MappingProxyType({})
    tls: TlsFiles | None = None
    reload: Reload | None = None

    @property
    def has_tables(self) -> bool:
        """Whether sites have tables of their own, so that a request goes to the site of its host name."""
        return any(site.name for site in self.sites)

    def next_reload(self, at: float) -> Reload:
        """Another attempt, at this time."""
        return Reload(self.reload.number + 1 if self.reload else 1, at)
