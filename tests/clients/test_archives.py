"""unzip, bsdtar and tar take archives of folders, from a file and from a pipe. A second or two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.live_server import LiveServer, live_server
from tests.support.programs import run
from tests.support.site_trees import MemoryTree

MODIFIED = 1_700_000_001
FILES = {"a.img": b"A" * 300_000, "empty": b"", "sub/\u00fc b": b"B", "sub/deeper/" + "n" * 200: b"long"}


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    tree = MemoryTree()
    for name, content in FILES.items():
        tree.put(f"d/{name}", content, modified=MODIFIED)
    with live_server(tree.app(archives="on")) as running:
        yield running


@pytest.mark.parametrize(
    "line",
    [
        "curl -fsS '{url}?archive=zip' -o d.zip && unzip -q -t d.zip && unzip -q d.zip",
        "curl -fsS '{url}?archive=zip' -o d.zip && bsdtar -xf d.zip",
        "curl -fsS '{url}?archive=zip' | bsdtar -xf -",
        "curl -fsS '{url}?archive=tar' | bsdtar -xf -",
        "curl -fsS '{url}?archive=tar' | tar -x",
        "curl -fsS '{url}?archive=tar.zst' | bsdtar -xf -",
    ],
)
def test_an_archive_is_unpacked(line: str, server: LiveServer, home: Path) -> None:
    ended = run("sh", "-c", line.format(url=f"{server.url}/d/"), home=home)
    assert (ended.returncode, ended.stderr) == (0, b"")
    for name, content in FILES.items():
        path = home / "d" / name
        assert path.read_bytes() == content
        assert path.stat().st_mtime == MODIFIED
