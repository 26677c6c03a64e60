"""Sizes, times and counts as listings show them."""

from __future__ import annotations

import time
from functools import lru_cache

_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {f"{number:02}": name for number, name in enumerate(_NAMES, start=1)}
"""Not `strftime`'s: the locale must not change what scripts parse."""

_YEAR_1000 = -30_610_224_000
_YEAR_10000 = 253_402_300_800


def size_text(size: int) -> str:
    """A size in bytes for people: `1023 B`, `1.0 KiB`, `4.7 GiB`.

    Whole below 1024, then one decimal with a unit of powers of 1024 (IEC 80000-13).
    """
    if size < 1024:
        return f"{size} B"
    value = size / 1024
    for unit in ("KiB", "MiB", "GiB"):
        if value < 1023.95:  # smaller values round to at most 1023.9, so "1024.0 KiB" never appears
            return f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def iso_text(timestamp: float | None) -> str | None:
    """`2016-09-30T12:00:00Z` (RFC 3339), whole seconds.

    Args:
        timestamp: seconds since the epoch, UTC.

    Returns:
        None if there is no time, or if it is outside the years 1000 to 9999, which the format cannot hold (file
        systems accept such times).
    """
    if timestamp is None or not _YEAR_1000 <= timestamp < _YEAR_10000:
        return None
    return _iso_text(timestamp // 1)  # whole seconds, rounded down


@lru_cache(1024)  # what was built together has few times
def _iso_text(timestamp: float) -> str:
    day, second = divmod(int(timestamp), 86_400)  # and what was not, few days
    return _day_text(day) + _MINUTES[second // 60] + _SECONDS[second % 60]


@lru_cache(1024)
def _day_text(day: int) -> str:
    return time.strftime("%Y-%m-%dT", time.gmtime(day * 86_400))


_MINUTES = [f"{minute // 60:02}:{minute % 60:02}:" for minute in range(1440)]
_SECONDS = [f"{second:02}Z" for second in range(60)]


def date_text(iso: str) -> str:
    """`30-Sep-2016 12:00`, from the result of `iso_text`. Scripts have scraped this form for decades."""
    return f"{iso[8:10]}-{_MONTHS[iso[5:7]]}-{iso[:4]} {iso[11:16]}"


def count_text(number: int, one: str, many: str) -> str:
    """`1 file`, `1,200 files`."""
    return f"{number:,} {one if number == 1 else many}"


def duration_text(seconds: int) -> str:
    """`1 hour`, `7 days`, or `90 minutes` if it is not a whole number of those."""
    for unit, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= unit and seconds % unit == 0:
            return count_text(seconds // unit, word, f"{word}s")
    return count_text(seconds, "second", "seconds")
