"""What a walk must give, by one listing for each folder: slow, and too simple to be wrong."""

from __future__ import annotations

from app.catalog import Catalog
from app.domain.access import Access, Principal, VisibleEntry
from app.domain.entries import walk_order
from app.domain.errors import AccessDenied, Moved, NotFound, RulesUnreadable
from app.domain.paths import ArtifactPath


async def reference_walk(catalog: Catalog, root: ArtifactPath, principal: Principal) -> list[VisibleEntry]:
    """Everything below a folder that a principal may see. Raises as `Catalog.list_folder` for the folder itself."""
    found: list[VisibleEntry] = []
    listing = await catalog.list_folder(root, principal)
    for visible in sorted(listing, key=lambda visible: walk_order(visible.entry)):
        found.append(visible)
        if visible.entry.is_folder and not visible.locked:
            try:
                found += await reference_walk(catalog, visible.path, principal)
            except RulesUnreadable:
                found[-1] = visible._replace(access=Access.CLOSED, is_open=False)
            except (AccessDenied, NotFound, Moved):
                found[-1] = visible._replace(is_open=False)
    return found
