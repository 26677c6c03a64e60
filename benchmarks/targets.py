"""What the figures are held against, and whether they reach it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from benchmarks.contenders import AUTOINDEX, FLOOR, PIERHEAD, PIERHEAD_S3, RCLONE_S3, RCLONE_S3_READING
from benchmarks.crowd import CASE as CROWD_CASE
from benchmarks.downloads import CASE as DOWNLOAD_CASE
from benchmarks.downloads import STRAIGHT
from benchmarks.growth import BOUND, BROWSED, FOLDERS, MEMORY, PEAK
from benchmarks.growth import case_of as growth_case
from benchmarks.limits import BYTES as MOST_MEMORY
from benchmarks.listing import AIOBOTO3, HELD, PAGE_BY_PAGE, RANGES, RANGES_AGAIN
from benchmarks.listing import CASE as LISTING_CASE
from benchmarks.options import SIZES
from benchmarks.redirect import CASE as REDIRECT_CASE
from benchmarks.results import Row, find, paired_ratio, times
from benchmarks.served_listing import FIRST_ENTRY, FORMATS
from benchmarks.served_listing import case_of as served_case
from benchmarks.slow_clients import CASE as SLOW_CLIENTS_CASE
from benchmarks.slow_s3 import FAST, FAST_SECONDS, LIFETIMES, SLOW, STOPPED
from benchmarks.warm import VARIANTS, VARIANTS_AT, case_of

LEAST_OF_FLOOR: Final = 0.7
LEAST_OF_FLOOR_BY_REDIRECT: Final = 0.6
LEAST_AHEAD: Final = {100: 3.0, 1_000: 20.0, 10_000: 20.0}
"""By entries; at the other sizes being ahead is enough."""
LEAST_AHEAD_ON_S3: Final = 20.0
MOST_SLOWER_WITH_S3: Final = 1.1
MOST_GROWTH: Final = 1.2
LEAST_AHEAD_OF_PAGES: Final = 5.0
MOST_HELD: Final = 20.0
"""Milliseconds."""
MOST_TO_FIRST_ENTRY: Final = 2 * FAST_SECONDS * 1e3
"""Milliseconds: two round trips to S3, all else included."""
LEAST_OF_STRAIGHT: Final = 0.8

_PEERS = (AUTOINDEX, "nginx fancyindex", "Apache mod_autoindex", "Caddy file_server browse")


class Verdict(NamedTuple):
    """Attributes:
    target: in words.
    measured: in words.
    is_met: None where there is no figure.
    """

    target: str
    measured: str
    is_met: bool | None


def judge(rows: Sequence[Row]) -> list[Verdict]:
    """Hold every target against the rows."""
    judges: tuple[Callable[[Sequence[Row]], Iterator[Verdict]], ...] = (
        _floor,
        _peers,
        _peers_on_s3,
        _slow_s3,
        _growth,
        _crowd,
        _redirect,
        _listing,
        _served_listing,
        _downloads,
        _slow_clients,
    )
    return [verdict for each in judges for verdict in each(rows)]


def _floor(rows: Sequence[Row]) -> Iterator[Verdict]:
    for case in (*map(case_of, SIZES), *(case_of(VARIANTS_AT, variant) for variant in VARIANTS)):
        row, base = (find(rows, "warm", name, case) for name in (PIERHEAD, FLOOR))
        yield _of_floor(row, base, case, LEAST_OF_FLOOR)


def _peers(rows: Sequence[Row]) -> Iterator[Verdict]:
    for size in SIZES:
        least = LEAST_AHEAD.get(size, 1.0)
        target = f"{size:,} entries: {least:g} times the requests/s of nginx's modules, Apache and Caddy"
        target += ", and a shorter p99"
        yield _ahead(rows, target, PIERHEAD, _PEERS, case_of(size), least, with_p99=True)


def _peers_on_s3(rows: Sequence[Row]) -> Iterator[Verdict]:
    for peer in (RCLONE_S3, RCLONE_S3_READING):
        for size in SIZES:
            target = f"{size:,} entries on S3: {LEAST_AHEAD_ON_S3:g} times the requests/s of {peer}"
            yield _ahead(rows, target, PIERHEAD_S3, (peer,), case_of(size), LEAST_AHEAD_ON_S3)


def _ahead(
    rows: Sequence[Row],
    target: str,
    ours: str,
    peers: Sequence[str],
    case: str,
    least: float,
    *,
    with_p99: bool = False,
) -> Verdict:
    row = find(rows, "warm", ours, case)
    found = [peer for name in peers if (peer := find(rows, "warm", name, case))]
    if row is None or not found:
        return Verdict(target, "no figure", None)
    ahead, nearest = min((times(row, peer), peer.server) for peer in found)
    is_met = ahead >= least
    measured = f"{ahead:.1f} times ({nearest})"
    if with_p99 and (quicker := min(found, key=lambda peer: peer.p99)).p99 <= row.p99:
        is_met = False
        measured += f"; p99 {row.p99:.1f} ms, {quicker.server} {quicker.p99:.1f} ms"
    return Verdict(target, measured, is_met)


def _slow_s3(rows: Sequence[Row]) -> Iterator[Verdict]:
    for lifetime in LIFETIMES:
        base = find(rows, "slow-s3", PIERHEAD_S3, f"{FAST}, {lifetime}")
        for state in (SLOW, STOPPED):
            target = (
                f"{state}, {lifetime}: p50 and p99 at most {MOST_SLOWER_WITH_S3:g} times those with fast S3"
            )
            row = find(rows, "slow-s3", PIERHEAD_S3, f"{state}, {lifetime}")
            if row and base:
                p50, p99 = paired_ratio(row, base, "p50"), paired_ratio(row, base, "p99")
                yield Verdict(
                    target, f"p50 {p50:.2f}, p99 {p99:.2f} times", max(p50, p99) <= MOST_SLOWER_WITH_S3
                )
            else:
                yield Verdict(target, "no figure", None)


def _growth(rows: Sequence[Row]) -> Iterator[Verdict]:
    small, large = (find(rows, "growth", PIERHEAD, growth_case(folders)) for folders in FOLDERS)
    target = f"a warm page costs at most {MOST_GROWTH:g} times as much with 100 times the keys"
    if small and large:
        rate, per_core = 1 / paired_ratio(large, small), 1 / paired_ratio(large, small, "per_core")
        measured = f"{rate:.2f} times by the clock, {per_core:.2f} by CPU time"
        yield Verdict(target, measured, max(rate, per_core) <= MOST_GROWTH)
    else:
        yield Verdict(target, "no figure", None)
    target = "memory within CACHE_BYTES + 150 MiB after every folder was looked at"
    if large and large.facts[BROWSED] == FOLDERS[-1]:
        used, bound = (large.facts[name] / 2**20 for name in (MEMORY, BOUND))
        yield Verdict(target, f"{used:.0f} of {bound:.0f} MiB", used <= bound)
    else:
        yield Verdict(target, "no figure", None)


def _crowd(rows: Sequence[Row]) -> Iterator[Verdict]:
    target = f"{CROWD_CASE} on 2 cores in 2 GiB: no error"
    row = find(rows, "crowd", PIERHEAD, CROWD_CASE)
    if row is None:
        yield Verdict(target, "no figure", None)
    else:
        yield Verdict(target, f"{row.errors} errors, p99 {row.p99:.0f} ms", row.errors == 0)


def _redirect(rows: Sequence[Row]) -> Iterator[Verdict]:
    row, base = (find(rows, "redirect", name, REDIRECT_CASE) for name in (PIERHEAD_S3, FLOOR))
    yield _of_floor(row, base, REDIRECT_CASE, LEAST_OF_FLOOR_BY_REDIRECT)


def _listing(rows: Sequence[Row]) -> Iterator[Verdict]:
    for server in (RANGES, RANGES_AGAIN):
        row = find(rows, "listing", server, LISTING_CASE)
        for other in (AIOBOTO3, PAGE_BY_PAGE):
            target = f"{LISTING_CASE}, {server}: {LEAST_AHEAD_OF_PAGES:g} times as fast as {other}"
            base = find(rows, "listing", other, LISTING_CASE)
            if row and base:
                ahead = paired_ratio(row, base)
                yield Verdict(target, f"{ahead:.1f} times", ahead >= LEAST_AHEAD_OF_PAGES)
            else:
                yield Verdict(target, "no figure", None)
        target = f"{LISTING_CASE}, {server}: event loop never held longer than {MOST_HELD:g} ms"
        held = row.facts[HELD] if row else None
        yield _at_most(target, held, MOST_HELD)


def _served_listing(rows: Sequence[Row]) -> Iterator[Verdict]:
    for form in FORMATS:
        case = served_case(form)
        row = find(rows, "served-listing", PIERHEAD_S3, case)
        target = f"{case}: first entry within two round trips to S3 ({MOST_TO_FIRST_ENTRY:g} ms)"
        yield _at_most(target, row.facts[FIRST_ENTRY] if row else None, MOST_TO_FIRST_ENTRY)
        target = f"{case}: p99 of the warm page at most {MOST_HELD:g} ms"
        yield _at_most(target, row.p99 if row else None, MOST_HELD)


def _at_most(target: str, milliseconds: float | None, most: float) -> Verdict:
    if milliseconds is None:
        return Verdict(target, "no figure", None)
    return Verdict(target, f"{milliseconds:.1f} ms", milliseconds <= most)


def _downloads(rows: Sequence[Row]) -> Iterator[Verdict]:
    target = f"{DOWNLOAD_CASE}: at least {LEAST_OF_STRAIGHT:g} of the speed straight from the S3 engine"
    row, base = (find(rows, "downloads", name, DOWNLOAD_CASE) for name in (PIERHEAD_S3, STRAIGHT))
    if row and base:
        part = paired_ratio(row, base)
        yield Verdict(target, f"{part:.2f}", part >= LEAST_OF_STRAIGHT)
    else:
        yield Verdict(target, "no figure", None)


def _slow_clients(rows: Sequence[Row]) -> Iterator[Verdict]:
    target = f"{SLOW_CLIENTS_CASE}: none breaks off, in 2 GiB"
    row = find(rows, "slow-clients", PIERHEAD_S3, SLOW_CLIENTS_CASE)
    if row:
        measured = f"{row.errors} break off, {row.facts[PEAK] / 2**20:,.0f} MiB"
        yield Verdict(target, measured, row.errors == 0 and row.facts[PEAK] <= MOST_MEMORY)
    else:
        yield Verdict(target, "no figure", None)


def _of_floor(row: Row | None, base: Row | None, case: str, least: float) -> Verdict:
    target = f"{case}: at least {least:g} of the floor's requests/s"
    if row is None or base is None:
        return Verdict(target, "no figure", None)
    rate, per_core = paired_ratio(row, base), paired_ratio(row, base, "per_core")
    measured = f"{rate:.2f} by the clock, {per_core:.2f} by CPU time"
    return Verdict(target, measured, min(rate, per_core) >= least)
