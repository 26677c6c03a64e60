"""The way through, once for each tier."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.answers import member
from tests.support.live_server import app_over, live_server
from tests.support.memory_store import MemoryStore

BUILD_INFO = b"Format-Version: 0.5\n\nFiles-Pattern: *.img\nLicense-Type: protected\nLicense-Text: Be nice.\n"


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    store = MemoryStore()
    store.put("public/a.txt", b"hello")
    store.put("eula/BUILD-INFO.txt", BUILD_INFO)
    store.put("eula/x.img", b"\0" * 100)
    store.put("members/secret.txt", b"secret")
    policy = '[[rule]]\npath = "members"\ntier = "private"\ngroups = ["staff"]\n'
    with live_server(app_over(store, policy=policy)) as server, httpx.Client(base_url=server.url) as http:
        yield http


def test_a_public_file_is_served(client: httpx.Client) -> None:
    answer = client.get("/public/a.txt")
    assert (answer.status_code, answer.content) == (200, b"hello")


def test_a_licensed_file_wants_its_licence_first(client: httpx.Client) -> None:
    refused = client.get("/eula/x.img")
    assert refused.status_code == 403
    accepted = client.get("/eula/x.img", headers=refused.json()["accept_with"])
    assert (accepted.status_code, len(accepted.content)) == (200, 100)


def test_a_private_file_wants_a_member(client: httpx.Client) -> None:
    assert client.get("/members/secret.txt").status_code == 401
    stranger = member("guests")
    assert client.get("/members/secret.txt", headers=stranger).status_code == 403
    staff = member("staff")
    assert client.get("/members/secret.txt", headers=staff).content == b"secret"


def test_the_listing_leaves_private_folders_out(client: httpx.Client) -> None:
    assert client.get("/?format=text").text == "eula/\npublic/\n"
