"""Folders that nobody is let into for their control files are counted, so that somebody hears of it."""

from __future__ import annotations

import pytest

from app.domain.errors import ObjectArchived
from tests.http.test_probes import WARM, counts
from tests.support.site_trees import MemoryTree, client_of


@pytest.mark.parametrize(
    ("name", "content", "times"),
    [
        ("BUILD-INFO.txt", b"nothing of the kind", 1),
        ("BUILD-INFO.txt", b"Format-Version: 0.5\n\nFiles-Pattern: *\nLicense-Type: open\n", 0),
        ("README.txt", b"nothing of the kind", 0),
    ],
)
def test_folders_that_their_control_files_close_are_counted(
    memory: MemoryTree, name: str, content: bytes, times: int
) -> None:
    memory.put("d/f")
    memory.put(f"d/{name}", content)
    with client_of(memory.app(**WARM)) as http:
        http.get("/d/")
        assert list(counts(http, "pierhead_folders_closed_total").values()) == [times]


def test_a_folder_whose_control_file_cannot_be_read_is_counted(memory: MemoryTree) -> None:
    memory.put("d/f")
    memory.put("d/BUILD-INFO.txt", b"")
    memory.store.fail_on("get", ObjectArchived(None))
    with client_of(memory.app(**WARM)) as http:
        assert http.get("/d/").status_code == 503
        assert list(counts(http, "pierhead_folders_closed_total").values()) == [1]
