"""Clients that ask for much and read nothing of it do not hold their connection for ever."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.server.patience import Patience
from app.server.protocol import BoundedHttpProtocol
from tests.http.test_half_closed import SHORT, AtOnce, get
from tests.support.live_server import LiveServer, app_over, live_server
from tests.support.site_trees import DirectoryTree
from tests.support.waiting import PATIENCE, wait_until
from tests.support.watched_store import WatchedStore

Serve = Callable[[Path], AbstractContextManager[LiveServer]]


def serving(app: Any) -> AbstractContextManager[LiveServer]:
    return live_server(app, http=partial(BoundedHttpProtocol, patience=Patience(unread=SHORT)))


@contextmanager
def from_a_store(directory: Path) -> Iterator[LiveServer]:
    store = WatchedStore(1 << 40)
    store.put("f.bin", b"x")
    with serving(app_over(store)) as server:
        yield server
        assert store.released.wait(PATIENCE)


@contextmanager
def from_a_directory(directory: Path) -> Iterator[LiveServer]:
    """The system itself sends the file."""
    tree = DirectoryTree(directory)
    tree.put("f.bin", b"")
    with (directory / "f.bin").open("r+b") as file:
        file.truncate(1 << 34)
    with serving(tree.app()) as server:
        yield server


@contextmanager
def from_memory(directory: Path) -> Iterator[LiveServer]:
    with serving(AtOnce()) as server:
        yield server


def established(port: int) -> int:
    """How many connections the server's side of this process holds."""
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return sum(local.endswith(f":{port:04X}") and state == "01" for _, local, _, state, *_ in rows)


@pytest.mark.parametrize("serve", [from_a_store, from_a_directory, from_memory])
def test_a_client_that_takes_nothing_is_let_go(serve: Serve, tmp_path: Path) -> None:
    with (
        serve(tmp_path) as server,
        socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection,
    ):
        connection.sendall(get("/f.bin"))
        assert connection.recv(1)
        assert wait_until(lambda: established(server.port) == 0, PATIENCE)
