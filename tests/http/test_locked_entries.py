"""Entries that are shown only to say that they exist tell nothing else, in any representation."""

from __future__ import annotations

import httpx
import pytest

from tests.support.answers import all_of, member
from tests.support.site_trees import MemoryTree, client_of

POLICY = """
[[rule]]
path = "d/secret.img"
tier = "private"
groups = ["staff"]
visibility = "listed"
"""
LISTINGS = (
    *("/d/" + query for query in ("", "?format=json", "?format=ndjson", "?format=text", "?limit=1")),
    *(f"/d/?sort={key}&order={order}" for key in ("size", "modified") for order in ("asc", "desc")),
    *("/d/?recursive=true", "/d/?recursive=true&limit=1", "/api/v1/manifest/d/"),
    *("/api/v1/manifest/d/?digests=true", "/api/v1/manifest/d/?format=text", "/api/ls/d/secret.img"),
)


def answers(content: bytes, modified: float) -> list[tuple[object, ...]]:
    tree = MemoryTree()
    tree.put("d/open.txt", b"open")
    tree.put("d/secret.img", content, modified=modified)
    with client_of(tree.app(policy=POLICY)) as client:
        return [without_clock(client.get(path)) for path in LISTINGS]


def without_clock(answer: httpx.Response) -> tuple[object, ...]:
    status, headers, body = all_of(answer)
    return status, [field for field in headers if field[0] != "x-pierhead-as-of"], body


def test_no_listing_depends_on_what_a_locked_file_is() -> None:
    assert answers(b"one", 1e9) == answers(b"quite another content", 1.2e9)


@pytest.mark.parametrize("is_member", [False, True])
def test_size_time_and_e_tag_are_null_where_it_is_locked(is_member: bool) -> None:
    tree = MemoryTree()
    tree.put("d/secret.img", b"secret")
    with client_of(tree.app(policy=POLICY)) as client:
        headers = member("staff") if is_member else {}
        (entry,) = client.get("/d/?format=json", headers=headers).json()["entries"]
        (item,) = client.get("/api/ls/d/", headers=headers).json()["files"]
    assert (entry["type"], entry["locked"]) == ("file", not is_member)
    told = [entry["size"], entry["modified"], entry["e_tag"], item["size"], item["mtime"]]
    assert all(value is None for value in told) if not is_member else None not in told
