"""Where in the server's URLs a tree is."""

from __future__ import annotations

from typing import Final, NamedTuple

from app.domain.paths import ArtifactPath
from app.domain.reserved import is_reserved

WHOLE_TREE: Final = "/-/tree"
"""Below this is the whole tree. Elsewhere, the names that the server needs for itself are missing from it."""

LINK_PARAMETER: Final = "link"
"""The query parameter of a link that opens one private file."""


class Mount(NamedTuple):
    """One of the places where the tree is.

    Attributes:
        prefix: what stands before a path of the tree; empty for the root of the site.
        root_path: what stands before that: the path of its host below which the site is asked for.
        origin: scheme and host of the request, for answers that have whole URLs; else empty.
    """

    prefix: str
    root_path: str = ""
    origin: str = ""

    @property
    def site(self) -> Mount:
        """The root of the site."""
        return Mount("", self.root_path)

    def parse(self, raw: bytes) -> ArtifactPath:
        """The path of the tree that a request is for. Raises as `ArtifactPath.parse`.

        Args:
            raw: path of the request, below the prefix and without the root path.
        """
        return ArtifactPath.parse(raw[len(self.prefix) :])

    def lists(self, folder: ArtifactPath, name: str) -> bool:
        """Whether a listing shows an entry: one whose own URL is the server's cannot be had here."""
        return bool(self.prefix or folder.segments) or not is_reserved(name)

    def url(self, path: ArtifactPath) -> str:
        """URL of a path; below `WHOLE_TREE` where it has none here."""
        return self.root_path + self._prefix_of(path) + path.url

    def whole_url(self, path: ArtifactPath) -> str:
        """The same with the origin."""
        return self.origin + self.url(path)

    def href(self, path: ArtifactPath) -> str:
        """The same as a link in a page, as `ArtifactPath.href`."""
        return self.root_path + self._prefix_of(path) + path.href

    def _prefix_of(self, path: ArtifactPath) -> str:
        return WHOLE_TREE if path.segments and is_reserved(path.segments[0]) else self.prefix


def with_link(url: str, link: str) -> str:
    """A URL with the value of a link; as it is where that is empty."""
    return f"{url}{'&' if '?' in url else '?'}{LINK_PARAMETER}={link}" if link else url


AT_ROOT: Final = Mount("")
WHOLE: Final = Mount(WHOLE_TREE)
_WHOLE_RAW: Final = WHOLE_TREE.encode("ascii")


def mount_of(raw: bytes, root_path: str = "") -> Mount:
    """The mount that a request is for.

    Args:
        raw: path of the request, canonical and percent-encoded, without the root path.
        root_path: of the site in this request.
    """
    is_whole = raw == _WHOLE_RAW or raw.startswith(_WHOLE_RAW + b"/")
    return Mount(WHOLE_TREE if is_whole else "", root_path)
