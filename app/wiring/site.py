"""Wires the rooms of one site together."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection

from app.auth.limits import Limits
from app.auth.links import Links
from app.auth.networks import parse_networks, parse_peers
from app.auth.passwords import Passwords
from app.auth.principal import Authenticator
from app.cache.byte_cache import ByteCache
from app.cache.freshness import Lifetimes
from app.cache.response_cache import RedirectCache, ResponseCache
from app.cache.worker_exchange import WorkerExchange
from app.catalog import Catalog, FolderSizes, FolderSorter, FolderTotals
from app.config import Settings, key_name
from app.domain.lifetime import Lifetime
from app.pages.templates_dir import templates_directory
from app.policy.site_policy import SitePolicy
from app.responses.archive_stream import ArchiveListing
from app.responses.caching import FILE_VARY, CacheHeaders, Variation
from app.responses.cross_origin import CrossOrigin
from app.responses.delivery import Delivery
from app.responses.folder_documents import DocumentReader
from app.responses.folder_listing import FolderPages
from app.responses.headers import folder_headers, page_headers
from app.responses.listed_digests import ListedDigests
from app.responses.requester import Requester
from app.responses.search_listing import SearchListing
from app.responses.shared_files import SharedFiles
from app.responses.subtree_listing import SubtreeListing
from app.routes.audited import RequestAudit
from app.routes.errors import ErrorAnswers
from app.routes.file import FileRoute
from app.routes.file_view import FileView
from app.routes.folder import FolderRoute
from app.routes.get_it import GetItRoute
from app.routes.index_files import IndexFiles
from app.routes.limited import RequestLimits
from app.routes.linked import LinkDoor
from app.routes.near import Neighbours
from app.routes.tree import TreeApp
from app.server.front_door import FrontDoor
from app.server.hosts import Hosts
from app.server.late import LateApplication
from app.storage.store import ObjectStore
from app.telemetry import Metrics
from app.wiring.catalog import build_catalog, build_worker_channel
from app.wiring.fast_path import build_fast_path
from app.wiring.late import late_reserved
from app.wiring.login import build_keys, build_login, build_workloads, site_of
from app.wiring.logs import build_access_log, build_audit
from app.wiring.operator import Operator
from app.wiring.parts import Parts, Shared, SiteParts, WiredSite
from app.wiring.revocations import build_revocations
from app.wiring.theme import html_pages


class SiteWiring:
    """The parts of a site without its store. They are made once, and any number of servers can use them.

    Args:
        settings: checked.
        policy: as `read_site_policy` gives it.
        age_clock: seconds, for the age of what other services said; never goes back.
        name: of the site; empty where there is only one.
        other_hosts: host names of other sites.
    """

    def __init__(
        self,
        settings: Settings,
        policy: SitePolicy,
        age_clock: Callable[[], float] = time.monotonic,
        *,
        name: str = "",
        other_hosts: Collection[str] = (),
    ) -> None:
        self._settings = settings
        self._policy = policy
        self._name = name
        self._hosts = Hosts(settings.site_hosts, other_hosts)
        keys, revocations = build_keys(settings, key_name(name)), build_revocations(settings)
        self.revocations = revocations
        login = build_login(settings, keys, revocations, age_clock)
        self._own = SiteParts(
            settings=settings,
            keys=keys,
            login=login,
            links=Links(keys, revocations),
            html=html_pages(templates_directory(), settings.theme_dir, policy.looks),
            site=site_of(settings, login),
        )
        self._networks = parse_networks(settings.trusted_networks)
        self._proxies = parse_peers(settings.trusted_proxies)
        self._cross_origin = CrossOrigin(settings.cors_origins)
        self._variation = Variation(settings.root_path, by_origin=self._cross_origin.depends_on_origin)
        self._workloads = build_workloads(policy.workload_issuers, age_clock)
        passwords = Passwords(login.directory) if login.directory else None
        self._authenticator = Authenticator(
            keys, login.sessions, revocations, self._networks, self._proxies, self._workloads, passwords
        )

    def open(
        self,
        store: ObjectStore,
        metrics: Metrics,
        *,
        age_clock: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
        held: ByteCache | None = None,
        lifetimes: Lifetimes | None = None,
        shared: Shared | None = None,
        exchange: WorkerExchange | None = None,
    ) -> WiredSite:
        """Make a server.

        Args:
            store: open, for as long as the server is used.
            age_clock: seconds, for the age of folders; never goes back.
            clock: seconds since the epoch, UTC.
            held: keeps folders and pages; None for one of the size in the settings.
            lifetimes: of folders; None for those of the settings.
            shared: with the other sites of the process; None for a site alone.
            exchange: as `build_catalog` takes it.
        """
        shared = shared or self._alone(metrics, age_clock)
        held = ByteCache(self._settings.cache_bytes) if held is None else held
        closed, versions = metrics.folders_closed.inc, shared.versions
        catalog = build_catalog(
            self._settings, self._policy, store, held, age_clock, lifetimes, closed, versions, exchange
        )
        shared.operator.watch(self._name, store, catalog, held, self._settings.cache_bytes)
        parts = self._parts(store, metrics, catalog, held, age_clock, clock, shared)
        reserved = late_reserved(parts, self._own)
        return WiredSite(
            self._front_door(parts, reserved),
            catalog,
            self._authenticator,
            self._own.login,
            self._workloads,
            parts.channel,
            parts.access_log,
            shared.operator,
            reserved,
        )

    def _alone(self, metrics: Metrics, age_clock: Callable[[], float]) -> Shared:
        operator = Operator(self._settings, {}, self._own.keys, Lifetime(), metrics, age_clock)
        return Shared(operator, Limits(age_clock), itertools.count(), tracing=None)

    def _front_door(self, parts: Parts, reserved: LateApplication) -> FrontDoor:
        fast_path = build_fast_path(self._settings, self._policy, parts, self._variation, self._cross_origin)
        return FrontDoor(
            self._tree(parts),
            reserved,
            errors=parts.errors,
            fast_path=fast_path,
            root_paths=parts.requester.root_paths,
            variation=self._variation,
            cross_origin=self._cross_origin,
            is_own_host=parts.is_own_host,
            metrics=parts.metrics,
            access_log=parts.access_log,
            tracing=parts.tracing,
            replica_id=self._settings.replica_id,
        )

    def _parts(
        self,
        store: ObjectStore,
        metrics: Metrics,
        catalog: Catalog,
        held: ByteCache,
        age_clock: Callable[[], float],
        clock: Callable[[], float],
        shared: Shared,
    ) -> Parts:
        settings = self._settings
        vary = {"Vary": self._variation.of(FILE_VARY, settings.root_path)}
        requester = Requester(
            self._authenticator, self._networks, self._proxies, clock, settings.root_path, shared.limits
        )
        audit = RequestAudit(build_audit(settings, clock, self._name), requester, self._own.login.sessions)
        shared_files = SharedFiles(catalog, store)
        digests = ListedDigests(shared_files, held)
        return Parts(
            store=store,
            metrics=metrics,
            clock=clock,
            age_clock=age_clock,
            held=held,
            catalog=catalog,
            requester=requester,
            limits=RequestLimits(shared.limits, requester, self._networks),
            pages=self._pages(held, shared_files, digests),
            redirects=RedirectCache(held, page_headers(settings.replica_id) | vary, clock=clock),
            cache_headers=CacheHeaders(settings.cache_ttl, settings.cache_grace, settings.cache_max_stale),
            digests=digests,
            subtrees=SubtreeListing(catalog, store, digests, clock),
            searches=SearchListing(catalog, self._own.html, self._own.site, age_clock),
            errors=ErrorAnswers(self._own.html, self._own.site, requester.origin_url, Neighbours(catalog)),
            audit=audit,
            links=LinkDoor(self._own.links, requester, audit, clock),
            channel=build_worker_channel(catalog, self._name),
            operator=shared.operator,
            is_own_host=self._hosts,
            access_log=build_access_log(settings, metrics.log_lines_dropped.inc, self._name),
            tracing=shared.tracing,
        )

    def _pages(self, held: ByteCache, shared_files: SharedFiles, digests: ListedDigests) -> FolderPages:
        return FolderPages(
            self._own.site,
            self._own.html,
            ResponseCache(held),
            FolderSorter(held),
            FolderTotals(held),
            self._policy.serving,
            DocumentReader(shared_files, held),
            digests.of,
            folder_headers(self._settings.replica_id),
            self._variation,
        )

    def _tree(self, parts: Parts) -> TreeApp:
        """The application for paths of the tree."""
        catalog, serving = parts.catalog, self._policy.serving
        delivery = Delivery(
            parts.store,
            parts.redirects,
            parts.digests,
            serving=serving,
            mode=self._settings.delivery,
            requester=parts.requester,
            presign_seconds=self._settings.presign_seconds,
            clock=parts.clock,
            site=key_name(self._name),
        )
        index_files = IndexFiles(catalog, delivery, parts.audit, serving)
        get_it = GetItRoute(
            catalog, parts.digests, self._own.html, self._own.site, parts.requester.origin_url, parts.clock
        )
        return TreeApp(
            FolderRoute(
                catalog,
                parts.pages,
                FolderSizes(catalog.folders, FolderTotals(parts.held)),
                parts.subtrees,
                parts.searches,
                parts.cache_headers,
                index_files,
                get_it,
                ArchiveListing(
                    catalog,
                    parts.store,
                    parts.audit.note_acceptances,
                    are_allowed=self._settings.archives == "on",
                ),
                parts.requester.origin_url,
            ),
            FileRoute(catalog, delivery, parts.audit, FileView(parts.store, self._own.html, self._own.site)),
            parts.requester,
            parts.links,
            parts.errors,
            parts.audit,
            parts.limits,
            redirects_links=self._settings.links == "redirect",
        )
