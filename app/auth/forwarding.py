"""What proxies say about the client that they pass on: `X-Forwarded-For` and `-Proto`, and `Forwarded` (RFC 7239)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from app.auth.networks import Address, Network, is_in, is_peer_in, parse_address
from app.http_semantics import FieldLines

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - the word of RFC 9110 section 5.6.2
_PAIR: Final = re.compile(
    rf'[ \t]*(?:(?P<name>{_TOKEN})=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^;,"\s]*)))?[ \t]*(?P<end>[;,]|$)'
)
_NODE: Final = re.compile(r"(?P<address>[0-9.]+|\[[0-9A-Fa-f:.]+\])(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?")
"""RFC 7239 section 6: an address, of IPv6 in brackets, and perhaps a port, which may be obfuscated."""
_SCHEMES: Final = {"http": False, "https": True}


class _Hop(NamedTuple):
    """What one proxy says of who asked it.

    Attributes:
        address: None if it is hidden or malformed.
        https: whether the connection was encrypted; None where it does not say.
        is_said: whether it says anything of the address.
    """

    address: Address | None
    https: bool | None = None
    is_said: bool = True


class Proxies:
    """Believes the proxies that are ours.

    Each proxy appends who asked it, so a field is believed from the right, as long as the one who wrote an entry is
    ours; what stands further left anybody may have written. A proxy may pass on a field that it does not
    write itself, as a client sent it. So where the two fields disagree, neither is believed.

    Args:
        trusted: networks of the proxies that are ours.
    """

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)

    def client(self, fields: FieldLines, peer: str | None) -> Address | None:
        """The address a request comes from, IPv4-mapped ones as IPv4, without scope.

        Args:
            fields: the request's header fields.
            peer: the other end of the connection; None where it has no address (a Unix socket).

        Returns:
            None if it is not known: the peer has none, a proxy hides it, or the fields disagree.
        """
        address = parse_address(peer) if peer else None
        if not self._is_ours(peer):
            return address
        hops = [hop for hop in (self._by_list(fields), self._by_elements(fields)) if hop is not None]
        if not hops:
            return address
        said = {hop.address for hop in hops if hop.is_said}
        return said.pop() if len(said) == 1 else None

    def is_https(self, fields: FieldLines, peer: str | None, scheme: str) -> bool:
        """Whether the client's connection is encrypted. Of `X-Forwarded-Proto` the last value counts.

        Args:
            fields, peer: as `client` takes them.
            scheme: of the connection itself.
        """
        if self._is_ours(peer):
            lines = fields("x-forwarded-proto")
            nearest = lines[-1].rpartition(",")[2].strip(" \t").lower() if lines else ""
            hop = self._by_elements(fields)
            said = {_SCHEMES.get(nearest), None if hop is None else hop.https} - {None}
            if len(said) == 1:
                return bool(said.pop())
        return scheme == "https"

    def is_by_proxy(self, fields: FieldLines, peer: str | None) -> bool:
        """Whether a trusted proxy forwards the request for a client, so that the proxy receives the answer."""
        return is_forwarded(fields) and self._is_ours(peer)

    def _is_ours(self, peer: str | None) -> bool:
        return is_peer_in(peer, self._trusted)

    def _by_list(self, fields: FieldLines) -> _Hop | None:
        entries = (entry.strip(" \t") for entry in ",".join(fields("x-forwarded-for")).split(","))
        return self._farthest([_Hop(parse_address(entry)) for entry in entries if entry])

    def _by_elements(self, fields: FieldLines) -> _Hop | None:
        return self._farthest([hop for line in fields("forwarded") for hop in _hops(line)])

    def _farthest(self, hops: Sequence[_Hop]) -> _Hop | None:
        """The hop at which trust ends, from the right; None where there is none at all."""
        hop = None
        for hop in reversed(hops):
            if not is_in(hop.address, self._trusted):
                break
        return hop


def is_forwarded(fields: FieldLines) -> bool:
    """Whether a request claims that it was forwarded, even if no trusted proxy says so."""
    return bool(fields("x-forwarded-for") or fields("forwarded"))


def _hops(line: str) -> Iterator[_Hop]:
    """The elements of one line of `Forwarded`. A malformed line is one unknown hop."""
    elements = _elements(line)
    if elements is None:
        yield _Hop(None)
        return
    for element in elements:
        https = _SCHEMES.get(element.get("proto", "").lower())
        yield _Hop(_address(element.get("for", "")), https, is_said="for" in element)


def _elements(line: str) -> Sequence[Mapping[str, str]] | None:
    """The elements with their parameters, names in lower case (RFC 7239 section 4); None for a malformed line."""
    elements: list[dict[str, str]] = [{}]
    at = 0
    while True:
        found = _PAIR.match(line, at)
        if found is None:
            return None
        if (name := found["name"]) is not None:
            if name.lower() in elements[-1]:
                return None  # each at most once
            quoted = found["quoted"]
            value = found["plain"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            elements[-1][name.lower()] = value
        if not found["end"]:
            return [element for element in elements if element]
        if found["end"] == ",":
            elements.append({})
        at = found.end()


def _address(node: str) -> Address | None:
    """The address of a node; None for `unknown`, for an obfuscated one, and for anything else."""
    found = _NODE.fullmatch(node)
    return parse_address(found["address"]) if found else None
