"""The host: descriptors, processors and memory against what the settings need."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app.cli.doctor.finding import Finding, error, warning, well
from app.config import LoadedSettings

AREA: Final = "host"
ENOUGH_DESCRIPTORS: Final = 8192
FEW_DESCRIPTORS: Final = 1024
_WORKER_BYTES: Final = 160 * 1024 * 1024
"""What a worker takes beside its cache."""
_CGROUP_LIMITS: Final = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def look_at_host(loaded: LoadedSettings) -> Iterator[Finding]:
    """Look at the host that this runs on. It need not be the one that the server runs on."""
    settings = loaded.settings
    yield descriptors(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    processors = len(os.sched_getaffinity(0))
    if settings.workers > 2 * processors:
        text = f"{settings.workers} workers on {processors} processors"
        yield warning(AREA, text, "set workers to the number of processors: more do not help")
    cached = sum(one.settings.cache_bytes for one in loaded.served)
    yield memory(settings.workers * (cached + _WORKER_BYTES), _memory())


def descriptors(limit: int) -> Finding:
    """What a limit on open files means.

    Args:
        limit: of each process; each download takes two.
    """
    text = f"each worker may open {limit} files"
    advice = "set LimitNOFILE=65536 in the systemd unit, or `ulimit -n 65536` before the start: each download takes two"
    if limit == resource.RLIM_INFINITY or limit >= ENOUGH_DESCRIPTORS:
        return well(AREA, text if limit >= 0 else "each worker may open any number of files")
    return error(AREA, text, advice) if limit < FEW_DESCRIPTORS else warning(AREA, text, advice)


def memory(needed: int, there: int) -> Finding:
    """What the memory of the host means, in bytes, for what all workers may take together."""
    text = f"all workers may take {needed >> 20} MiB of {there >> 20} MiB"
    if needed > there:
        return error(
            AREA,
            text,
            "lower cache_bytes or workers, or give the host more memory: the kernel kills processes otherwise",
        )
    if needed > 0.8 * there:
        return warning(
            AREA,
            text,
            "lower cache_bytes or workers: the rest is too little for downloads and the file cache",
        )
    return well(AREA, text)


def _memory() -> int:
    """Of the host, or of the container."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path in map(Path, _CGROUP_LIMITS):
        try:
            limits.append(int(path.read_text("ascii")))
        except (OSError, ValueError):  # no such file, or `max`
            continue
    return min(limits)
