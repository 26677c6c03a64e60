"""Which requests every sender of bytes answers in the same way."""

from __future__ import annotations

import pytest

from app.http_semantics.plain import is_plain
from app.http_semantics.ranges import parse_range


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, True),
        ({"if_none_match": ['"x"']}, True),
        ({"if_modified_since": ["Sat, 01 Jan 2050 00:00:00 GMT"]}, True),
        ({"if_none_match": ['"x"'], "if_modified_since": ["Sat, 01 Jan 2050 00:00:00 GMT"]}, False),
        ({"range": ["bytes=0-3"]}, True),
        ({"range": ["bytes=0-3", "bytes=0-3"]}, False),
        ({"range": ["bytes=0-1, 2-3"]}, False),
        ({"range": ["bytes=-4"]}, True),
        ({"range": ["bytes=-9"]}, False),
    ],
)
def test_plain_is_what_no_sender_reads_otherwise(fields: dict[str, list[str]], expected: bool) -> None:
    ranges = parse_range(fields.get("range", []), size=6)
    assert is_plain(lambda name: fields.get(name.replace("-", "_"), []), ranges) is expected
