#!/usr/bin/env python3
"""In place of `systemctl` where systemd is not the first process: runs what a unit file says, and notes what was asked.

Everything is beside this file: the unit in `units/`, the process in `pid`, what was asked in `asked`.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
PID = HERE / "pid"
ENABLED = HERE / "enabled"


def main(verb: str, name: str = "", *options: str) -> int:
    """Do as told. Returns the exit status."""
    del options
    if verb in ("enable", "start", "restart", "reload", "daemon-reload"):
        with (HERE / "asked").open("a") as asked:
            asked.write(f"{verb}\n")
    if verb == "show":
        print(f"LoadState=loaded\nActiveState={'active' if PID.exists() else 'inactive'}")
    elif verb == "is-enabled":
        print("enabled" if ENABLED.exists() else "disabled")
        return 0 if ENABLED.exists() else 1
    elif verb == "enable":
        ENABLED.touch()
    elif verb in ("start", "restart"):
        stop()
        start(HERE / "units" / name)
    elif verb == "reload":
        os.kill(int(PID.read_text()), signal.SIGHUP)
    elif verb == "stop":
        stop()
    return 0


def start(unit: Path) -> None:
    """Run what the unit names, with its variables."""
    lines = dict(line.split("=", 1) for line in unit.read_text().splitlines() if "=" in line)
    assert lines["ExecReload"] == "kill -HUP $MAINPID"
    variables = Path(lines["EnvironmentFile"].removeprefix("-")).read_text()
    words = shlex.split(variables, comments=True)
    with (HERE / "log").open("ab") as log:
        process = subprocess.Popen(
            shlex.split(lines["ExecStart"]),
            env=dict(word.split("=", 1) for word in words),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    PID.write_text(str(process.pid))


def stop() -> None:
    """End what runs."""
    if not PID.exists():
        return
    pid = int(PID.read_text())
    try:
        while True:
            os.kill(pid, signal.SIGTERM)
            time.sleep(0.2)
    except ProcessLookupError:
        PID.unlink()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
