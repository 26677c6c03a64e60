"""Reads small files of a folder for what its pages show to a whole tier."""

from __future__ import annotations

import structlog

from app.catalog import Catalog, FolderView
from app.domain.access import Access
from app.domain.entries import File
from app.domain.errors import PierheadError, StoreError
from app.storage.store import ObjectStore

_log = structlog.get_logger("pierhead.shared_files")


class SharedFiles:
    """Reads files that everybody of a tier may have.

    Args:
        store: where the bytes are.
    """

    def __init__(self, catalog: Catalog, store: ObjectStore) -> None:
        self._catalog = catalog
        self._store = store

    async def read(self, view: FolderView, name: str, most_bytes: int) -> bytes | None:
        """All bytes of a file of the folder.

        Args:
            most_bytes: of a file that is read.

        Returns:
            None if it is absent, empty, too large, stored compressed, or not for everybody of the tier.

        Raises:
            StoreError: the store does not answer.
        """
        visible = view.find(name, is_folder=False)
        # Accepted licences are no part of a tier, so what is behind one is not shown to those who accepted it.
        if visible is None or visible.locked or visible.access not in (Access.PUBLIC, Access.PRIVATE):
            return None
        if not isinstance(visible.entry, File) or not 0 < visible.entry.size <= most_bytes:
            return None
        try:
            opened = await self._catalog.open_file(visible.path, view.principal)
            info = opened.info
            if opened.path != visible.path or not 0 < info.size <= most_bytes or info.stored.encoding:
                return None
            async with self._store.open_range(opened.path, info, 0, info.size) as chunks:
                return b"".join([chunk async for chunk in chunks])
        except PierheadError as error:
            _log.info("file_left_out", path=visible.path.url, reason=str(error))
            if isinstance(error, StoreError):
                raise
            return None
