"""A part of this machine that has fewer processors and less memory: control groups, version 1. Needs root."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.support.waiting import wait_until

_GROUPS = Path("/sys/fs/cgroup")
_CONTROLLERS = ("cpu", "cpuacct", "memory")
_PERIOD = 100_000  # microseconds, as the kernel begins with
_JOIN = 'do echo $$ >"$group/cgroup.procs"; done; exec "$@"'
_END_SECONDS = 60


@dataclass(frozen=True)
class SmallMachine:
    """What is run in it shares its processors and its memory."""

    name: str

    def program(self, *command: str) -> tuple[str, ...]:
        """A command that runs another one in it."""
        groups = " ".join(str(self.group(controller)) for controller in _CONTROLLERS)
        return ("sh", "-c", f"for group in {groups}; {_JOIN}", "sh", *command)

    def memory(self) -> int:
        """Bytes that its processes hold, without what the kernel keeps of files."""
        lines = (self.group("memory") / "memory.stat").read_text().split()
        figures = dict(zip(lines[::2], map(int, lines[1::2]), strict=True))
        return figures["total_rss"]

    def killed(self) -> int:
        """How many processes were killed because it had no more memory."""
        lines = (self.group("memory") / "memory.oom_control").read_text().split()
        return int(lines[lines.index("oom_kill") + 1])

    def seconds_used(self) -> float:
        """Processor time that was spent in it."""
        return int((self.group("cpuacct") / "cpuacct.usage").read_text()) / 1e9

    def group(self, controller: str) -> Path:
        """Where the kernel shows one of its control groups."""
        return _GROUPS / controller / self.name


@contextmanager
def small_machine(processors: float, memory: int) -> Iterator[SmallMachine]:
    """Have one until the block ends, which has ended all that runs in it.

    Args:
        processors: how many, or what part of one.
        memory: in bytes.
    """
    made = SmallMachine(f"small-{secrets.token_hex(4)}")
    try:
        for controller in _CONTROLLERS:
            made.group(controller).mkdir()
        made.group("cpu").joinpath("cpu.cfs_period_us").write_text(str(_PERIOD))
        made.group("cpu").joinpath("cpu.cfs_quota_us").write_text(str(int(processors * _PERIOD)))
        made.group("memory").joinpath("memory.limit_in_bytes").write_text(str(memory))
        yield made
    finally:
        for controller in _CONTROLLERS:
            assert wait_until(partial(_is_gone, made.group(controller)), _END_SECONDS)


def _is_gone(group: Path) -> bool:
    """Remove a group; the kernel refuses while a process of it ends."""
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
