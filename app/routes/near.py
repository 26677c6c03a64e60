"""What a 404 offers instead: the nearest folder above, and names that are nearly the requested one."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request

from app.catalog import Catalog, Nearby, find_nearby
from app.domain.errors import NotFound, PierheadError
from app.domain.mounts import Mount, mount_of
from app.domain.paths import ArtifactPath, display_name
from app.responses.record import record_of


class Neighbours:
    """Looks for what is near an absent path, as far as the user may see it.

    Args:
        catalog: has the folders above in memory.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def of(self, request: Request, error: PierheadError, path: ArtifactPath | None) -> Nearby | None:
        """What is near a requested path; None for any other error than that it is not there."""
        identity = record_of(request).identity
        if type(error) is not NotFound or path is None or identity is None:
            return None
        mount = mount_of(request.scope["raw_path"], record_of(request).root_path)
        return find_nearby(path, identity.principal, self._catalog.ready_view, mount)


def near_links(near: Nearby | None, mount: Mount) -> tuple[tuple[str, str], ...]:
    """Names and URLs of what may be meant."""
    if near is None:
        return ()
    return tuple(
        (display_name(visible.entry.name) + "/" * visible.entry.is_folder, mount.url(visible.path))
        for visible in near.entries
    )


def near_members(near: Nearby | None, mount: Mount, whole_url: Callable[[str], str]) -> dict[str, object]:
    """The same for a script: members of the problem.

    Args:
        whole_url: makes a URL of a path.
    """
    if near is None:
        return {}
    return {
        "parent": whole_url(mount.url(near.folder)),
        "near": [whole_url(href) for _, href in near_links(near, mount)],
    }
