"""Limits how many requests of some kinds a client may send."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from starlette.requests import Request

from app.auth.limits import Limit, Limits, client_key
from app.auth.networks import Address, Network, is_in
from app.domain.errors import AmbiguousPattern, NotFound, PierheadError, TooManyRequests
from app.responses.requester import Requester


class RequestLimits:
    """Limits the requests of each client.

    Args:
        limits: count.
        requester: knows the client's address.
        trusted_networks: clients in them are not limited.
    """

    def __init__(self, limits: Limits, requester: Requester, trusted_networks: tuple[Network, ...]) -> None:
        self._limits = limits
        self._requester = requester
        self._trusted_networks = trusted_networks

    async def admit(self, request: Request) -> None:
        """Check that a client has not requested too many absent paths.

        The request is refused before anything is looked up, so it does not burden the storage and reveals nothing.

        Raises:
            TooManyRequests: it has.
        """
        if not self._is_exempt(request):
            self._limits.check(Limit.MISSES, self._client(request))

    def room_for(self, client: Address) -> Callable[[], bool] | None:
        """What says, each time, whether `admit` would let a client of this address through; None if it always would."""
        if self._is_exempt_address(client):
            return None
        return partial(self._limits.allows, Limit.MISSES, client_key(client))

    def error_after(self, request: Request, error: PierheadError) -> PierheadError:
        """Count a request that failed, and return the error to answer with."""
        if isinstance(error, NotFound | AmbiguousPattern) and not self._is_exempt(request):
            try:
                self._limits.take(Limit.MISSES, self._client(request))
            except TooManyRequests as too_many:
                return too_many
        return error

    def count_wildcard(self, request: Request) -> None:
        """Count a search by pattern.

        Raises:
            TooManyRequests: the client has sent too many.
        """
        if not self._is_exempt(request):
            self._limits.take(Limit.WILDCARDS, self._client(request))

    def count_licence(self, request: Request) -> None:
        """Count an answer to a licence. Raises as `count_wildcard`."""
        self._limits.take(Limit.LICENCES, self._client(request))

    def count_link(self, request: Request) -> None:
        """Count a new link. Raises as `count_wildcard`."""
        self._limits.take(Limit.LINKS, self._client(request))

    def count_login(self, request: Request, user: str = "") -> None:
        """Count an attempt to log in, whether it succeeds or not. Raises as `count_wildcard`.

        Args:
            user: the name in the form; empty if it is not known yet.
        """
        self._limits.count_login(self._requester.client(request), user)

    def count_token(self, user: str) -> None:
        """Count a token that a user makes. Raises as `count_wildcard`."""
        self._limits.take(Limit.TOKENS, user)

    def _client(self, request: Request) -> str:
        return client_key(self._requester.client(request))

    def _is_exempt(self, request: Request) -> bool:
        # A proxy on this host that is not configured would make this host's address everybody's.
        client = self._requester.client(request)
        if client is None:  # the peer has no address, or a proxy hides whose it is
            return not self._requester.is_by_proxy(request)
        return self._is_exempt_address(client)

    def _is_exempt_address(self, client: Address) -> bool:
        return client.is_loopback or is_in(client, self._trusted_networks)
