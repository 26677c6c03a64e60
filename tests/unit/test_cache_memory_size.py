"""What values take in memory, compared with what the interpreter hands out for them."""

from __future__ import annotations

import tracemalloc

import pytest

from app.cache.memory_size import size_with_parts
from app.catalog import Snapshot, cost_of
from app.catalog.snapshot import SNAPSHOT_BYTES
from app.domain.entry_table import EntryTable
from app.domain.paths import ArtifactPath
from tests.support.policy import folder_rules

SECTION = (
    "Files-Pattern: *.part{n}.img, boot{n}*.bin\nBuild-Name: landing\nLicense-Type: protected\n"
    "Auth-Groups: group{n}\nLicense-Text: text {n}\n that goes on\n\n"
)


def build_info(sections: int) -> dict[str, bytes | None]:
    text = "Format-Version: 0.5\n\n" + "".join(SECTION.format(n=number) for number in range(sections))
    return {"BUILD-INFO.txt": text.encode()}


def licences(files: int) -> dict[str, bytes | None]:
    return {f"file-{number}.EULA.txt": f"terms {number} ".encode() * 500 for number in range(files)}


@pytest.mark.parametrize(
    "files", [build_info(3), build_info(40), licences(1), licences(20)], ids=["few", "many", "one", "twenty"]
)
def test_rules_are_charged_for_what_they_became(files: dict[str, bytes | None]) -> None:
    folder_rules(files)  # what is made once for all folders is made now
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        rules = folder_rules(files)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    snapshot = Snapshot(ArtifactPath.of("a", is_folder=True), EntryTable.of(()), rules, None, b"", 0)
    assert 0.7 < cost_of(snapshot) / (taken + SNAPSHOT_BYTES) < 1.5


def test_each_part_is_counted_once_and_circles_end() -> None:
    text = "x" * 10_000
    circle: list[object] = [text, text]
    circle.append(circle)
    assert 10_000 < size_with_parts(circle) < 11_000


def test_the_program_itself_is_not_counted() -> None:
    assert size_with_parts([ArtifactPath, pytest, build_info]) < 500
