"""What is said to a service manager, and which of its sockets are taken over."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.server import service_manager
from app.server.service_manager import FIRST_DESCRIPTOR, ServiceManager, passed_sockets

FREE_FROM = 300
"""No test has so many files open."""


class Heard:
    """A socket that a service manager reads."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def all(self) -> list[str]:
        said = []
        try:
            while True:
                said.append(self.socket.recv(4096).decode())
        except BlockingIOError:
            return said


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Heard]:
    listening = Heard(str(tmp_path / "notify"))
    with listening.socket:
        yield listening


def manager_of(tmp_path: Path, **environ: str) -> ServiceManager:
    given = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "HOME": "/", **environ}
    manager = ServiceManager(given)
    assert given == {"HOME": "/"}
    return manager


def test_each_state_is_said(tmp_path: Path, heard: Heard) -> None:
    manager = manager_of(tmp_path)
    manager.ready()
    manager.beat()
    assert heard.all() == ["READY=1"]
    before = time.monotonic_ns() // 1000
    manager.reloading()
    (said,) = heard.all()
    state, _, since = said.partition("\nMONOTONIC_USEC=")
    assert state == "RELOADING=1"
    assert before <= int(since) <= time.monotonic_ns() // 1000
    manager.stopping()
    assert heard.all() == ["STOPPING=1"]


def test_what_stops_says_no_other_state_any_more(tmp_path: Path, heard: Heard) -> None:
    manager = manager_of(tmp_path)
    manager.stopping()
    manager.reloading()
    manager.ready()
    assert heard.all() == ["STOPPING=1"]


@pytest.mark.parametrize(
    ("pid", "usec", "signs"),
    [
        ("", "7200000000", 1),
        ("its own", "7200000000", 1),
        ("1", "7200000000", 0),
        ("", "", 0),
        ("", "soon", 0),
        ("", "0", 0),
    ],
)
def test_signs_of_life_are_sent_where_they_are_expected_but_not_too_many(
    tmp_path: Path, heard: Heard, pid: str, usec: str, signs: int
) -> None:
    pid = str(os.getpid()) if pid == "its own" else pid
    manager = manager_of(tmp_path, WATCHDOG_USEC=usec, WATCHDOG_PID=pid)
    manager.beat()
    manager.beat()
    assert heard.all() == ["WATCHDOG=1"] * signs


def test_a_sign_of_life_comes_twice_in_a_period(
    tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Time:
        now = 1000.0

        @classmethod
        def monotonic(cls) -> float:
            return cls.now

    monkeypatch.setattr(service_manager, "time", Time)
    manager = manager_of(tmp_path, WATCHDOG_USEC="10000000")
    manager.beat()
    for Time.now, signs in ((1004.9, 1), (1005.0, 1), (1009.9, 0), (1010.0, 1)):
        manager.beat()
        assert len(heard.all()) == signs


def test_a_name_in_the_abstract_namespace() -> None:
    name = f"pierhead-test-{os.getpid()}"
    listening = Heard(f"\0{name}")
    with listening.socket:
        ServiceManager({"NOTIFY_SOCKET": f"@{name}"}).ready()
        assert listening.all() == ["READY=1"]


def test_without_anybody_who_listens_nothing_happens(tmp_path: Path) -> None:
    ServiceManager({}).ready()
    manager_of(tmp_path).ready()


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[socket.socket]]:
    """Two listening sockets with neighbouring descriptors, as a service manager leaves them."""
    with ExitStack() as held:
        ours = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        first = fcntl.fcntl(ours[0].fileno(), fcntl.F_DUPFD, FREE_FROM)
        os.dup2(ours[1].fileno(), first + 1)
        assert FIRST_DESCRIPTOR == 3
        monkeypatch.setattr(service_manager, "FIRST_DESCRIPTOR", first)
        yield ours


def environ_of(names: str, count: str = "2") -> dict[str, str]:
    return {"LISTEN_FDS": count, "LISTEN_PID": str(os.getpid()), "LISTEN_FDNAMES": names}


@pytest.mark.parametrize(
    ("names", "admin"),
    [("", []), ("web:admin", [1]), ("admin", [0]), ("admin:admin", [0, 1]), ("a:b:admin", [])],
)
def test_sockets_are_told_apart_by_their_names(
    passed: list[socket.socket], names: str, admin: list[int]
) -> None:
    given = environ_of(names)
    public, operators = passed_sockets(given)
    assert not given
    addresses = [each.getsockname() for each in passed]
    assert [each.getsockname() for each in operators] == [addresses[place] for place in admin]
    assert [each.getsockname() for each in public] == [
        address for place, address in enumerate(addresses) if place not in admin
    ]
    for each in (*public, *operators):
        assert not each.get_inheritable()
        each.close()


@pytest.mark.parametrize("changed", [{"LISTEN_PID": "1"}, {"LISTEN_FDS": ""}, {"LISTEN_FDS": "two"}])
def test_what_is_meant_for_another_process_is_not_taken(changed: dict[str, str]) -> None:
    given = environ_of("") | changed
    assert passed_sockets(given) == ([], [])
    assert not given


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_socket_that_does_not_listen_for_connections_is_refused(
    monkeypatch: pytest.MonkeyPatch, kind: socket.SocketKind
) -> None:
    with socket.socket(socket.AF_INET, kind) as other:
        monkeypatch.setattr(
            service_manager, "FIRST_DESCRIPTOR", at := fcntl.fcntl(other.fileno(), fcntl.F_DUPFD, FREE_FROM)
        )
        with pytest.raises(OSError, match=f"descriptor {at} .* is not a stream socket that listens"):
            passed_sockets(environ_of("", "1"))
