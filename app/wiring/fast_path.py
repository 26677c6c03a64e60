"""Wires what answers without ASGI."""

from __future__ import annotations

from app.config import Settings
from app.policy.site_policy import SitePolicy
from app.responses.caching import Variation
from app.responses.cross_origin import CrossOrigin
from app.responses.headers import shared_headers
from app.responses.small_files import SmallFiles
from app.server.fast_lookup import FastLookup
from app.server.fast_notes import FastNotes
from app.server.fast_path import FastPath
from app.server.fast_request import RequestReader
from app.server.last_answers import LastAnswers
from app.wiring.parts import Parts


def build_fast_path(
    settings: Settings, policy: SitePolicy, parts: Parts, variation: Variation, cross_origin: CrossOrigin
) -> FastPath:
    """The fast path of one server.

    Args:
        settings: checked.
        policy: as `read_site_policy` gives it.
        parts: of the same server.
        variation: says on what else answers depend.
        cross_origin: says which other sites may read what anybody gets.
    """
    small_files = SmallFiles(
        parts.catalog,
        parts.store,
        parts.held,
        parts.digests,
        serving=policy.serving,
        mode=settings.delivery,
        root_path=settings.root_path,
        variation=variation,
        shared=shared_headers(settings.replica_id),
        clock=parts.clock,
    )
    lookup = FastLookup(
        parts.catalog,
        parts.pages,
        parts.redirects,
        small_files,
        parts.limits,
        parts.cache_headers,
        policy.serving,
    )
    notes = FastNotes(
        metrics=parts.metrics,
        access_log=parts.access_log,
        tracing=parts.tracing,
        replica_id=settings.replica_id,
    )
    reader = RequestReader(parts.requester, parts.is_own_host, cross_origin)
    return FastPath(reader, lookup, LastAnswers(parts.held, parts.age_clock), notes)
