"""The entries of a snapshot, in their places in a walk."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from app.catalog.subtree.lookahead import FolderRules, Passed, WalkedFolder
from app.catalog.subtree.merge import SnapshotMerge
from app.domain.entries import Entry, File, Folder
from app.domain.entry_table import EntryTable
from app.domain.paths import ROOT, ArtifactPath

COUNT = 700
"""More entries than are made together."""


def entry(number: int) -> Entry:
    name = f"{number:04}"
    return Folder(name) if number % 10 == 3 else File(name, 1, 0.0)


def texts(parts: Iterable[Passed]) -> list[str]:
    found = []
    for passed in parts:
        assert len(passed.files) <= 250
        found += [passed.folder.path.child(file.name).text for file in passed.files]
        if passed.sub_folder:
            found.append(passed.folder.path.child(passed.sub_folder.name, is_folder=True).text)
    return found


@pytest.mark.parametrize("start", ["", "0003/", "0251", "0349", "9"])
@pytest.mark.parametrize("walked", [[], [3], [3, 13, 693], range(3, COUNT, 10)])
def test_each_is_there_once_and_before_what_is_below_it(start: str, walked: Iterable[int]) -> None:
    top = WalkedFolder(ROOT, None, Folder(""), is_whole=True)
    top.sight = FolderRules(None, EntryTable.of(map(entry, range(COUNT))), frozenset())
    merge = SnapshotMerge(start.encode())
    found = texts(merge.move_to(top))
    below = []
    for number in walked:
        folder = WalkedFolder(ArtifactPath.of(f"{number:04}", is_folder=True), top, Folder(""), is_whole=True)
        found += texts(merge.of(Passed(top, (), Folder(folder.path.name), folder)))
        found += texts(merge.of(Passed(folder, (File("f", 1, 0.0),))))
        below.append(folder.path.child("f").text)
    found += texts(merge.rest())
    own = [entry(number).name + "/" * entry(number).is_folder for number in range(COUNT)]
    assert found == sorted([*(name for name in own if name > start), *below])
