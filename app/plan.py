"""What a server is made of, as it was read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from app.config import Settings
from app.domain.lifetime import Reload
from app.policy.site_policy import SitePolicy
from app.server.tls import TlsFiles


class Plan(NamedTuple):
    """Everything that comes from files, so that all workers of a replica go by the same.

    Attributes:
        settings: checked.
        policy: as `read_site_policy` gives it.
        sources: for each setting, where its value came from.
        tls: the certificate and its key; None without TLS.
        reload: the attempt to read all this again that was made last; None before the first.
    """

    settings: Settings
    policy: SitePolicy
    sources: Mapping[str, str] = MappingProxyType({})
    tls: TlsFiles | None = None
    reload: Reload | None = None

    def next_reload(self, at: float) -> Reload:
        """Another attempt, at this time."""
        return Reload(self.reload.number + 1 if self.reload else 1, at)
