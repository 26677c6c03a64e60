"""Addresses and networks, as operators and proxies write them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address


class UnixSockets:
    """The programs that connect over a Unix socket, which have no address."""

    def __contains__(self, address: object) -> bool:
        return False


Network = IPv4Network | IPv6Network | UnixSockets

_REMEMBERED: Final = 1024
_LONGEST_REMEMBERED: Final = 64
"""Characters. An address of IPv6 with a scope, brackets and a port is shorter."""

UNIX: Final = "unix:"
"""How operators write it, as for nginx."""


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read networks in CIDR notation; a bare address is a network of one.

    Raises:
        ValueError: names the first that is none, and says why.
    """
    return tuple(_parse_network(text) for text in texts)


def parse_peers(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read networks of the other ends of connections: as `parse_networks`, and `unix:` for those without an address.

    Raises:
        ValueError: as `parse_networks`.
    """
    return tuple(UnixSockets() if text == UNIX else _parse_network(text) for text in texts)


def is_in(address: Address | None, networks: Iterable[Network]) -> bool:
    """Whether an address is in any of the networks. An unknown address is in none."""
    return address is not None and any(address in network for network in networks)


def is_peer_in(peer: str | None, networks: Iterable[Network]) -> bool:
    """Whether the other end of a connection is in any of the networks. It has no address if it is a Unix socket."""
    if peer is None:
        return any(isinstance(network, UnixSockets) for network in networks)
    return is_in(parse_address(peer), networks)


def _parse_network(text: str) -> Network:
    try:
        network = ip_network(text.strip())
    except ValueError as exc:
        raise ValueError(f"must be a network such as 10.0.0.0/8 or 2001:db8::/32, but {exc}") from exc
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        # Clients' mapped addresses are compared as IPv4, so a mapped network must be one too.
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - 96))
    return network


def parse_address(text: str) -> Address | None:
    """Parse an address as proxies write it, with or without port and brackets; None for anything else."""
    return _parsed(text) if len(text) <= _LONGEST_REMEMBERED else _parse(text)


def _parse(text: str) -> Address | None:
    if text.startswith("["):
        text, bracket, port = text[1:].partition("]")
        if not bracket or (port and not _is_port(port)):
            return None
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not _is_port(f":{port}"):
            return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or IPv6Address(int(address))
    return address


_parsed: Final = lru_cache(_REMEMBERED)(_parse)
"""Remembered, since one request asks several times, and a client sends many."""


def _is_port(text: str) -> bool:
    return text[0] == ":" and text[1:].isascii() and text[1:].isdigit()
