"""An S3 engine that is one process, for as long as a block lasts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.aws import S3Endpoint, takes_keys
from tests.support.waiting import wait_until

START_SECONDS = 120


def installed(program: str) -> str:
    """Where a program is that `make test-system` installs from requirements/system.txt."""
    return str(Path(sys.executable).with_name(program))


@contextmanager
def run_engine(command: Sequence[str], endpoint: S3Endpoint, directory: Path) -> Iterator[S3Endpoint]:
    """Run it until the block ends. Where it cannot be started, tests fail.

    Args:
        endpoint: where it will answer, and a key that it takes.
        directory: for its log; it is there.
    """
    log_file = directory / "log"
    with log_file.open("wb") as log:
        # It might take the keys of an AWS environment for those of one more user.
        process = subprocess.Popen(
            command, env={"HOME": str(directory)}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            assert wait_until(lambda: takes_keys(endpoint), START_SECONDS), log_file.read_text()[-4000:]
            yield endpoint
        finally:
            process.kill()  # nobody needs its data any more, and some take long to put them in order
            process.wait(START_SECONDS)
