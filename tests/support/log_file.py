"""Reads a log that a server still writes."""

from __future__ import annotations

from pathlib import Path


def whole_lines(log: Path) -> list[str]:
    """Its lines so far, without one whose end is not there yet."""
    return log.read_text().split("\n")[:-1]
