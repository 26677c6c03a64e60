"""What the pages that show one file have in common, and the one that shows an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.domain.mounts import Mount, with_link
from app.domain.paths import ArtifactPath
from app.pages.contexts import Site

MAX_IMAGE_BYTES: Final = 32 * 1024 * 1024
"""Larger images are only offered for download."""

PLAIN_QUERY: Final = "?view=0"
"""Asks for a file as it is, from this host: pages show no images that a redirect takes from another one."""


@dataclass(frozen=True)
class FilePage:
    """A page that shows a file.

    Attributes:
        site: the site.
        path: the file.
        mount: where its folder is listed.
        link: value of the link that opens the file; empty for none.
        summary: how much it is, for people.
    """

    site: Site
    path: ArtifactPath
    mount: Mount
    link: str
    summary: str

    @property
    def href(self) -> str:
        """The file itself, as a link."""
        return with_link(self.mount.href(self.path), self.link)

    @property
    def folder_href(self) -> str:
        """Its folder, as a link."""
        return self.mount.href(self.path.parent)


class ImagePage(FilePage):
    """An image."""

    @property
    def source(self) -> str:
        """The image, as the page loads it."""
        return with_link(self.mount.href(self.path) + PLAIN_QUERY, self.link)
