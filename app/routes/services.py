"""What the routes are given, and what one request carries along."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from starlette.requests import Request

from app.auth.keys import KeyRing
from app.auth.networks import Network, client_address, is_forwarded, is_https, is_in
from app.auth.principal import Authenticator
from app.cache.worker_channel import Siblings
from app.catalog import Catalog
from app.domain.access import Principal
from app.http_semantics import choose_media_type
from app.pages.contexts import Site
from app.pages.html import HtmlPages
from app.pages.static import StaticFile
from app.responses.folder_listing import FolderPages
from app.responses.kept_redirects import Redirects
from app.responses.problems import CacheHeaders
from app.responses.record import record_of
from app.storage.store import ObjectStore
from app.telemetry import AccessLog, Metrics


class Bucket(NamedTuple):
    """Where the tree is in S3.

    Attributes:
        prefix: what every key of the tree begins with; empty, or ends in `/`.
    """

    name: str
    prefix: str


Delivery = Literal["auto", "redirect", "proxy", "accel"]


@dataclass(frozen=True)
class Services:
    """Everything a route may use; wired once in `main`.

    Attributes:
        siblings: the other workers of this replica, where there are any.
        access_log: takes a line for each request; None where the log level leaves them out.
        buckets: what events that name keys may be about; none where the tree is in directories alone.
        presign_seconds: life of a presigned URL.
        clock: seconds since the epoch, UTC.
    """

    site: Site
    catalog: Catalog
    siblings: Siblings | None
    folder_pages: FolderPages
    redirects: Redirects
    cache_headers: CacheHeaders
    store: ObjectStore
    authenticator: Authenticator
    keys: KeyRing
    html: HtmlPages
    static: Mapping[str, StaticFile]
    metrics: Metrics
    access_log: AccessLog | None
    delivery: Delivery
    presign_seconds: int
    replica_id: str
    buckets: tuple[Bucket, ...] = ()
    trusted_networks: tuple[Network, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    clock: Callable[[], float] = time.time

    def identify(self, request: Request) -> Principal:
        """Who asks; noted for the log.

        Raises:
            AuthenticationFailed: credentials were sent and do not hold.
        """
        identity = self.authenticator.identify(request.headers.getlist, _peer(request), self.clock())
        record_of(request).identity = identity
        return identity.principal

    def is_https(self, request: Request) -> bool:
        """Whether the client itself came by TLS, as the connection or a trusted proxy says."""
        forwarded = request.headers.getlist("x-forwarded-proto")
        return is_https(_peer(request), request.url.scheme, forwarded, self.trusted_proxies)

    def may_leave_files(self, request: Request) -> bool:
        """Whether the answer goes to an nginx that sends files itself, and not to a client.

        What it is told there, a signed URL perhaps, is for a trusted proxy alone.
        """
        forwarded = request.headers.getlist("x-forwarded-for")
        return self.delivery == "accel" and is_forwarded(_peer(request), forwarded, self.trusted_proxies)

    def may_see_metrics(self, request: Request) -> bool:
        """Whether the request comes from this host or a trusted network.

        What a proxy forwards for others does not come from this host, even where the proxy does and nobody
        thought of making it a trusted one.
        """
        forwarded = request.headers.getlist("x-forwarded-for")
        client = client_address(_peer(request), forwarded, self.trusted_proxies)
        if client is None:
            return False
        is_forwarded = bool(forwarded) or "forwarded" in request.headers
        return is_in(client, self.trusted_networks) or (client.is_loopback and not is_forwarded)


def wants_html(request: Request) -> bool:
    """Whether the client is a browser: it names HTML, as curl's and wget's `*/*` does not, and likes it best."""
    accept = request.headers.getlist("accept")
    names_html = any("text/html" in line.lower() for line in accept)
    return names_html and choose_media_type(accept, ("text/html", "application/json")) == "text/html"


def _peer(request: Request) -> str | None:
    return request.client.host if request.client else None
