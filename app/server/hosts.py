"""The host names of a site."""

from __future__ import annotations

from collections.abc import Collection

from app.server.framing import is_host


class Hosts:
    """The host names that are answered.

    Args:
        names: of the site, in lower case and without port; none for any name.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(name.encode("ascii") for name in names)

    def __call__(self, value: bytes) -> bool:
        """Whether a Host field is a host name of this site, and perhaps a port."""
        return is_host(value) and (not self._names or _without_port(value).lower() in self._names)


def _without_port(host: bytes) -> bytes:
    name, colon, port = host.rpartition(b":")
    return name if colon and not port.endswith(b"]") else host
