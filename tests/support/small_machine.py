"""A part of this machine that has fewer processors and less memory: control groups of version 1 or 2. Needs root."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from tests.support.waiting import wait_until

_GROUPS: Final = Path("/sys/fs/cgroup")
_PERIOD: Final = 100_000  # microseconds, as the kernel begins with
_JOIN: Final = 'do echo $$ >"$group/cgroup.procs"; done; exec "$@"'
_END_SECONDS: Final = 60


class SmallMachine(ABC):
    """What is run in it shares its processors and its memory.

    Attributes:
        groups: where the kernel shows its control groups.
        preparation: what is written where before they are made.

    Args:
        root: where the kernel shows all control groups.
        name: of these.
    """

    groups: tuple[Path, ...]
    preparation: Mapping[Path, str]

    @abstractmethod
    def __init__(self, root: Path, name: str) -> None: ...

    @abstractmethod
    def limits(self, processors: float, memory: int) -> Mapping[Path, str]:
        """What is written where to make it small. Args as `small_machine`."""

    @abstractmethod
    def memory(self) -> int:
        """Bytes that its processes hold, without what the kernel keeps of files."""

    @abstractmethod
    def killed(self) -> int:
        """How many processes were killed because it had no more memory."""

    @abstractmethod
    def seconds_used(self) -> float:
        """Processor time that was spent in it."""

    def program(self, *command: str) -> tuple[str, ...]:
        """A command that runs another one in it."""
        return ("sh", "-c", f"for group in {' '.join(map(str, self.groups))}; {_JOIN}", "sh", *command)


class _Version1(SmallMachine):
    """A tree of groups for each controller."""

    def __init__(self, root: Path, name: str) -> None:
        self.groups = self._cpu, self._cpuacct, self._memory = tuple(
            root / controller / name for controller in ("cpu", "cpuacct", "memory")
        )
        self.preparation = {}

    def limits(self, processors: float, memory: int) -> Mapping[Path, str]:
        return {
            self._cpu / "cpu.cfs_period_us": str(_PERIOD),
            self._cpu / "cpu.cfs_quota_us": str(int(processors * _PERIOD)),
            self._memory / "memory.limit_in_bytes": str(memory),
        }

    def memory(self) -> int:
        return _figure(self._memory / "memory.stat", "total_rss")

    def killed(self) -> int:
        return _figure(self._memory / "memory.oom_control", "oom_kill")

    def seconds_used(self) -> float:
        return int((self._cpuacct / "cpuacct.usage").read_text()) / 1e9


class _Version2(SmallMachine):
    """One tree, in which each group says what controllers those below it have."""

    def __init__(self, root: Path, name: str) -> None:
        self._group = root / name
        self.groups = (self._group,)
        self.preparation = {root / "cgroup.subtree_control": "+cpu +memory"}

    def limits(self, processors: float, memory: int) -> Mapping[Path, str]:
        return {
            self._group / "cpu.max": f"{int(processors * _PERIOD)} {_PERIOD}",
            self._group / "memory.max": str(memory),
        }

    def memory(self) -> int:
        return _figure(self._group / "memory.stat", "anon")

    def killed(self) -> int:
        return _figure(self._group / "memory.events", "oom_kill")

    def seconds_used(self) -> float:
        return _figure(self._group / "cpu.stat", "usage_usec") / 1e6


def machine_in(root: Path, name: str) -> SmallMachine:
    """One by the version that the kernel shows there; it has no groups yet. Args as `SmallMachine`."""
    return (_Version2 if (root / "cgroup.controllers").exists() else _Version1)(root, name)


@contextmanager
def small_machine(processors: float, memory: int) -> Iterator[SmallMachine]:
    """Have one until the block ends, which has ended all that runs in it.

    Args:
        processors: how many, or what part of one.
        memory: in bytes.
    """
    made = machine_in(_GROUPS, f"small-{secrets.token_hex(4)}")
    try:
        _write(made.preparation)
        for group in made.groups:
            group.mkdir()
        _write(made.limits(processors, memory))
        yield made
    finally:
        for group in made.groups:
            assert wait_until(partial(_is_gone, group), _END_SECONDS)


def _write(values: Mapping[Path, str]) -> None:
    for file, value in values.items():
        file.write_text(value)


def _figure(file: Path, name: str) -> int:
    """One of several figures, each on a line with its name."""
    words = file.read_text().split()
    return int(words[words.index(name) + 1])


def _is_gone(group: Path) -> bool:
    """Remove a group; the kernel refuses while a process of it ends."""
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
