"""Finds out who sent a request, from where and how."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from starlette.requests import Request

from app.auth.fields import ACCEPTANCES
from app.auth.forwarding import Proxies
from app.auth.licences import header_acceptances
from app.auth.limits import Limits
from app.auth.networks import Address, Network, is_in
from app.auth.principal import Authenticator, Identity
from app.auth.root_paths import RootPaths
from app.auth.sessions import Session, Sessions
from app.auth.unchecked import Unchecked
from app.domain.access import Principal
from app.domain.errors import LoginUnavailable
from app.domain.mounts import Mount
from app.domain.paths import ArtifactPath
from app.http_semantics import FieldLines, choose_media_type
from app.responses.parsed_request import ParsedRequest, parsed_request
from app.responses.record import record_of


class Requester:
    """Finds out who sent a request. No other code does.

    Args:
        authenticator: reads credentials.
        trusted_networks: clients in them may see the metrics.
        trusted_proxies: peers whose forwarding fields are believed.
        clock: seconds since the epoch, UTC.
        root_path: below which the site is, by its setting.
        limits: count names and passwords that are tried.

    Attributes:
        root_paths: tell below which path a request asks for the site.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        trusted_networks: tuple[Network, ...] = (),
        trusted_proxies: tuple[Network, ...] = (),
        clock: Callable[[], float] = time.time,
        root_path: str = "",
        limits: Limits | None = None,
    ) -> None:
        self._authenticator = authenticator
        self._networks = trusted_networks
        self._proxies = Proxies(trusted_proxies)
        self._clock = clock
        self._limits = limits or Limits(time.monotonic)
        self.root_paths = RootPaths(root_path, trusted_proxies)

    async def identify(self, request: Request) -> Principal:
        """Who sent a request. It is noted for the log. Asks another service if that is needed.

        Raises:
            As `Authenticator.identify`, but for `Unchecked`; and as what that has asked.
        """
        fields, peer, scheme = request.headers.getlist, _peer(request), request.url.scheme
        for _ in range(2):
            try:
                identity = self.identity_of(fields, peer, scheme)
            except Unchecked as unchecked:
                await unchecked.ask(partial(self._limits.count_login, self.client(request)))
            else:
                record_of(request).identity = identity
                return identity.principal
        raise LoginUnavailable  # what was answered is not remembered any more

    def identity_of(self, fields: FieldLines, peer: str | None, scheme: str) -> Identity:
        """Who sends a request with these fields.

        Args:
            peer: address of the other end of the connection; None where it has none.
            scheme: of the connection.

        Raises:
            As `Authenticator.identify` and `RootPaths.of`.
        """
        encrypted = self._proxies.is_https(fields, peer, scheme)
        root_path = self.root_paths.of(fields("x-forwarded-prefix"), peer)
        return self._authenticator.identify(
            fields, peer, self._clock(), is_https=encrypted, root_path=root_path
        )

    @property
    def takes_passwords(self) -> bool:
        """Whether there may be passwords in requests. Nothing of them may be kept."""
        return self._authenticator.takes_passwords

    def holds(self, identity: Identity) -> bool:
        """Whether the credentials of an earlier request are still valid."""
        return self._authenticator.still_holds(identity, self._clock())

    async def parse(self, request: Request, path: ArtifactPath, mount: Mount) -> ParsedRequest:
        """What a request for a path of the tree asks for, and where. Raises as `identify`."""
        await self.identify(request)
        identity = record_of(request).identity
        assert identity is not None
        fields = request.headers.getlist
        parsed = parsed_request(path, identity, fields("accept"), fields("accept-encoding"))
        return parsed._replace(mount=mount)

    def client(self, request: Request) -> Address | None:
        """The address a request comes from; None if that is not known."""
        return self._proxies.client(request.headers.getlist, _peer(request))

    def is_https(self, request: Request) -> bool:
        """Whether the client uses TLS, by the connection or by a trusted proxy's word."""
        return self._proxies.is_https(request.headers.getlist, _peer(request), request.url.scheme)

    def site_url(self, request: Request, path: str) -> str:
        """A path of this site as a URL, with the host and root path of the request."""
        return self.origin_url(request, f"{record_of(request).root_path}{path}")

    def origin_url(self, request: Request, path: str) -> str:
        """A path of this host as a URL, with the host of the request."""
        host = request.headers.get("host", "")
        return self.origin(request.headers.getlist, _peer(request), request.url.scheme, host) + path

    def origin(self, fields: FieldLines, peer: str | None, scheme: str, host: str) -> str:
        """Scheme and host of a request.

        Args:
            fields: gives the lines of a header field.
            peer: address that the connection comes from.
            scheme: of the connection.
            host: value of the Host field.
        """
        is_https = self._proxies.is_https(fields, peer, scheme)
        return f"{'https' if is_https else 'http'}://{host}"

    def accepted_by_header(self, request: Request) -> frozenset[str]:
        """Digests of the licences that a script says it accepts with this very request."""
        return header_acceptances(*(request.headers.getlist(name) for name in ACCEPTANCES))

    def session(self, request: Request, sessions: Sessions) -> Session | None:
        """The session of a client, even if its groups must be refreshed. Raises as `Sessions.read`."""
        return sessions.read(
            request.headers.getlist("cookie"),
            self._clock(),
            is_https=self.is_https(request),
            root_path=record_of(request).root_path,
        )

    def revoked_session(self, request: Request, sessions: Sessions) -> Session | None:
        """The session of a client whose session was revoked. Raises as `Sessions.read`."""
        return sessions.read_revoked(
            request.headers.getlist("cookie"),
            self._clock(),
            is_https=self.is_https(request),
            root_path=record_of(request).root_path,
        )

    def is_by_proxy(self, request: Request) -> bool:
        """Whether the answer goes to a trusted proxy, which sends it on to the client."""
        return self._proxies.is_by_proxy(request.headers.getlist, _peer(request))

    def may_see_metrics(self, request: Request) -> bool:
        """Whether the request comes from a trusted network. That it comes from this host says nothing: so does a proxy
        that passes on what strangers ask."""
        client = self.client(request)
        return client is not None and is_in(client, self._networks)


def wants_html(request: Request) -> bool:
    """Whether the client is a browser: its Accept names HTML, unlike the `*/*` of curl and wget, and prefers it."""
    accept = request.headers.getlist("accept")
    names_html = any("text/html" in line.lower() for line in accept)
    return names_html and choose_media_type(accept, ("text/html", "application/json")) == "text/html"


def _peer(request: Request) -> str | None:
    return request.client.host if request.client else None
