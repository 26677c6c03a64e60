"""Timestamps of header fields (RFC 9110 section 5.6.7)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from math import floor

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LATEST = 253402300799
"""The last second of the year 9999: later dates cannot be written."""

_DAY = f"(?:{'|'.join(_DAYS)})"
_DAY_LONG = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_TIME = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_FORMS = (
    # IMF-fixdate: Sun, 06 Nov 1994 08:49:37 GMT
    re.compile(f"{_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT"),
    # rfc850-date, obsolete: Sunday, 06-Nov-94 08:49:37 GMT
    re.compile(f"{_DAY_LONG}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT"),
    # asctime-date, obsolete: Sun Nov  6 08:49:37 1994
    re.compile(f"{_DAY} {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_TIME} (?P<year>[0-9]{{4}})"),
)


def whole_seconds(seconds: float) -> int:
    """The whole second that a header field shows for a time: 1970 to 9999, anything beyond is clamped.

    Args:
        seconds: since the epoch, UTC. Any finite number: file systems may have absurd times.
    """
    return floor(min(max(seconds, 0), _LATEST))


def http_date(seconds: float) -> str:
    """Write a time as an IMF-fixdate, the only form a sender may use (section 5.6.7).

    Args:
        seconds: since the epoch, UTC; fractions are dropped, times outside 1970 to 9999 are clamped.
    """
    at = datetime.fromtimestamp(whole_seconds(seconds), UTC)
    # Not strftime: its names follow the locale.
    return f"{_DAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at.year:04} {at:%H:%M:%S} GMT"


def parse_http_date(text: str, *, now: float) -> float | None:
    """Read an HTTP-date in any of its three forms, case-sensitively (section 5.6.7).

    Args:
        text: the whole field value.
        now: seconds since the epoch, UTC; needed for the century of two-digit years.

    Returns:
        Seconds since the epoch, UTC; None for anything that is not a valid date.
    """
    match = next((m for form in _FORMS if (m := form.fullmatch(text))), None)
    if match is None:
        return None
    year = int(match["year"])
    if len(match["year"]) == 2:
        year = _full_year(year, now)
    second = int(match["second"])
    leap = second == 60  # the grammar allows a leap second; POSIX time has none
    try:
        at = datetime(
            year,
            1 + _MONTHS.index(match["month"]),
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            59 if leap else second,
            tzinfo=UTC,
        )
    except ValueError:  # 30 February, 24:00:00
        return None
    return at.timestamp() + leap


def _full_year(two_digits: int, now: float) -> int:
    """Section 5.6.7: more than 50 years ahead means the most recent past year with the same last digits."""
    this_year = datetime.fromtimestamp(whole_seconds(now), UTC).year
    year = this_year - this_year % 100 + two_digits
    return year - 100 if year > this_year + 50 else year
