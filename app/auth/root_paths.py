"""The root path of a site on its host: from its setting, or from the proxy in front."""

from __future__ import annotations

from collections.abc import Sequence

from app.auth.networks import Network, is_peer_in
from app.domain.errors import BadParameter
from app.domain.root_path import ALLOWED, parse_root_path


class RootPaths:
    """Takes the root path off request paths.

    The setting is for a proxy that passes whole paths on; one that takes the root path off may be used with it as well.
    `X-Forwarded-Prefix` is set by a proxy that has taken off what the field says, and stands above the setting.

    Args:
        own: by the setting.
        trusted_proxies: networks of the proxies that are ours.
    """

    def __init__(self, own: str, trusted_proxies: Sequence[Network]) -> None:
        self._own = own
        self._start = own.encode("ascii") + b"/"
        self._trusted_proxies = tuple(trusted_proxies)

    def of(self, forwarded: Sequence[str], peer: str | None) -> str:
        """The root path of a request.

        Args:
            forwarded: every line of `X-Forwarded-Prefix`; the last value counts, from a trusted proxy.
            peer: the other end of the connection; None where it has no address.

        Raises:
            BadParameter: a trusted proxy says what no root path can be.
        """
        if not self._is_believed(forwarded, peer):
            return self._own
        try:
            return parse_root_path(forwarded[-1].rpartition(",")[2].strip(" \t"))
        except ValueError:
            raise BadParameter("X-Forwarded-Prefix", ALLOWED) from None

    def below(self, raw_path: bytes, forwarded: Sequence[str], peer: str | None) -> bytes:
        """A request's path without the root path; empty for the root path without its slash.

        Args:
            raw_path: canonical, still percent-encoded.
            forwarded, peer: as `of` takes them.
        """
        if not self._own or self._is_believed(forwarded, peer):
            return raw_path
        if raw_path.startswith(self._start) or raw_path == self._start[:-1]:
            return raw_path[len(self._own) :]
        return raw_path

    def _is_believed(self, forwarded: Sequence[str], peer: str | None) -> bool:
        return bool(forwarded) and is_peer_in(peer, self._trusted_proxies)
