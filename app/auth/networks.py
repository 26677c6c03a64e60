"""Where a request comes from, and what a proxy may say about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read networks in CIDR notation; a bare address is a network of one.

    Raises:
        ValueError: names the first that is none, and says why.
    """
    return tuple(_parse_network(text) for text in texts)


def is_in(address: Address | None, networks: Iterable[Network]) -> bool:
    """Whether an address is in any of the networks. An unknown address is in none."""
    return address is not None and any(address in network for network in networks)


def is_peer_in(peer: str | None, networks: Iterable[Network]) -> bool:
    """Whether the other end of a connection is in any of the networks; not where it has no address."""
    return peer is not None and is_in(_parse_address(peer), networks)


def client_address(
    peer: str | None, forwarded_for: Sequence[str], trusted_proxies: Sequence[Network]
) -> Address | None:
    """The address a request comes from.

    Each proxy appends the address it was asked from to `X-Forwarded-For`, so the field is believed from the
    right, as long as the one who wrote the entry is a trusted proxy. What stands further left anybody may
    have written. At an entry that is no address the walk ends at the proxy that passed it on.

    Args:
        peer: the other end of the connection; None where it has no address (a Unix socket).
        forwarded_for: every line of `X-Forwarded-For`.
        trusted_proxies: networks of the proxies that are ours.

    Returns:
        The address, IPv4-mapped ones as IPv4, without scope; None if the peer has none.
    """
    address = _parse_address(peer) if peer else None
    if not forwarded_for or not is_in(address, trusted_proxies):
        return address
    for entry in reversed(",".join(forwarded_for).split(",")):
        if not (text := entry.strip(" \t")):
            continue
        before = _parse_address(text)
        if before is None:
            break
        address = before
        if not is_in(address, trusted_proxies):
            break
    return address


def is_forwarded(peer: str | None, forwarded_for: Sequence[str], trusted_proxies: Sequence[Network]) -> bool:
    """Whether a trusted proxy passes a request on for somebody, so that it is the proxy who gets the answer.

    Args:
        peer, forwarded_for, trusted_proxies: as `client_address` takes them.
    """
    return bool(forwarded_for) and is_peer_in(peer, trusted_proxies)


def is_https(
    peer: str | None, scheme: str, forwarded_proto: Sequence[str], trusted_proxies: Sequence[Network]
) -> bool:
    """Whether the client's connection is encrypted.

    Args:
        peer: the other end of the connection.
        scheme: of the connection itself.
        forwarded_proto: every line of `X-Forwarded-Proto`; the last value counts, from a trusted proxy.
        trusted_proxies: networks of the proxies that are ours.
    """
    if forwarded_proto and is_peer_in(peer, trusted_proxies):
        nearest = forwarded_proto[-1].rpartition(",")[2].strip(" \t").lower()
        if nearest in ("http", "https"):
            return nearest == "https"
    return scheme == "https"


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


def _parse_address(text: str) -> Address | None:
    """An address as proxies write it, with or without port and brackets; None for anything else."""
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


def _is_port(text: str) -> bool:
    return text[0] == ":" and text[1:].isascii() and text[1:].isdigit()
