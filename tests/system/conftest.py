"""The real S3 engine: one cluster per session (and per xdist worker), stopped at its end."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.aws import S3Endpoint

pytest.register_assert_rewrite("tests.support.store_contract")

ENGINE = Path(__file__).parent.parent / "support" / "s3_engine.sh"
START_SECONDS = 120


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now. Held all at once, so that they differ."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@pytest.fixture(scope="session")
def s3_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Endpoint]:
    """Start the engine. Where it cannot be started, tests fail: that it works is what they are to show."""
    directory = tmp_path_factory.mktemp("s3") / "engine"
    gateway, monitor, monitor_v1 = free_ports(3)
    endpoint = S3Endpoint(f"http://127.0.0.1:{gateway}", "AKSYSTEMTESTS0000000", "system-tests-secret-key")
    ports = [str(port) for port in (gateway, monitor, monitor_v1)]
    try:
        run_engine("start", directory, *ports, endpoint.access_key, endpoint.secret_key)
        yield endpoint
    finally:
        run_engine("stop", directory)


def run_engine(*arguments: str | Path) -> None:
    """Run the engine's script; its own words are in the error."""
    # Daemons that it leaves behind must not hold a pipe that this waits for.
    log = subprocess.run(
        [ENGINE, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert log.returncode == 0, log.stderr.decode(errors="replace")[-4000:]
