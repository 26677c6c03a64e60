"""Links that open one private file to anybody who has them, until they expire."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from app.auth.keys import KeyRing, Purpose, numeric_date
from app.auth.networks import Address, Network, is_in, parse_networks
from app.auth.revocation import Revocations
from app.domain.errors import AuthenticationFailed
from app.domain.mounts import AT_ROOT, with_link
from app.domain.paths import ArtifactPath

_METHOD: Final = "GET"
"""HEAD is the same without the body (RFC 9110 section 9.3.2)."""


class Link(NamedTuple):
    """A link, as it was signed.

    Attributes:
        id: unique name of the link, for logs and for taking it back.
        value: of the query parameter.
        expires: seconds since the epoch, UTC, from which on it opens nothing.
        networks: from which it may be used; empty for anywhere.
    """

    id: str
    value: str
    expires: float
    networks: tuple[Network, ...] = ()

    def url(self, path: ArtifactPath) -> str:
        """The path of the file with the link, relative to the site."""
        return with_link(AT_ROOT.url(path), self.value)


class Links:
    """Makes and reads links.

    Args:
        keys: sign them.
        revocations: knows which are revoked.
    """

    def __init__(self, keys: KeyRing, revocations: Revocations) -> None:
        self._keys = keys
        self._revocations = revocations

    def make(self, path: ArtifactPath, *, expires: int, networks: Sequence[Network] = ()) -> Link:
        """A link to a file.

        Args:
            path: its real path, without wildcards and links.
            expires: seconds since the epoch, UTC.
            networks: from which it may be used; empty for anywhere.

        Raises:
            ValueError: a folder, or more networks than a link can hold.
        """
        if path.is_folder:
            raise ValueError(f"a link opens one file, and {path.url} is a folder")
        identifier = uuid.uuid4().hex
        claims = {
            "jti": identifier,
            "method": _METHOD,
            "path": _digest(path),
            "exp": expires,
            "networks": [str(network) for network in networks],
        }
        return Link(identifier, self._keys.sign(Purpose.LINK, claims), expires, tuple(networks))

    def read(self, value: str, path: ArtifactPath, client: Address | None, now: float) -> Link | None:
        """The link that a request has; None where it does not open this path to this client now.

        Args:
            value: of the query parameter.
            path: that was requested.
            client: where the request comes from; None if that is not known.
            now: seconds since the epoch, UTC.
        """
        try:
            claims = self._keys.verify(Purpose.LINK, value, now)
            link = _link(claims, value)
        except AuthenticationFailed:
            return None
        is_for_this = not path.is_folder and claims.get("path") == _digest(path)
        is_from_there = not link.networks or is_in(client, link.networks)
        return link if is_for_this and is_from_there and claims.get("method") == _METHOD else None

    def is_revoked(self, link: Link, now: float) -> bool:
        """Whether a link was taken back.

        Raises:
            RevocationsUnknown: the revoked ids cannot be read.
        """
        return self._revocations.is_revoked(link.id, now)


def read_link(keys: KeyRing, value: str) -> Link:
    """A link, even if it has expired, and whatever it opens.

    Raises:
        AuthenticationFailed: as `KeyRing.verify`, with a code that has nothing to do with times.
    """
    return _link(keys.verify(Purpose.LINK, value, now=None), value)


def _link(claims: Mapping[str, Any], value: str) -> Link:
    try:
        networks = parse_networks(claims["networks"])
        return Link(str(claims["jti"]), value, numeric_date(claims, "exp"), networks)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise AuthenticationFailed("token-claims", "the link lacks its id or networks") from error


def _digest(path: ArtifactPath) -> str:
    """Names a path in few characters, however long it is: the URL has it already."""
    return hashlib.sha256(path.to_bytes()).hexdigest()
