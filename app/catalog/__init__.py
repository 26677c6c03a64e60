"""The use cases: list a folder, open a file, walk a subtree."""

from app.catalog.catalog import Catalog, OpenedFile
from app.catalog.paging import Page, take_page
from app.catalog.snapshots import Snapshot, SnapshotLoader

__all__ = ["Catalog", "OpenedFile", "Page", "Snapshot", "SnapshotLoader", "take_page"]
