"""Several sites in one process: each request goes to the site of its host name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from app.domain.hosts import host_of
from app.server.fast_path import MISSED, FastPath, WriteAnswer
from app.server.fast_request import FastRequest

_HOST: Final = re.compile(rb"\nhost:[ \t]*([^\r\n]*)", re.IGNORECASE)
"""The first Host field of a head. A site looks again, by the parsed fields, whether the host is its own."""


class Door(NamedTuple):
    """Where a site is asked.

    Attributes:
        fast_path: answers from memory; None for a door that answers nothing at once.
    """

    answer: ASGIApp
    fast_path: FastPath | None


class SiteRequest(NamedTuple):
    """A request that can be answered from memory, and by which site."""

    fast_path: FastPath
    request: FastRequest


class SiteSwitch:
    """The ASGI application of all sites, and their fast path.

    Args:
        doors: of each site, by its host names as `parse_host` gives them.
        other: for every other host name, and for requests without one.
    """

    def __init__(self, doors: Mapping[str, Door], other: Door) -> None:
        self._doors = {host.encode("ascii"): door for host, door in doors.items()}
        self._other = other

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the site answer."""
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        door = self._door(hosts[0]) if len(hosts) == 1 else self._other
        by, missed = scope.get(MISSED, (None, None))
        if by is self:
            scope[MISSED] = missed
        await door.answer(scope, receive, send)

    def read(self, head: bytes, client: tuple[str, int] | None, scheme: str) -> SiteRequest | None:
        """See `FastPath.read`."""
        found = _HOST.search(head)
        fast_path = self._door(found[1]).fast_path if found else None
        request = fast_path.read(head, client, scheme) if fast_path else None
        return SiteRequest(fast_path, request) if fast_path and request else None

    def answer(self, request: SiteRequest, write: WriteAnswer) -> bool:
        """See `FastPath.answer`."""
        return request.fast_path.answer(request.request, write)

    def _door(self, host: bytes) -> Door:
        return self._doors.get(host_of(host.strip(b" \t")), self._other)
