"""The page of `?get=` and the tree that its tests ask about."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import httpx

from app.domain.entries import Digest
from tests.support.live_server import live_server
from tests.support.site_trees import MemoryTree, http_client

POLICY = """
[[rule]]
path = "secret"
tier = "private"
groups = ["staff"]
visibility = "hidden"

[[rule]]
path = "shown"
tier = "private"
groups = ["staff"]
visibility = "listed"
"""
NAMES = ["plain.img", "a b'c\"$(touch oops)`x`;&|.img", "-rf", "caf\u00e9 <b>"]


class Served(NamedTuple):
    client: httpx.Client
    url: str


@contextmanager
def served_tree() -> Iterator[Served]:
    """Serve files with names and rules of every kind, until the block ends."""
    tree = MemoryTree()
    for name in NAMES:
        tree.put(f"d/{name}", name.encode())
    sums = "".join(f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n" for name in NAMES)
    tree.put("d/SHA256SUMS", sums.encode())
    tree.put("d/stored", b"S", digests=(Digest("md5", hashlib.md5(b"S", usedforsecurity=False).digest()),))
    tree.put("d/sub/below", b"below")
    tree.put("licensed/x", b"X")
    tree.put("licensed/EULA.txt", b"Be nice.")
    for folder in ("secret", "shown"):
        tree.put(f"{folder}/s", b"secret")
    with live_server(tree.app(policy=POLICY)) as server, http_client(server.url) as client:
        yield Served(client, server.url)


def page(client: httpx.Client, path: str, name: str, **headers: str) -> str:
    """The page, which must be there."""
    answer = client.get(path, params={"get": name}, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    return answer.text


def commands(text: str) -> dict[str, str]:
    """The commands on a page, by their ids."""
    found = re.findall(r'<pre class="command"[^>]*><code id="([^"]+)">(.*?)</code>', text, re.DOTALL)
    return {name: html.unescape(command) for name, command in found}


def value_of(client: httpx.Client, folder: str, name: str) -> str:
    """What the button of a row sends."""
    text = client.get(folder, headers={"Accept": "text/html"}).text
    label = f'aria-label="Get {html.escape(name)}"'
    return html.unescape(re.search(rf'value="([^"]*)" {re.escape(label)}', text)[1])  # type: ignore[index]
