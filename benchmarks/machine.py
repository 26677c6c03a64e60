"""The machine that the figures come from: what it is, and how it is set up for measuring."""

from __future__ import annotations

import os
import platform
import re
import resource
import subprocess
from pathlib import Path

from benchmarks.programs import LOAD_CORE, SERVER_CORE
from benchmarks.results import BenchError

_VERSIONS = {
    "nginx": "/usr/sbin/nginx -v",
    "Apache": "/usr/sbin/apache2 -v",
    "Caddy": "caddy version",
    "rclone": "rclone version",
    "Ceph": "radosgw --version",
    "wrk": "wrk -v",
}
_VERSION = re.compile(r"[0-9]+\.[0-9]+[0-9.]*")


def prepare() -> None:
    """Keep this process, and what it starts unless told otherwise, off the servers' core; allow many connections.

    Raises:
        BenchError: there are not two cores.
    """
    if not {SERVER_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        raise BenchError("needs two cores: one for the server, one for the load generator")
    os.sched_setaffinity(0, {LOAD_CORE})
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def describe() -> dict[str, str]:
    """What belongs to the figures: processor, kernel, versions, and how many processes want to run before ours."""
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "processor": f"{cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores",
        "kernel": platform.release(),
        "Python": platform.python_version(),
        **{name: _version(command) for name, command in _VERSIONS.items()},
        "load average before": f"{os.getloadavg()[0]:.2f}",
    }


def _version(command: str) -> str:
    try:
        result = subprocess.run(command.split(), capture_output=True, timeout=30, check=False)
    except OSError:
        return "not installed"
    found = _VERSION.search((result.stdout + result.stderr).decode(errors="replace"))
    return found[0] if found else "unknown"
