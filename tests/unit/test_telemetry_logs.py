"""Whatever a server's process has to say is a line of its log."""

from __future__ import annotations

import json
import subprocess
import sys

REPORTS = """
import threading, warnings
from app.telemetry import configure_logging, log_what_python_reports

def fail(error):
    thread = threading.Thread(target=lambda: (_ for _ in ()).throw(error), name="worker")
    thread.start()
    thread.join()

configure_logging("info", "json")
log_what_python_reports()
warnings.warn("odd", RuntimeWarning)
fail(ValueError("broken"))
fail(SystemExit(1))
"""
CHANGE = """
import logging
from app.telemetry import configure_logging

class Former(logging.Handler):
    def close(self):
        print(len(logging.getLogger().handlers))

logging.getLogger().addHandler(Former())
configure_logging("info", "json")
"""


def run(script: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: what it changes holds for all of one."""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)


def test_warnings_and_failures_of_threads_are_lines_as_well() -> None:
    warned, failed = map(json.loads, run(REPORTS).stderr.splitlines())
    assert (warned["level"], "RuntimeWarning: odd" in warned["event"]) == ("warning", True)
    assert (failed["event"], failed["thread"]) == ("thread_failed", "worker")
    assert failed["exception"].endswith("ValueError: broken")


def test_while_another_writer_takes_over_there_is_one() -> None:
    assert run(CHANGE).stdout.split()[0] == "1"
