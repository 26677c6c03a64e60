"""Pierhead on a machine as small as the smallest that it is made for: two workers, two cores, 2 GiB."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from benchmarks import servers
from benchmarks.bench import Bench, wait_for
from benchmarks.programs import Program

CORES = (0, 1)
MIB = 2 * 1024

_CGROUPS = Path("/sys/fs/cgroup")
_PERIOD_MICROSECONDS = 100_000
_REMOVE_SECONDS = 10


@contextmanager
def small_pierhead(
    bench: Bench, storage: str, environ: Mapping[str, str] | None = None
) -> Iterator[tuple[Program, str]]:
    """Run it until the block ends, in control groups where this machine has those of version 1.

    Yields:
        The server, and what enforces the limits.

    Raises:
        BenchError: it does not start, or its groups cannot be removed.
    """
    place = bench.place("small-pierhead")
    groups = [_CGROUPS / controller / f"{place.name}-{os.getpid()}" for controller in ("memory", "cpu")]
    try:
        prefix, kind = _limits(groups)
        server = servers.pierhead(
            place, storage, environ=environ, workers=len(CORES), cores=CORES, prefix=prefix
        )
        with server as program:
            yield program, kind
    finally:
        for group in groups:  # it is in use for a moment after its last process has ended
            wait_for(partial(_is_gone, group), _REMOVE_SECONDS, f"{group} removed")


def _limits(groups: list[Path]) -> tuple[tuple[str, ...], str]:
    """A command that sets the limits and becomes the server, and what enforces them."""
    memory, cpu = groups
    try:
        for group in groups:
            group.mkdir()
        (memory / "memory.limit_in_bytes").write_text(str(MIB * 2**20))
        (cpu / "cpu.cfs_period_us").write_text(str(_PERIOD_MICROSECONDS))
        (cpu / "cpu.cfs_quota_us").write_text(str(len(CORES) * _PERIOD_MICROSECONDS))
    except OSError:
        return ("prlimit", f"--as={MIB * 2**20}"), "RLIMIT_AS of 2 GiB for each process"
    joins = "; ".join(f"echo $$ > {group}/cgroup.procs" for group in groups)
    return ("sh", "-ec", f'{joins}; exec "$@"', "limited"), "control group of 2 cores and 2 GiB"


def _is_gone(group: Path) -> bool:
    with suppress(OSError):
        group.rmdir()
    return not group.exists()
