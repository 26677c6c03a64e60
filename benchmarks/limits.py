"""Holding a server to the memory and the cores it has in earnest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.bench import wait_for

CORES = 2
BYTES = 2 * 1024**3

_CGROUPS = Path("/sys/fs/cgroup")
_PERIOD_MICROSECONDS = 100_000
_REMOVE_SECONDS = 10


class Limits(NamedTuple):
    """Attributes:
    prefix: a command that sets the limits and becomes the server.
    kind: what enforces them.
    """

    prefix: tuple[str, ...]
    kind: str


@contextmanager
def limited(name: str) -> Iterator[Limits]:
    """Two cores and 2 GiB for a server and all its processes, by control groups where this machine lets us.

    Args:
        name: for the groups; must not be in use.
    """
    groups = {controller: _CGROUPS / controller / name for controller in ("memory", "cpu")}
    try:
        for group in groups.values():
            group.mkdir()
        (groups["memory"] / "memory.limit_in_bytes").write_text(str(BYTES))
        (groups["cpu"] / "cpu.cfs_period_us").write_text(str(_PERIOD_MICROSECONDS))
        (groups["cpu"] / "cpu.cfs_quota_us").write_text(str(CORES * _PERIOD_MICROSECONDS))
    except OSError:
        _remove(groups)
        yield Limits(("prlimit", f"--as={BYTES}"), "RLIMIT_AS of 2 GiB for each process")
        return
    joins = "; ".join(f"echo $$ > {group}/cgroup.procs" for group in groups.values())
    try:
        yield Limits(
            ("sh", "-ec", f'{joins}; exec "$@"', "limited"),
            "control group of 2 cores and 2 GiB",
        )
    finally:
        _remove(groups)


def _remove(groups: Mapping[str, Path]) -> None:
    """A group is in use for a moment after its last process has ended.

    Raises:
        BenchError: it still is.
    """
    for group in groups.values():
        wait_for(partial(_is_gone, group), _REMOVE_SECONDS, f"{group} removed")


def _is_gone(group: Path) -> bool:
    with suppress(OSError):
        group.rmdir()
    return not group.exists()
