"""The values that the page of a search is made from."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.mounts import AT_ROOT, Mount
from app.domain.paths import ArtifactPath
from app.pages.contexts import Site


@dataclass(frozen=True)
class SearchPage:
    """What was found below a folder.

    Attributes:
        site: the site.
        path: the folder.
        name_like: what the names match.
        limit: most entries, if the request says so.
        mount: where the folder is listed.
        found: how many there are.
        left_out: folders that could not be searched.
        next_query: relative reference that goes on with the search; None where all was searched.
    """

    site: Site
    path: ArtifactPath
    name_like: str
    limit: int | None = None
    mount: Mount = AT_ROOT
    found: int = 0
    left_out: int = 0
    next_query: str | None = None

    @property
    def url(self) -> str:
        """URL of the folder."""
        return self.mount.url(self.path)
