"""Parts of a file, clause by clause of RFC 9110 section 14, over a socket."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from typing import NamedTuple

import httpx
import pytest

from tests.support.site_trees import SiteTree, client_of

CONTENT = b"".join(n.to_bytes(4) for n in range(50_000))  # 200,000 bytes, no two stretches alike
SIZE = len(CONTENT)


class BodyPart(NamedTuple):
    content_type: str
    content_range: str
    content: bytes


@pytest.fixture(scope="module")
def client(tree: SiteTree) -> Iterator[httpx.Client]:
    tree.put("d/f.bin", CONTENT)
    tree.put("d/empty", b"")
    tree.put("d/short.txt", b"abc")
    with client_of(tree.app()) as http:
        yield http


def ask(client: httpx.Client, field: str, path: str = "/d/f.bin") -> httpx.Response:
    return client.get(path, headers={"Range": field})


@pytest.mark.parametrize(
    ("field", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, SIZE - 1),
        ("bytes=-1", SIZE - 1, SIZE - 1),
        ("bytes=-70000", SIZE - 70_000, SIZE - 1),
        ("BYTES=5-6", 5, 6),  # 14.1: range units are case-insensitive
        ("bytes= 5-6 ,", 5, 6),  # 5.6.1: empty list members
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
        ("bytes=199000-300000", 199_000, SIZE - 1),  # 14.1.2: clamped
        ("bytes=0-" + "9" * 50, 0, SIZE - 1),
        (f"bytes=-{SIZE * 2}", 0, SIZE - 1),  # 14.1.2: a longer suffix is the whole
        ("bytes=5-6,7-8", 5, 8),  # 15.3.7.2: those that touch may be joined
        ("bytes=500000-,5-6", 5, 6),  # one that exists is enough
    ],
)
def test_one_range(client: httpx.Client, field: str, first: int, last: int) -> None:
    answer = ask(client, field)
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{SIZE}"
    assert answer.headers["content-length"] == str(last - first + 1)
    assert answer.content == CONTENT[first : last + 1]


def test_a_206_says_what_a_200_says(client: httpx.Client) -> None:
    whole, part = client.head("/d/f.bin").headers, ask(client, "bytes=0-9").headers
    for name in ("etag", "last-modified", "cache-control", "vary", "content-type", "content-disposition"):
        assert part[name] == whole[name]


@pytest.mark.parametrize(
    "field",
    [
        "lines=1-2",  # 14.2: MUST ignore a unit it does not understand
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=9-5",  # 14.1.1: last before first is invalid
        "bytes=0x0-0x5",
        "bytes=0-5;6-7",
        "bytes=1-2,x",  # one invalid range-spec spoils the field
        "bytes=+1-2",
        "bytes=0-1,1-2,0-5,3-4",  # 14.2: more than two overlap
        "bytes=" + ",".join(f"{2 * n}-{2 * n}" for n in range(500)),  # 17.15: too many
    ],
)
def test_a_field_that_is_not_understood_is_ignored(client: httpx.Client, field: str) -> None:
    answer = ask(client, field)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert "content-range" not in answer.headers


def test_two_fields_are_ignored(client: httpx.Client) -> None:
    answer = client.get("/d/f.bin", headers=[("Range", "bytes=0-0"), ("Range", "bytes=5-5")])
    assert (answer.status_code, answer.content) == (200, CONTENT)


@pytest.mark.parametrize("field", [f"bytes={SIZE}-", "bytes=999999-1000000", "bytes=-0", "bytes=500000-,-0"])
def test_a_range_of_nothing_that_exists_is_416(client: httpx.Client, field: str) -> None:
    answer = ask(client, field)
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{SIZE}"
    assert answer.headers["content-type"] == "application/problem+json"
    assert CONTENT[:64] not in answer.content


def test_there_is_no_range_of_an_empty_file(client: httpx.Client) -> None:
    for field in ("bytes=0-0", "bytes=-5", "bytes=0-"):
        answer = ask(client, field, "/d/empty")
        assert (answer.status_code, answer.content) == (200, b"")


def test_head_knows_no_ranges(client: httpx.Client) -> None:
    for field in ("bytes=0-0", "bytes=500000-"):  # 14.2: defined for GET alone
        answer = client.head("/d/f.bin", headers={"Range": field})
        assert (answer.status_code, answer.headers["content-length"]) == (200, str(SIZE))
        assert "content-range" not in answer.headers


@pytest.mark.parametrize(
    ("field", "spans"),
    [
        ("bytes=0-0,-1", [(0, 0), (SIZE - 1, SIZE - 1)]),
        ("bytes=1000-1999,0-99", [(1000, 1999), (0, 99)]),  # in the order asked for
        ("bytes=0-9,5-14,100-", [(0, 14), (100, SIZE - 1)]),  # two that overlap are joined
        ("bytes=0-99999,150000-", [(0, 99_999), (150_000, SIZE - 1)]),
        ("bytes=7-7,500000-500001,9-9", [(7, 7), (9, 9)]),
        ("bytes=" + ",".join(f"{n}-{n}" for n in range(0, 128, 2)), [(n, n) for n in range(0, 128, 2)]),
    ],
)
def test_several_ranges_come_as_multipart(
    client: httpx.Client, field: str, spans: list[tuple[int, int]]
) -> None:
    answer = ask(client, field)
    assert answer.status_code == 206
    assert "content-range" not in answer.headers  # 15.3.7.2: MUST NOT
    assert answer.headers["content-length"] == str(len(answer.content))
    assert parts_of(answer) == [
        BodyPart("application/octet-stream", f"bytes {first}-{last}/{SIZE}", CONTENT[first : last + 1])
        for first, last in spans
    ]


def test_each_part_has_the_type_of_the_file(client: httpx.Client) -> None:
    answer = ask(client, "bytes=0-0,2-2", "/d/short.txt")
    assert [part.content_type for part in parts_of(answer)] == ["text/plain; charset=utf-8"] * 2
    assert [part.content for part in parts_of(answer)] == [b"a", b"c"]


def test_the_boundary_is_new_each_time(client: httpx.Client) -> None:
    types = {ask(client, "bytes=0-0,2-2").headers["content-type"] for _ in range(3)}
    assert len(types) == 3


def parts_of(answer: httpx.Response) -> list[BodyPart]:
    """The body parts, by the standard library's own reading of RFC 2046."""
    content_type = answer.headers["content-type"]
    assert content_type.startswith("multipart/byteranges; boundary=")
    head = f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: binary\r\n\r\n".encode()
    message = message_from_bytes(head + answer.content)
    assert message.is_multipart()
    assert not message.defects
    found = []
    for part in message.get_payload():
        assert not isinstance(part, str)
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        found.append(BodyPart(part["Content-Type"], part["Content-Range"], content))
    return found
