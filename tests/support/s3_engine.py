"""A real S3 engine for as long as a block lasts."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.aws import S3Endpoint
from tests.support.waiting import free_port

ENGINE = Path(__file__).with_suffix(".sh")
START_SECONDS = 240
ATTEMPTS = 3


@contextmanager
def run_s3_engine(directory: Path) -> Iterator[S3Endpoint]:
    """Run a cluster of one machine. Where it cannot be started, tests fail: that it works is what they are to show.

    Args:
        directory: for everything it writes; it must not exist yet.
    """
    for attempt in range(ATTEMPTS):
        place = directory.with_name(f"{directory.name}-{attempt}")
        gateway, monitor, monitor_v1 = (free_port() for _ in range(3))
        endpoint = S3Endpoint(
            f"http://127.0.0.1:{gateway}", "AKSYSTEMTESTS0000000", "system-tests-secret-key"
        )
        ports = [str(port) for port in (gateway, monitor, monitor_v1)]
        try:
            _run("start", place, *ports, endpoint.access_key, endpoint.secret_key)
        except (AssertionError, subprocess.TimeoutExpired):
            # Somebody may have taken one of the ports since: they were only free when they were looked for.
            _run("stop", place)
            if attempt == ATTEMPTS - 1:
                raise
            continue
        try:
            yield endpoint
        finally:
            _run("stop", place)
        return


def _run(*arguments: str | Path) -> None:
    """Run the engine's script; its own words are in the error."""
    # Daemons that it leaves behind must not hold a pipe that this waits for.
    result = subprocess.run(
        [ENGINE, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert result.returncode == 0, result.stderr.decode(errors="replace")[-4000:]
