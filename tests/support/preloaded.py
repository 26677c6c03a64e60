"""A process that has loaded what `pierhead serve` loads, and forks for each command that it is asked to run.

It is a program: `python -m tests.support.preloaded DESCRIPTOR` says over a socket to `forked_command` which variables
of the environment were read as it loaded, takes its requests, and ends when the other end is closed. It has one thread
and no event loop, and loads none of the tests' own packages.

A fork gets the arguments, directory, environment and descriptors of the command, runs the installed script, and ends as
every interpreter does. All that it is spared is the loading of modules and the compiling of templates.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

from jinja2 import Environment

from tests.support import preloaded_workers
from tests.support.templates import compiling_once

MESSAGE_BYTES: Final = 1 << 18
"""More than any request or answer has."""
_MODULES: Final = (
    *("app.cli.command", "app.cli.serve", "app.cli.checks", "app.cli.plans", "app.main"),
    *("app.server.accepting_loop", "app.storage.s3.opening"),
)


class Command(NamedTuple):
    """What a fork runs. Names as in `subprocess.Popen`; the script is a file of Python."""

    script: str
    arguments: list[str]
    cwd: str
    env: dict[str, str]
    start_new_session: bool


class _NotingEnviron(type(os.environ)):  # type: ignore[misc]
    """Notes what is asked for."""

    noted: Final[set[str]] = set()

    def __getitem__(self, name: str) -> str:
        self.noted.add(name)
        value: str = super().__getitem__(name)
        return value


def load() -> list[str]:
    """Load what servers load at their start, and what they load late. Returns the variables that were asked for."""
    usual = type(os.environ)
    os.environ.__class__ = _NotingEnviron
    for name in _MODULES:
        importlib.import_module(name)
    for name in importlib.import_module("app.wiring.late").LATE_MODULES:
        importlib.import_module(name)
    os.environ.__class__ = usual
    pages = importlib.import_module("app.pages.html").HtmlPages
    pages(importlib.import_module("app.pages.templates_dir").templates_directory()).load()
    return sorted(_NotingEnviron.noted)


def wait_for_command(requests: socket.socket) -> Command | None:
    """Fork for each command, and say how forks have ended, until nobody asks any more.

    Returns:
        what this process is to run, which is a fork; or None, in the process that was asked.
    """
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, MESSAGE_BYTES, 2)
        if not message:
            return None
        asked = json.loads(message)
        if isinstance(asked, int):
            requests.send(json.dumps(_status_of(asked)).encode())
            continue
        command = Command(**asked)
        if (child := os.fork()) == 0:
            requests.close()
            _become(command, descriptors)
            return command
        for descriptor in descriptors:
            os.close(descriptor)
        requests.send(json.dumps(child).encode())


def _status_of(child: int) -> int | None:
    """The exit status of a fork, less than 0 for the signal that ended it. None while it runs. To be asked for until then."""
    ended, status = os.waitpid(child, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _become(command: Command, descriptors: list[int]) -> None:
    """Have what a process has that is started with the command."""
    if command.start_new_session:
        os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, descriptor in enumerate(descriptors, start=1):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(command.cwd)
    # Python itself has set it (PEP 538).
    coerced = {name: value for name, value in os.environ.items() if name == "LC_CTYPE"}
    os.environ.clear()
    os.environ.update(command.env | coerced)
    time.tzset()
    sys.argv = [command.script, *command.arguments]
    sys.path[0] = str(Path(command.script).parent)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with those who ask
    requests = socket.socket(fileno=int(sys.argv[1]))
    setattr(Environment, "compile", compiling_once())  # noqa: B010 - it is a method, for the checker of types
    gc.disable()
    requests.send(json.dumps(load()).encode())
    gc.enable()
    if (to_run := wait_for_command(requests)) is not None:
        code = preloaded_workers.fork_for_workers() if "--workers" in to_run.arguments else None
        if code is None:
            runpy.run_path(to_run.script, run_name="__main__")
        else:
            preloaded_workers.run(code)
