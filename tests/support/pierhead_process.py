"""The server as its operator runs it: the installed command, in a process of its own (see `forked_command`)."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import app
from tests.support.forked_command import Process, start_pierhead
from tests.support.live_server import SECRET, metrics_at
from tests.support.log_file import whole_lines
from tests.support.waiting import answers, wait_until

START_SECONDS = 600
STOP_SECONDS = 60


class RunningPierhead(NamedTuple):
    """Where it answers, without a slash at the end; the file with its log; its process; and its operator's listener."""

    url: str
    log: Path
    pid: int
    admin: str

    def metrics(self) -> str:
        """What the operator is shown."""
        return metrics_at(self.admin)

    def served(self, path: str) -> int:
        """How many requests for a path it has logged with success.

        Args:
            path: as a URL has it.
        """
        lines = (json.loads(line) for line in whole_lines(self.log) if line.startswith("{"))
        return sum(line.get("path") == path and line["status"] < 400 for line in lines)


@contextmanager
def run_pierhead(
    storage: str,
    directory: Path,
    *arguments: str,
    policy: str = "",
    environ: Mapping[str, str] | None = None,
    program: Sequence[str] = (),
) -> Iterator[RunningPierhead]:
    """Serve until the block ends. Tokens are made with `live_server.token`.

    Args:
        storage: URL of what is served, or `--demo`.
        directory: for its settings and its log; it must be there, and not be part of what is served.
        arguments: further ones of `pierhead serve`.
        policy: site policy (TOML).
        environ: further environment, such as `AWS_*`; nothing of this process's own is passed on.
        program: what is run in place of the installed command. That itself never is a fork here: name it to have a
            process that has loaded nothing before.
    """
    (directory / "policy.toml").write_text(policy)
    (directory / "pierhead.toml").write_text(f'secret_keys = ["{SECRET}"]\npolicy_file = "policy.toml"\n')
    log = directory / "pierhead.log"
    with log.open("wb") as output:
        process = _start(
            program, ["serve", storage, "--port", "0", *arguments], directory, environ or {}, output
        )
    try:
        wait_until(lambda: process.poll() is not None or _url(log, "url") is not None, START_SECONDS)
        url, admin = _url(log, "url"), _url(log, "admin")
        assert url is not None, log.read_text()
        assert admin is not None, log.read_text()
        wait_until(lambda: process.poll() is not None or answers(f"{url}/readyz"), START_SECONDS)
        assert answers(f"{url}/readyz"), log.read_text()
        yield RunningPierhead(url, log, process.pid, admin)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def _start(
    program: Sequence[str],
    arguments: Sequence[str],
    directory: Path,
    environ: Mapping[str, str],
    output: IO[bytes],
) -> Process:
    env = _environment(directory, environ)
    if not program:
        return start_pierhead(arguments, cwd=directory, env=env, stdout=output, stderr=output)
    return subprocess.Popen([*program, *arguments], cwd=directory, env=env, stdout=output, stderr=output)


def _environment(home: Path, further: Mapping[str, str]) -> dict[str, str]:
    """PYTHONPATH makes the command run the code that the tests import, wherever it is installed from."""
    code = Path(app.__file__).parents[1]
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(code), **further}


def _url(log: Path, which: str) -> str | None:
    """Where the server says that it listens, once it has said so."""
    line = re.search(r'"event": ?"listening",.*', log.read_text())
    found = re.search(rf'"{which}": ?"([^"]+)/"', line[0]) if line else None
    return found[1] if found else None
