"""What files of a subtree say of others, folder by folder in the order of a walk."""

from __future__ import annotations

from collections.abc import Sequence

from app.catalog import Catalog, FolderView
from app.domain.access import Principal, VisibleEntry
from app.domain.entries import Digest
from app.domain.errors import PierheadError, StoreError
from app.domain.paths import ArtifactPath
from app.responses.listed_digests import FolderDigests, ListedDigests


class SubtreeDigests:
    """Gives the digests that files such as `SHA256SUMS` say, for one walk.

    Args:
        principal: who asks.
    """

    def __init__(self, catalog: Catalog, digests: ListedDigests, principal: Principal) -> None:
        self._catalog = catalog
        self._digests = digests
        self._principal = principal
        # Only those on the way to the present place: a walk does not come back to any other.
        self._on_the_way: dict[ArtifactPath, tuple[FolderView, FolderDigests] | None] = {}

    async def of(self, visible: VisibleEntry) -> Sequence[Digest]:
        """Those of a file that is open to the principal; none if the folder is not as it was walked.

        Raises:
            StoreError: the folder cannot be read.
        """
        found = await self._folder(visible.path.parent)
        if found is None:
            return ()
        view, digests = found
        listed = view.find(visible.entry.name, is_folder=False)
        same = listed is not None and listed.entry == visible.entry
        return digests.by_name.get(visible.entry.name, ()) if same else ()

    async def _folder(self, path: ArtifactPath) -> tuple[FolderView, FolderDigests] | None:
        for known in list(self._on_the_way):
            if path.segments[: len(known.segments)] != known.segments:
                del self._on_the_way[known]
        if path not in self._on_the_way:
            self._on_the_way[path] = await self._read(path)
        return self._on_the_way[path]

    async def _read(self, path: ArtifactPath) -> tuple[FolderView, FolderDigests] | None:
        try:
            view = await self._catalog.view_folder(path, self._principal)
        except StoreError:
            raise
        except PierheadError:
            return None  # it went, or became a link, since it was walked
        return view, await self._digests.of(view)
