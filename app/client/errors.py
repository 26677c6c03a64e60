"""What can go wrong with a download, and with which status the command then exits.

FetchFailed                 the network, the server or the disk fails
├── NotThere                nothing there, or nothing matches
├── LicenceNeeded           a licence must be accepted first
├── AccessRefused           a token is missing or does not have access
└── NotAsPromised           the bytes are not those that a digest or a size promised
"""

from __future__ import annotations

from typing import NamedTuple


class RequiredLicence(NamedTuple):
    """A licence that stands before a file.

    Attributes:
        name: for people.
        digest: hex MD5 of its text, the name that it has in headers.
        sha256: hex SHA-256 of its text.
    """

    name: str
    digest: str
    sha256: str


class FetchFailed(Exception):
    """Something was not fetched. Its text is for people, in one line."""

    exit_status = 1


class NotThere(FetchFailed):
    """The server has no such file, or shows none."""

    exit_status = 3


class LicenceNeeded(FetchFailed):
    """Licences must be accepted first.

    Args:
        url: of the file behind them.
        root_path: of the site on its host.
    """

    exit_status = 4

    def __init__(self, licences: tuple[RequiredLicence, ...], url: str, root_path: str) -> None:
        shown = url.partition("?")[0]
        names = ", ".join(f"{licence.name} ({licence.digest})" for licence in licences)
        accept = " ".join(f"--accept {licence.digest}" for licence in licences)
        super().__init__(
            f"{shown}: a licence must be accepted first: {names}; read it with --show-licence, then {accept}"
        )
        self.licences = licences
        self.url = url
        self.root_path = root_path


class AccessRefused(FetchFailed):
    """The server wants to know who asks (401), or knows and refuses (403)."""

    exit_status = 5


class NotAsPromised(FetchFailed):
    """What arrived is not what a digest or a size promised, or nothing promises what must be promised."""

    exit_status = 6


class Transient(FetchFailed):
    """Worth another try.

    Args:
        after: seconds that the server asks to wait; None if it does not say.
    """

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after
