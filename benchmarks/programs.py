"""Starting, watching and stopping the servers that are measured, each by its own process id."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.results import BenchError
from tests.support.waiting import wait_until

PROJECT = Path(__file__).resolve().parent.parent
SERVER_CORE = 0
LOAD_CORE = 1

_START_SECONDS = 60
_STOP_SECONDS = 10
_TICKS = os.sysconf("SC_CLK_TCK")


class Program:
    """A running server, with all processes that it has started.

    Attributes:
        url: where it answers, without a slash at the end.
    """

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self._process = process
        self.url = url

    @property
    def is_running(self) -> bool:
        """Whether its first process lives."""
        return self._process.poll() is None

    def cpu_seconds(self) -> float:
        """CPU time used until now, of all its processes."""
        total = 0.0
        for pid in self._pids():
            fields = _stat(pid)
            total += (
                int(fields[11]) + int(fields[12])
            ) / _TICKS  # utime, stime: proc(5), counted from the state
        return total

    def memory(self, name: str = "VmRSS") -> int:
        """Bytes of memory, summed over its processes.

        Args:
            name: `VmRSS` (now) or `VmHWM` (the most it has been), as in /proc/PID/status.
        """
        lines = [
            line for pid in self._pids() for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        ]
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))

    def _pids(self) -> list[int]:
        return _group(self._process.pid)


@contextmanager
def run_program(
    command: Sequence[str | Path],
    *,
    url: str,
    directory: Path,
    answers: Callable[[], bool],
    environ: Mapping[str, str] | None = None,
    cores: Sequence[int] = (SERVER_CORE,),
    prefix: Sequence[str | Path] = (),
) -> Iterator[Program]:
    """Run a server until the block ends.

    Args:
        command: the server in the foreground.
        url: where it will answer.
        directory: where it runs, and writes its log; it is made.
        answers: whether it is ready.
        environ: its whole environment beside PATH, HOME and the locale.
        cores: those that it may use.
        prefix: a command that sets limits and becomes the server.

    Raises:
        BenchError: it did not start, with the last words of its log.
    """
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "log"
    with log.open("ab") as output:
        try:
            process = subprocess.Popen(
                [*prefix, "taskset", "-c", ",".join(map(str, cores)), *command],
                cwd=directory,
                env={"PATH": _path(), "HOME": str(directory), "LC_ALL": "C.UTF-8", **(environ or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        except OSError as error:
            raise BenchError(f"{command[0]}: {error.strerror}") from error
    program = Program(process, url)
    try:
        wait_until(lambda: not program.is_running or answers(), _START_SECONDS)
        if not program.is_running or not answers():
            raise BenchError(f"{Path(command[0]).name} did not start: {_last_words(log)}")
        yield program
    finally:
        _stop(process)


def run_to_end(command: Sequence[str], environ: Mapping[str, str] | None = None, *, seconds: float) -> str:
    """Run a command on the load generator's core. Returns what it printed.

    Args:
        environ: its environment beside PATH.
        seconds: longest that it may take.

    Raises:
        BenchError: it failed or took longer, with its last words.
    """
    try:
        done = subprocess.run(
            command,
            env={"PATH": _path(), **(environ or {})},
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


def _path() -> str:
    """Where servers are found even by somebody who is not root."""
    return os.environ["PATH"] + ":/usr/local/sbin:/usr/sbin:/sbin"


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return " / ".join(lines[-3:])[-300:] or "it said nothing"
