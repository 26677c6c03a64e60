"""What the doctor has found."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple


class Level(IntEnum):
    """How much a finding matters."""

    WELL = 0
    WARNING = 1
    """It works, but not as well, as safely or as long as it should."""
    ERROR = 2
    """Something does not work."""

    @property
    def word(self) -> str:
        """As it is shown."""
        return {Level.WELL: "ok", Level.WARNING: "warning", Level.ERROR: "error"}[self]


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes:
        area: what it belongs to, in one word.
        text: what was found. It has no secrets.
        advice: what to do; empty where nothing is to be done.
    """

    level: Level
    area: str
    text: str
    advice: str = ""


def well(area: str, text: str) -> Finding:
    """A finding about which nothing is to be done."""
    return Finding(Level.WELL, area, text)


def warning(area: str, text: str, advice: str) -> Finding:
    """A finding that should be seen to."""
    return Finding(Level.WARNING, area, text, advice)


def error(area: str, text: str, advice: str) -> Finding:
    """A finding that must be seen to."""
    return Finding(Level.ERROR, area, text, advice)


def worst_of(findings: Iterable[Finding]) -> Level:
    """The level of the worst finding."""
    return max((finding.level for finding in findings), default=Level.WELL)
