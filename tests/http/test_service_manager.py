"""What systemd is told, and what it may hand over: shown by a hand-written service manager."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.forked_command import PIERHEAD, start_pierhead
from tests.support.serve_command import START_SECONDS, STOP_SECONDS, Served, environment, run_serve
from tests.support.waiting import wait_until

WORKERS = pytest.mark.parametrize("workers", ["1", "2"])


class Manager:
    """Takes what a service says on a datagram socket."""

    def __init__(self, directory: Path) -> None:
        self.path = str(directory / "notify")
        self.heard: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.setblocking(False)

    def states(self) -> list[str]:
        """All that was said but signs of life, in order: the names and values."""
        try:
            while True:
                self.heard.append(self._socket.recv(4096).decode())
        except BlockingIOError:
            return [text.partition("\n")[0] for text in self.heard if text != "WATCHDOG=1"]

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    listening = Manager(tmp_path)
    yield listening
    listening.close()


@WORKERS
def test_it_says_that_it_is_ready_lives_reloads_and_stops(
    serve: Callable[..., Served], manager: Manager, workers: str
) -> None:
    server = serve("--workers", workers, NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="1000000")
    assert wait_until(lambda: manager.states() == ["READY=1"], START_SECONDS), manager.heard
    assert wait_until(lambda: len(server.lines("serving")) == int(workers), START_SECONDS)
    signs = manager.heard.count("WATCHDOG=1")
    assert wait_until(
        lambda: bool(manager.states()) and manager.heard.count("WATCHDOG=1") > signs + 2, START_SECONDS
    )
    server.process.send_signal(signal.SIGHUP)
    expected = ["READY=1", "RELOADING=1", "READY=1"]
    assert wait_until(lambda: manager.states() == expected, STOP_SECONDS), manager.heard
    assert wait_until(lambda: len(server.lines("reloaded")) == int(workers), STOP_SECONDS)  # a thread writes
    assert any(text.startswith("RELOADING=1\nMONOTONIC_USEC=") for text in manager.heard)
    assert server.stop()[0] == 0
    assert manager.states() == [*expected, "STOPPING=1"]


@WORKERS
def test_it_serves_on_the_sockets_that_it_is_given(tmp_path: Path, workers: str) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/hello.txt").write_text("hello\n")
    with socket.create_server(("127.0.0.1", 0)) as public, socket.create_server(("127.0.0.1", 0)) as admin:
        ports = [one.getsockname()[1] for one in (public, admin)]
        # The id of the process that it is for has to be known by that process itself.
        script = f"exec 3<&{public.fileno()} 4<&{admin.fileno()}; LISTEN_PID=$$ exec {PIERHEAD} serve --storage tree --workers {workers}"
        given = {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "pierhead.socket:admin", "PIERHEAD_PORT": "1"}
        process = subprocess.Popen(
            ["bash", "-c", script],
            cwd=tmp_path,
            env=environment(given),
            pass_fds=(public.fileno(), admin.fileno()),
        )
        try:
            # The connection waits in the socket until somebody serves.
            answer = httpx.get(
                f"http://127.0.0.1:{ports[0]}/hello.txt", trust_env=False, timeout=START_SECONDS
            )
            assert answer.text == "hello\n"
            state = httpx.get(f"http://127.0.0.1:{ports[1]}/-/state", trust_env=False, timeout=START_SECONDS)
            assert state.status_code == 200
        finally:
            process.terminate()
            assert process.wait(STOP_SECONDS) == 0


def test_sockets_that_are_for_another_process_are_left_alone(serve: Callable[..., Served]) -> None:
    server = serve(LISTEN_FDS="1", LISTEN_PID="1")
    assert httpx.get(f"{server.url}/hello.txt", trust_env=False).text == "hello\n"


class OverUnix:
    """A server that listens on a Unix socket."""

    def __init__(self, directory: Path, *arguments: str, **environ: str) -> None:
        (directory / "tree").mkdir(exist_ok=True)
        (directory / "tree/hello.txt").write_text("hello\n")
        with (directory / "tree/large.img").open("wb") as large:
            large.truncate(20 * 1024 * 1024)
        self.path = directory / "pierhead.sock"
        self._log = directory / "log"
        with self._log.open("wb") as log:
            self.process = start_pierhead(
                ["serve", "--storage", "tree", "--unix-socket", str(self.path), *arguments],
                cwd=directory,
                env=environment({"PIERHEAD_ADMIN_LISTEN": "127.0.0.1:0", **environ}),
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def serves(self) -> bool:
        return "serving" in self.log

    def client(self) -> httpx.Client:
        return httpx.Client(
            transport=httpx.HTTPTransport(uds=str(self.path)),
            base_url="http://pierhead",
            timeout=START_SECONDS,
        )


@contextmanager
def over_unix(directory: Path, *arguments: str, **environ: str) -> Iterator[OverUnix]:
    server = OverUnix(directory, *arguments, **environ)
    try:
        assert wait_until(lambda: server.serves() or server.process.poll() is not None, START_SECONDS)
        yield server
    finally:
        server.process.terminate()
        server.process.wait(STOP_SECONDS)


@pytest.mark.parametrize(
    ("trusted", "client"), [("", "null"), ("unix:", '"192.0.2.7"'), ("127.0.0.1", "null")]
)
def test_over_a_unix_socket_only_a_trusted_proxy_says_who_asks(
    tmp_path: Path, trusted: str, client: str
) -> None:
    with (
        over_unix(tmp_path, "--workers", "2", PIERHEAD_TRUSTED_PROXIES=trusted) as server,
        server.client() as http,
    ):
        assert stat.S_IMODE(server.path.stat().st_mode) == 0o660
        assert http.get("/hello.txt", headers={"X-Forwarded-For": "192.0.2.7"}).text == "hello\n"
        assert len(http.get("/large.img").content) == 20 * 1024 * 1024
        assert wait_until(lambda: '"path":"/hello.txt"' in server.log, STOP_SECONDS)
        assert f'"client":{client}' in server.log
    assert not server.path.exists()
    assert "Traceback" not in server.log


def test_a_socket_that_was_left_behind_is_replaced(tmp_path: Path) -> None:
    with over_unix(tmp_path) as server:
        server.process.kill()
        server.process.wait()
    assert server.path.is_socket()
    with over_unix(tmp_path) as server, server.client() as http:
        assert http.get("/hello.txt").text == "hello\n"


def test_what_is_not_left_behind_is_not_touched(tmp_path: Path) -> None:
    with over_unix(tmp_path) as server, server.client() as http:
        second = run_serve(tmp_path, "--storage", "tree", "--unix-socket", str(server.path))
        assert second.returncode == 1
        assert second.stderr == f"pierhead: cannot listen on {server.path}: another server listens there\n"
        assert http.get("/hello.txt").text == "hello\n"
    server.path.write_text("precious")
    with over_unix(tmp_path) as third:
        assert third.process.wait(START_SECONDS) == 1
        assert f"cannot listen on {server.path}: there is something that is not a socket" in third.log
    assert server.path.read_text() == "precious"
    assert not list(tmp_path.glob(f".*{os.getpid()}"))
