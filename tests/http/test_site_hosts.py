"""A site that knows its names answers to no other."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.answers import problem
from tests.support.site_trees import MemoryTree, client_of

NAMES = ("releases.example.org", "[2001:DB8:0::1]")


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    tree = MemoryTree()
    tree.put("f.txt", b"content")
    with client_of(tree.app(site_hosts=NAMES, cache_ttl=60)) as http:
        yield http


@pytest.mark.parametrize(
    "host",
    [
        "releases.example.org",
        "RELEASES.example.org:8443",
        "[2001:db8::1]",
        "[2001:DB8::1]:80",
        "[2001:db8:0:0:0:0:0:1]",
    ],
)
@pytest.mark.parametrize("path", ["/", "/f.txt"])
def test_its_own_names_are_answered(client: httpx.Client, host: str, path: str) -> None:
    for _ in range(2):  # the second time from memory
        assert client.get(path, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "releases.example.org.evil.example", "127.0.0.1", "org", "[2001:db8::2]", "[1::2::3]"],
)
@pytest.mark.parametrize("path", ["/", "/f.txt", "/login", "/api/ls/"])
def test_other_names_are_not(client: httpx.Client, host: str, path: str) -> None:
    client.get("/", headers={"Host": NAMES[0]})  # so that it is in memory
    assert problem(client.get(path, headers={"Host": host})) == (421, "misdirected-host")


def test_probes_come_by_address(client: httpx.Client) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    assert client.get("/readyz/storage").status_code == 200
