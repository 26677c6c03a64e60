"""The use cases: list a folder, open a file, walk a subtree."""

from app.catalog.catalog import Catalog, OpenedFile
from app.catalog.folder_sizes import FolderSizes
from app.catalog.folder_totals import FolderTotals
from app.catalog.name_filter import name_filter
from app.catalog.nearby import Nearby, find_nearby
from app.catalog.paging import Page, take_page
from app.catalog.snapshot import FreshVersion, Snapshot, cost_of, is_same
from app.catalog.snapshot_loader import SnapshotLoader
from app.catalog.sorting import FolderSorter
from app.catalog.subtree.search import SubtreeSearch
from app.catalog.views import FolderView, PartialView

__all__ = [
    "Catalog",
    "FolderSizes",
    "FolderSorter",
    "FolderTotals",
    "FolderView",
    "FreshVersion",
    "Nearby",
    "OpenedFile",
    "Page",
    "PartialView",
    "Snapshot",
    "SnapshotLoader",
    "SubtreeSearch",
    "cost_of",
    "find_nearby",
    "is_same",
    "name_filter",
    "take_page",
]
