"""The host names of a site."""

from __future__ import annotations

from collections.abc import Collection

from app.domain.hosts import host_of
from app.server.framing import is_host


class Hosts:
    """The host names that are answered.

    Args:
        names: of the site, as `parse_host` gives them; none for any name.
        others: names of other sites, which are never answered.
    """

    def __init__(self, names: Collection[str], others: Collection[str] = ()) -> None:
        self._names = frozenset(name.encode("ascii") for name in names)
        self._others = frozenset(name.encode("ascii") for name in others)

    def __call__(self, value: bytes | None) -> bool:
        """Whether a Host field is a host name of this site, and perhaps a port.

        Args:
            value: None where there is no such field: requests of HTTP/1.0 need none.
        """
        if value is None:
            return True
        if not is_host(value):
            return False
        if not self._names and not self._others:
            return True
        name = host_of(value)
        return name not in self._others and (not self._names or name in self._names)
