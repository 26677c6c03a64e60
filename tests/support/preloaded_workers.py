"""What the workers of a server are forked from, as a fork that has loaded everything too.

`multiprocessing` starts a new interpreter for that when the first worker is wanted. By then the server has threads and
is no longer as `preloaded` has made it, so a second fork is made beforehand and waits. It takes the place of the first
such interpreter; another one is started as ever.
"""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from functools import partial
from multiprocessing import util
from types import ModuleType
from typing import Any, Final

_MESSAGE_BYTES: Final = 1 << 18
_DESCRIPTORS: Final = 16
"""More than are passed on."""
_ABOVE: Final = 100
"""Where a descriptor is out of the way of those that have to have a certain number."""


def fork_for_workers() -> str | None:
    """Make the fork that waits.

    Returns:
        the code that it is to run, in the fork, which may be none; None in the process that calls this.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if child := os.fork():
        theirs.close()
        vars(util)["spawnv_passfds"] = partial(_spawn, ours, child, util.spawnv_passfds)
        return None
    ours.close()
    with theirs:
        message, descriptors, _, _ = socket.recv_fds(theirs, _MESSAGE_BYTES, _DESCRIPTORS)
    if not message:  # the server has ended without a worker
        return ""
    asked = json.loads(message)
    _place(descriptors, asked["descriptors"])
    os.environ.clear()
    os.environ.update(asked["environ"])
    signal.pthread_sigmask(signal.SIG_SETMASK, asked["blocked"])
    # Of what counts when modules are loaded, the server has changed one variable before it starts workers.
    values = importlib.import_module("prometheus_client.values")
    vars(values)["ValueClass"] = values.get_value_class()
    return str(asked["code"])


def run(code: str) -> None:
    """Run code as an interpreter does that is given it by `-c`."""
    main = ModuleType("__main__")
    sys.modules["__main__"] = main
    sys.argv = ["-c"]
    exec(code, vars(main))


def _spawn(
    ours: socket.socket, child: int, usual: Any, path: bytes, args: Any, passfds: Sequence[int]
) -> int:
    """`multiprocessing.util.spawnv_passfds`, for a server."""
    code = args[-1]
    if ours.fileno() < 0 or "multiprocessing.forkserver" not in code:
        started: int = usual(path, args, passfds)
        return started
    asked = {
        "code": code,
        "descriptors": [*passfds],
        "environ": {**os.environ},
        "blocked": [*signal.pthread_sigmask(signal.SIG_BLOCK, ())],
    }
    with ours:
        socket.send_fds(ours, [json.dumps(asked).encode()], [*passfds])
    return child


def _place(descriptors: Sequence[int], numbers: Sequence[int]) -> None:
    """Give descriptors the numbers that they have where they come from."""
    above = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, _ABOVE) for descriptor in descriptors]
    for descriptor in descriptors:
        os.close(descriptor)
    for descriptor, number in zip(above, numbers, strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)
