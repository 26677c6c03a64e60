"""Writes a planned tree to a directory."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from scripts.sample_tree.items import Blob, Checksums, EmptyFolder, Item, Link, Sparse


def build_tree(items: Sequence[Item], destination: Path) -> bool:
    """Make the directory hold the tree and nothing else.

    The tree is written beside it and then takes its place. A stamp beside it tells what it was made from,
    so that making it again is free as long as the plan is the same.

    Args:
        items: what to write.
        destination: directory; made if need be, replaced if it was made by this function.

    Returns:
        Whether anything had to be written.

    Raises:
        FileExistsError: the directory has content that this function did not make.
    """
    mark = destination.with_name(f"{destination.name}.stamp")
    stamp = stamp_of(items)
    if destination.is_dir() and mark.is_file() and mark.read_text() == stamp:
        return False
    if not mark.is_file() and destination.is_dir() and any(destination.iterdir()):
        raise FileExistsError(f"{destination} has files in it that are not of a sample tree")
    fresh = destination.with_name(f"{destination.name}.new")
    for leftover in (fresh, destination):
        shutil.rmtree(leftover, ignore_errors=True)
    _write(items, fresh)
    mark.write_text(stamp)
    fresh.rename(destination)
    return True


def stamp_of(items: Iterable[Item]) -> str:
    """A digest over everything that was planned."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(repr((type(item).__name__, *item)).encode())
    return digest.hexdigest()


def _write(items: Sequence[Item], root: Path) -> None:
    times = {root: 0}
    root.mkdir(parents=True)
    for item in items:
        path = root / item.path
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_item(path, item)
        times[path] = item.modified
        for folder in path.relative_to(root).parents:
            times[root / folder] = max(times.get(root / folder, 0), item.modified)
    # Last, because whatever is written into a folder moves the folder's own time.
    for path, modified in times.items():
        os.utime(path, (modified, modified), follow_symlinks=False)


def _write_item(path: Path, item: Item) -> None:
    match item:
        case Blob():
            path.write_bytes(item.content)
        case Checksums():
            path.write_bytes(item.content())
        case Sparse():
            _write_sparse(path, item)
        case Link():
            path.symlink_to(item.target)
        case EmptyFolder():
            path.mkdir()


def _write_sparse(path: Path, item: Sparse) -> None:
    with path.open("wb") as file:
        file.truncate(item.size)
        for offset, mark in item.marks:
            file.seek(offset)
            file.write(mark)
