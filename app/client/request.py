"""What the user asks for, and how the user is told of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from yarl import URL

from app.client.download import Watcher
from app.client.errors import FetchFailed, RequiredLicence
from app.client.licences import LicenceBook
from app.client.listings import PathTest
from app.client.transfer import Outcome
from app.domain.paths import ArtifactPath


class Request(NamedTuple):
    """What is asked for.

    Attributes:
        url: of a file, a folder, a wildcard or a manifest.
        authorization: value of the field, for the origin of the URL; None to send none.
        book: knows the accepted licences.
        include: files are wanted whose path passes one of these tests; empty for all files.
        compile_glob: makes such a test from a pattern; raises `ValueError` for what is none.
        checksums: a list of SHA-256 checksums, or its URL; None without one.
        jobs: downloads at a time.
        retries: failures in a row that are retried.
        needs_sha256: whether a file without a known SHA-256 fails.
    """

    url: URL
    authorization: str | None
    book: LicenceBook
    include: tuple[PathTest, ...]
    compile_glob: Callable[[str], PathTest]
    checksums: bytes | URL | None
    jobs: int
    retries: int
    needs_sha256: bool

    def wants(self, path: ArtifactPath) -> bool:
        """Whether the file with this path is asked for."""
        return not self.include or any(test(path) for test in self.include)


class Reporter(Watcher, Protocol):
    """Tells the user how it goes."""

    def ended(self, outcome: Outcome) -> None:
        """One file is there, or is not to be had."""

    def failed(self, error: FetchFailed) -> None:
        """All of it failed, or the list of files did."""

    def notice(self, text: str) -> None:
        """Something that the user should know, such as why it waits."""

    def licence(self, licence: RequiredLicence, text: str) -> None:
        """Show a licence."""

    async def accepts(self, licence: RequiredLicence) -> bool:
        """Ask whether a licence that was shown is accepted. False if there is nobody to ask."""

    def can_ask(self) -> bool:
        """Whether there is somebody to ask."""


_PARTS: Final = frozenset({"q", "limit", "after", "get", "archive"})
"""With one of these parameters, the URL of a folder does not stand for all that is in it."""


def start_url(text: str) -> URL:
    """The URL of a command.

    Raises:
        ValueError: it is none, has a user or password in it, or is of a part of a folder.
    """
    try:
        url = URL(text).with_fragment(None)
        is_http = url.scheme in ("http", "https") and bool(url.host)
    except ValueError:
        is_http = False
    if not is_http:
        raise ValueError(f"must be one such as https://releases.example.org/17.02/, but got {text!r}")
    if url.user is not None or url.password is not None:
        raise ValueError("must have no user or password in it; use --token-file or PIERHEAD_TOKEN")
    if url.raw_path.endswith("/") and (parts := sorted(_PARTS & url.query.keys())):
        raise ValueError(
            f"must be of a whole folder, without {', '.join(parts)}; use --include to choose files"
        )
    return url
