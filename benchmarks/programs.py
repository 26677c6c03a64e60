"""Starting, watching and stopping programs, each by its own process id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.results import BenchError
from tests.support.waiting import answers, free_port, wait_until

PROJECT = Path(__file__).resolve().parent.parent
SERVER_CORE = 0
LOAD_CORE = 1

_START_SECONDS = 60
_STOP_SECONDS = 10
_TICKS = os.sysconf("SC_CLK_TCK")


class Program:
    """A running server with all processes that it has started, and its URL without a slash at the end."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self._process = process
        self.url = url

    def cpu_seconds(self) -> float:
        """CPU time used until now, of all its processes: utime and stime of proc(5)."""
        stats = [_stat(pid) for pid in _group(self._process.pid)]
        return sum(int(fields[11]) + int(fields[12]) for fields in stats) / _TICKS

    def memory(self, name: str = "VmRSS") -> float:
        """MiB of memory, summed over its processes: now, or the most it has been (`VmHWM`), by /proc/PID/status."""
        texts = [Path(f"/proc/{pid}/status").read_text() for pid in _group(self._process.pid)]
        lines = [line for text in texts for line in text.splitlines()]
        return sum(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


@contextmanager
def run_program(
    command: str,
    directory: Path,
    *,
    ready: str = "/",
    configuration: str = "",
    environ: Mapping[str, str] | None = None,
    cores: Sequence[int] = (SERVER_CORE,),
    prefix: Sequence[str] = (),
    **values: object,
) -> Iterator[Program]:
    """Run a server until the block ends.

    Args:
        command: the server in the foreground. In each of its words, and in the configuration, `{port}`,
            `{directory}`, `{python}` and the names of `values` are filled in.
        directory: where it runs, and writes its log; it is made.
        ready: path that answers with success once it is ready.
        configuration: text of the file `configuration` in its directory.
        environ: its environment beside PATH, HOME, the locale and where this project is.
        cores: those that it may use.
        prefix: a command that sets limits and becomes the server.

    Raises:
        BenchError: it did not start, with the last words of its log.
    """
    port = free_port()
    known = {"port": port, "directory": directory, "python": sys.executable} | values
    words = [word.format(**known) for word in command.split()]
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "configuration").write_text(configuration.format(**known))
    with (directory / "log").open("ab") as output:
        process = subprocess.Popen(
            [*prefix, "taskset", "-c", ",".join(map(str, cores)), *words],
            cwd=directory,
            env={**_environment(), "HOME": str(directory), "LC_ALL": "C.UTF-8", **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    program = Program(process, f"http://127.0.0.1:{port}")
    try:
        wait_until(lambda: process.poll() is not None or answers(program.url + ready), _START_SECONDS)
        if process.poll() is not None or not answers(program.url + ready):
            raise BenchError(f"{Path(words[0]).name} did not start: {_last_words(directory / 'log')}")
        yield program
    finally:
        _stop(process)


def run_to_end(command: Sequence[str], environ: Mapping[str, str] | None = None, *, seconds: float) -> str:
    """Run a command on the load generator's core for some seconds at most. Returns what it printed.

    Raises:
        BenchError: it failed or took longer, with its last words.
    """
    try:
        done = subprocess.run(
            command,
            env={**_environment(), **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchError(str(error)) from error
    if done.returncode:
        raise BenchError(f"{command[0]}: {done.stderr.decode(errors='replace').strip()[-300:]}")
    return done.stdout.decode()


def _environment() -> dict[str, str]:
    """Where programs are found, servers too by somebody who is not root; and this project."""
    return {"PATH": os.environ["PATH"] + ":/usr/local/sbin:/usr/sbin:/sbin", "PYTHONPATH": str(PROJECT)}


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end; what has not ended in time, itself or a child, is killed."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    if not wait_until(lambda: not _group(process.pid), _STOP_SECONDS):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _group(leader: int) -> list[int]:
    """The processes of a process group, as far as they live."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # it has just ended
                fields = _stat(int(entry.name))
                if int(fields[2]) == leader and fields[0] != "Z":
                    found.append(int(entry.name))
    return found


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may hold blanks and parentheses itself."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return " / ".join(lines[-3:])[-300:] or "it said nothing"
