"""Running a user's own program, apart from the settings of the machine that the tests run on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SECONDS = 60


def environment(home: Path) -> dict[str, str]:
    """What a program is given: no proxies, no rc files but those below `home`, names in UTF-8."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8", "TZ": "UTC", "TERM": "dumb"}


def run(*command: str | Path, home: Path) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end in its home directory.

    Raises:
        subprocess.TimeoutExpired: it took longer than `SECONDS`, and was killed.
    """
    return subprocess.run(
        command,
        cwd=home,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
