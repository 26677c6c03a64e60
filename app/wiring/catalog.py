"""Builds the catalog over an open store."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Final

from app.cache.byte_cache import ByteCache
from app.cache.freshness import Lifetimes
from app.cache.listing_cache import ListingCache
from app.cache.worker_channel import WorkerChannel
from app.cache.worker_exchange import WorkerExchange
from app.catalog import Catalog, SnapshotLoader, cost_of, is_same
from app.catalog.shared_listings import SharedListings
from app.config import Settings
from app.domain.storage_urls import S3Place, parse_storage_url
from app.pages.templates_dir import load_default_licences, templates_directory
from app.policy.eula import DefaultLicences
from app.policy.site_policy import SitePolicy
from app.storage.store import ObjectStore
from app.wiring.meeting import meeting_place

DEFAULT_LICENCE: Final = "default"


def build_catalog(
    settings: Settings,
    site_policy: SitePolicy,
    store: ObjectStore,
    held: ByteCache,
    clock: Callable[[], float] = time.monotonic,
    lifetimes: Lifetimes | None = None,
    note_closed: Callable[[], None] = lambda: None,
    versions: Iterator[int] | None = None,
    exchange: WorkerExchange | None = None,
) -> Catalog:
    """The catalog over an open store.

    Args:
        held: keeps the folders.
        clock: seconds, for the age of folders; never goes back.
        lifetimes: of folders; None for those of the settings.
        note_closed: as `SnapshotLoader` takes it.
        versions: as `SnapshotLoader` takes them; None where there is no other catalog.
        exchange: with the other workers of the replica, if they read a folder for each other.
    """
    numbers = itertools.count() if versions is None else versions
    loader = _loader_of(settings, site_policy, store, note_closed, numbers)
    folders = ListingCache(
        loader.load,
        held=held,
        cost=cost_of,
        is_same=is_same,
        lifetimes=lifetimes or Lifetimes(settings.cache_ttl, settings.cache_grace, settings.cache_max_stale),
        replica=settings.replica_id,
        clock=clock,
        borrow=SharedListings(loader, exchange.ask).borrow if exchange else None,
    )
    return Catalog(
        store,
        folders,
        loader,
        site_policy,
        look=loader.load_with,
        absent_seconds=folders.missing_seconds,
        clock=clock,
    )


def _loader_of(
    settings: Settings,
    site_policy: SitePolicy,
    store: ObjectStore,
    note_closed: Callable[[], None],
    versions: Iterator[int],
) -> SnapshotLoader:
    texts = load_default_licences(templates_directory())
    buckets = buckets_of(settings)
    return SnapshotLoader(
        store,
        site=site_policy,
        default_public=settings.default_tier == "public",
        default_licences=DefaultLicences(texts, DEFAULT_LICENCE),
        versions=versions,
        # The prefix that publishing tools of older servers put before the path in a link file.
        link_prefix=buckets[0].prefix if buckets else "",
        note_closed=note_closed,
    )


def buckets_of(settings: Settings) -> tuple[S3Place, ...]:
    """The buckets of the tree; none if it is only in directories."""
    urls = (*settings.storage, *((settings.overlay,) if settings.overlay else ()))
    places = map(parse_storage_url, urls)
    return tuple(place for place in places if isinstance(place, S3Place))


def build_worker_channel(catalog: Catalog, site: str = "") -> WorkerChannel | None:
    """To the other workers of this replica; None where there are none.

    Args:
        site: name of the site; empty where there is only one.
    """
    directory = meeting_place(site)
    return None if directory is None else WorkerChannel(directory, catalog.invalidate)


def build_exchange(settings: Settings, identity: object, site: str = "") -> WorkerExchange | None:
    """With the other workers of this replica; None where there are none, or where a folder costs nothing to read.

    Args:
        identity: of the storage, as `SitePlan` has it.
        site: name of the site; empty where there is only one.
    """
    directory = meeting_place(site)
    if directory is None or not buckets_of(settings):
        return None
    return WorkerExchange(directory, repr((settings.storage, settings.overlay, identity)))
