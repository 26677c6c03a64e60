"""What one server is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from app.auth.keys import KeyRing
from app.auth.links import Links
from app.auth.login import Login
from app.cache.byte_cache import ByteCache
from app.cache.response_cache import RedirectCache
from app.cache.worker_channel import WorkerChannel
from app.catalog import Catalog
from app.config import Settings
from app.pages.contexts import Site
from app.pages.html import HtmlPages
from app.pages.static import StaticFile
from app.responses.caching import CacheHeaders
from app.responses.folder_listing import FolderPages
from app.responses.listed_digests import ListedDigests
from app.responses.requester import Requester
from app.responses.search_listing import SearchListing
from app.responses.subtree_listing import SubtreeListing
from app.routes.audited import RequestAudit
from app.routes.errors import ErrorAnswers
from app.routes.limited import RequestLimits
from app.routes.linked import LinkDoor
from app.server.hosts import Hosts
from app.storage.store import ObjectStore
from app.telemetry import AccessLog, Metrics
from app.wiring.operator import Operating


class SiteParts(NamedTuple):
    """What a site has, however many servers are made of it."""

    settings: Settings
    keys: KeyRing
    login: Login
    links: Links
    html: HtmlPages
    static: Mapping[str, StaticFile]
    site: Site


class Parts(NamedTuple):
    """Beside what its site has."""

    store: ObjectStore
    metrics: Metrics
    clock: Callable[[], float]
    held: ByteCache
    catalog: Catalog
    requester: Requester
    limits: RequestLimits
    pages: FolderPages
    redirects: RedirectCache
    cache_headers: CacheHeaders
    digests: ListedDigests
    subtrees: SubtreeListing
    searches: SearchListing
    errors: ErrorAnswers
    audit: RequestAudit
    links: LinkDoor
    channel: WorkerChannel | None
    is_own_host: Hosts
    access_log: AccessLog | None
    operating: Operating
