"""When a file is taken for the one that its folder's listing shows."""

from __future__ import annotations

import pytest

from app.catalog.locate import is_as_listed
from app.domain.entries import File, FileInfo

TAGGED = File("f", 5, 1.5, "tag")
UNTAGGED = File("f", 5, 1.5)


@pytest.mark.parametrize(
    ("listed", "info", "is_same"),
    [
        (TAGGED, FileInfo(5, 1.5, "tag"), True),
        (TAGGED, FileInfo(5, 1.5, "other"), False),
        (TAGGED, FileInfo(5, 1.0, None), True),
        (TAGGED, FileInfo(6, 1.5, None), False),
        (UNTAGGED, FileInfo(5, 1.0, "tag"), True),
        (UNTAGGED, FileInfo(5, 1.0, None), True),
        (UNTAGGED, FileInfo(6, 1.0, None), False),
        (UNTAGGED, FileInfo(5, 2.0, None), False),
        (UNTAGGED, FileInfo(5, None, None), False),
        (File("f", 5, None), FileInfo(5, None, None), True),
        (File("f", 5, None), FileInfo(5, 0.0, None), False),
        (UNTAGGED, None, False),
        (None, None, True),
        (None, FileInfo(5, 1.0, None), False),
    ],
)
def test_size_and_time_count_where_either_has_no_tag(
    listed: File | None, info: FileInfo | None, is_same: bool
) -> None:
    assert is_as_listed(listed, info) is is_same
