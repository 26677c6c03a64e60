"""The installed command as a fork of a process that has loaded it, which saves most of a second of processor time a start.

A fork differs from a process that is started with the command in what it has loaded, in its command line as `ps` shows
it, in its parent, and in the order of its sets, which all forks of one process have in common. So the command itself
runs where one of these is the point, or where Python reads something before the first line of the command:

- what a start loads and does meanwhile: signals in its midst, and what workers are forked from (`http/test_lifecycle.py`),
  descriptors (`http/test_descriptors.py`);
- a program that starts it, a shell or a service manager: sockets that it is given with its process id
  (`http/test_service_manager.py`), a terminal, completion, documentation;
- the command as it is installed, and the machines of `system/` that limit or emulate what it runs on;
- a server with a `program` of its own, or that is started `AS_ITSELF`;
- another network than the one of this process (`hosts`), and variables that are read as modules are loaded: both are
  seen here, and need not be asked for.

`http/test_installed_command.py` has both serve, and compares what they are.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final, Protocol

import app
from tests.support.preloaded import MESSAGE_BYTES, Command

PIERHEAD: Final = str(Path(sys.executable).with_name("pierhead"))
"""The installed command."""
AS_ITSELF: Final[Mapping[str, str]] = {"PYTHONHASHSEED": "random"}
"""Environment of a command that is to be no fork: Python reads it before all else, and then does what it does anyway."""
_NETWORK: Final = Path("/proc/thread-self/ns/net")
_OUR_NETWORK: Final = _NETWORK.stat().st_ino
_READ_BY_OPENSSL: Final = frozenset({"SSL_CERT_FILE", "SSL_CERT_DIR"})
"""aiohttp has it read the certificates of the machine as soon as it is loaded."""
_FOR_ALL: Final = frozenset({"PATH", "PYTHONPATH", "HOME"})
"""These are the same for all, but for the home, where botocore expects a cache of logins that no test has."""


class Process(Protocol):
    """What the tests use of `subprocess.Popen`, and what a fork has as well."""

    pid: int

    @property
    def returncode(self) -> int | None: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int) -> None: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


def start_pierhead(
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    stdout: IO[bytes],
    stderr: IO[bytes],
    start_new_session: bool = False,
) -> Process:
    """Start the command, as a fork if it can be one. Its standard input is empty.

    Args:
        arguments: of the command. The others are those of `subprocess.Popen`.
    """
    command = Command(PIERHEAD, [*arguments], str(cwd), {**env}, start_new_session)
    return (
        Fork(preloaded(), command, stdout, stderr) if _may_fork(env) else process_of(command, stdout, stderr)
    )


def process_of(command: Command, stdout: IO[bytes], stderr: IO[bytes], *, by: Sequence[str] = ()) -> Process:
    """Start a command as a process of its own.

    Args:
        by: the program that runs its script; the script's own first line says which without it.
    """
    return subprocess.Popen(
        [*by, command.script, *command.arguments],
        cwd=command.cwd,
        env=command.env,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=command.start_new_session,
    )


def complete_pierhead(
    arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, as a fork if it can be one. Args as `start_pierhead`.

    Raises:
        subprocess.TimeoutExpired: it took longer, and was killed.
    """
    with TemporaryFile() as stdout, TemporaryFile() as stderr:
        process = start_pierhead(arguments, cwd=cwd, env=env, stdout=stdout, stderr=stderr)
        try:
            status = process.wait(seconds)
        finally:
            process.kill()
            process.wait()
        texts = []
        for output in (stdout, stderr):
            output.seek(0)
            texts.append(output.read().decode())
    return subprocess.CompletedProcess([PIERHEAD, *arguments], status, *texts)


def _may_fork(env: Mapping[str, str]) -> bool:
    """Whether a fork has the network of this thread, and nothing of the environment would have been read before it."""
    if (
        _NETWORK.stat().st_ino != _OUR_NETWORK
    ):  # first: the process that forks is not to be started in another one
        return False
    read = {name for name in env if name.startswith(("PYTHON", "LC_"))} | (env.keys() & preloaded().has_read)
    return read <= _FOR_ALL


class Preloaded:
    """The process that forks. Threads take turns.

    Attributes:
        has_read: variables of the environment that count when modules are loaded, and not later.
    """

    def __init__(self) -> None:
        code = str(Path(app.__file__).parents[1])
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._turn = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.preloaded", str(theirs.fileno())],
                cwd="/",
                env={"PATH": os.environ["PATH"], "PYTHONPATH": code},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self.has_read = _READ_BY_OPENSSL.union(json.loads(self._socket.recv(MESSAGE_BYTES)))

    def fork(self, command: Command, *outputs: IO[bytes]) -> int:
        """Have a command run. Returns its process id."""
        descriptors = [output.fileno() for output in outputs]
        return int(self._ask(command._asdict(), descriptors))

    def status_of(self, child: int) -> int | None:
        """The exit status of a fork, which is gone for good once it was given; None while it runs."""
        status: int | None = self._ask(child)
        return status

    def close(self) -> None:
        """End it. Its forks go on."""
        self._socket.close()
        self._process.wait()

    def _ask(self, request: object, descriptors: Sequence[int] = ()) -> Any:
        with self._turn:
            socket.send_fds(self._socket, [json.dumps(request).encode()], [*descriptors])
            return json.loads(self._socket.recv(MESSAGE_BYTES))


@cache
def preloaded() -> Preloaded:
    """The one of this process; the fixture `forks_end` closes it."""
    return Preloaded()


def close_preloaded() -> None:
    """End it, if there is one."""
    if preloaded.cache_info().currsize:
        preloaded().close()
        preloaded.cache_clear()


class Fork:
    """A command that a fork runs. What it offers is as in `subprocess.Popen`."""

    def __init__(self, parent: Preloaded, command: Command, stdout: IO[bytes], stderr: IO[bytes]) -> None:
        self._parent = parent
        self._command = command
        self._turn = threading.Lock()
        self.returncode: int | None = None
        self.pid = parent.fork(command, stdout, stderr)

    def poll(self) -> int | None:
        """Its exit status, if it has ended."""
        with self._turn:
            if self.returncode is None:
                self.returncode = self._parent.status_of(self.pid)
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait so many seconds at most until it has ended. Returns its exit status.

        Raises:
            subprocess.TimeoutExpired: it still runs.
        """
        if self.poll() is None:
            self._wait(timeout)
        status = self.poll()
        if status is None:
            raise subprocess.TimeoutExpired([self._command.script, *self._command.arguments], timeout or 0)
        return status

    def send_signal(self, sig: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _wait(self, timeout: float | None) -> None:
        # Its id is its own until `poll` has seen its end.
        process = os.pidfd_open(self.pid)
        try:
            ends = select.poll()
            ends.register(process, select.POLLIN)
            ends.poll(None if timeout is None else timeout * 1000)
        finally:
            os.close(process)
