"""What one server is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from app.auth.keys import KeyRing
from app.auth.limits import Limits
from app.auth.links import Links
from app.auth.login import Login
from app.auth.principal import Authenticator
from app.cache.byte_cache import ByteCache
from app.cache.response_cache import RedirectCache
from app.cache.worker_channel import WorkerChannel
from app.catalog import Catalog
from app.config import Settings
from app.pages.contexts import Site
from app.pages.html import HtmlPages
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
from app.server.front_door import FrontDoor
from app.server.hosts import Hosts
from app.server.late import LateApplication
from app.storage.store import ObjectStore
from app.telemetry import AccessLog, Metrics
from app.wiring.operator import Operator

if TYPE_CHECKING:
    from app.auth.oidc.workloads import Workloads
    from app.telemetry.tracing import Tracing


class SiteParts(NamedTuple):
    """What a site has, however many servers are made of it."""

    settings: Settings
    keys: KeyRing
    login: Login
    links: Links
    html: HtmlPages
    site: Site


class Parts(NamedTuple):
    """Beside what its site has."""

    store: ObjectStore
    metrics: Metrics
    clock: Callable[[], float]
    age_clock: Callable[[], float]
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
    tracing: Tracing | None
    operator: Operator


class WiredSite(NamedTuple):
    """One site, ready to answer.

    Attributes:
        workloads: believes tokens of other issuers; None where there are none.
        channel: to the other workers of this replica, if there are any.
        access_log: takes a line for each request; None if the log level leaves them out.
        operator: sees it.
        late: to be loaded soon after the start.
    """

    front_door: FrontDoor
    catalog: Catalog
    authenticator: Authenticator
    login: Login
    workloads: Workloads | None
    channel: WorkerChannel | None
    access_log: AccessLog | None
    operator: Operator
    late: LateApplication


class Shared(NamedTuple):
    """What the sites of one process have in common.

    Attributes:
        operator: sees all of them.
        limits: count what one client or user asks of any of them.
        versions: as `Lifetime` has them.
        tracing: makes spans; None for none.
    """

    operator: Operator
    limits: Limits
    versions: Iterator[int]
    tracing: Tracing | None
