"""Warm listings: the same folder, again and again, of each server in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import Final

from benchmarks import servers
from benchmarks.bench import ALL, MOST_ENTRIES_IN_S3, Bench, Lane, Section
from benchmarks.client import Target, get
from benchmarks.floor import beside_floor
from benchmarks.load import CONNECTIONS, connections_for, load
from benchmarks.options import SIZES
from benchmarks.programs import Program
from benchmarks.results import BenchError, Goal, Row, Skipped, find, speed_goal, times
from benchmarks.tree import WrongListing, check_listing, folder

VARIANTS_AT: Final = 1_000
"""The size at which other representations are measured too."""
VARIANTS: Final = {"JSON": {"Accept": "application/json"}, "gzip": {"Accept-Encoding": "gzip"}}

ONE_AT_A_TIME_FROM: Final = 100_000
"""Entries from which on nobody is asked for several pages at once. The peers cannot stand it; and where 16 answers of
20 MB are under way, each waits for the others, so that p99 would compare queues."""

_TOO_SLOW_SECONDS = 5.0


def case_of(size: int, variant: str = "") -> str:
    """How a row names what it lists."""
    return f"{size:,} entries" + (f", {variant}" if variant else "")


def measure_warm(bench: Bench) -> list[Row]:
    """All sizes, all servers."""
    names = bench.options.servers
    # Pierhead always takes part: its page is what the floor sends.
    chosen = [
        one for one in servers.SERVERS if not names or one.name in names or one.name == servers.PIERHEAD
    ]
    running: dict[str, Program] = {}
    failures: dict[str, Exception] = {}
    with ExitStack() as stack:
        for server in chosen:
            bench.say(f"starting {server.name}")
            try:
                running[server.name] = stack.enter_context(server.start(bench))
            except (BenchError, OSError) as error:
                failures[server.name] = error
        return [row for size in bench.options.sizes for row in _measure_size(bench, size, running, failures)]


def _measure_size(
    bench: Bench, size: int, running: Mapping[str, Program], failures: Mapping[str, Exception]
) -> list[Row]:
    rows = [Row(name, case_of(size)).failed(reason) for name, reason in failures.items()]
    lanes: list[Lane] = []
    with ExitStack() as stack:
        ours = _connections_for_ours(bench, running.get(servers.PIERHEAD), size)
        for server in servers.SERVERS:
            if program := running.get(server.name):
                variants = VARIANTS if server.name == servers.PIERHEAD and size == VARIANTS_AT else {}
                for variant, headers in {"": {}, **variants}.items():
                    target = Target(program, f"/{folder(size)}{server.suffix}", headers)
                    row = Row(server.name, case_of(size, variant), note=server.note)
                    try:
                        lanes += _lanes(bench, stack, server, row, target, size, ours)
                    except BenchError as error:
                        rows.append(row.failed(error))
        rows += bench.in_turn(lanes)
    rows = [remarked(row, find(rows, servers.PIERHEAD, row.case)) for row in rows]
    return sorted(rows, key=lambda row: servers.NAMES.index(row.server))


def _lanes(
    bench: Bench, stack: ExitStack, server: servers.Server, row: Row, target: Target, size: int, ours: int
) -> list[Lane]:
    """Look at one page, and see how many connections its server can stand (all of ours: `ours`).

    Pierhead brings the floor along.

    Raises:
        BenchError: it cannot be measured.
    """
    if server.reads_s3 and size > MOST_ENTRIES_IN_S3:
        raise Skipped("storing so many objects takes longer than all the rest")
    answer = get(target)
    try:
        check_listing(answer, size)
    except WrongListing as error:
        raise error if server.is_ours else Skipped(f"cannot be compared: {error}") from error
    taken = get(target).seconds  # what the server keeps in memory is there by now
    if taken > _TOO_SLOW_SECONDS:
        raise Skipped(f"one request takes {taken:.1f} s")
    seconds = bench.options.seconds if server.is_ours else bench.options.peer_seconds
    connections = ours if server.is_ours else connections_for(seconds, taken)
    row = replace(row, facts={"body": len(answer.body)})
    if connections < CONNECTIONS:
        row = row.noted(f"{connections} at a time" if connections > 1 else "one at a time")
    if server.name != servers.PIERHEAD:
        return [Lane(row, partial(load, target, seconds, connections))]
    if not target.headers:
        (servers.static_pages(bench) / folder(size)).write_bytes(answer.body)
    return beside_floor(bench, stack, row, target, answer, connections)


def _connections_for_ours(bench: Bench, pierhead: Program | None, size: int) -> int:
    """The same for all rows that are compared with the floor: as many as Pierhead can stand."""
    if pierhead is not None and size < ONE_AT_A_TIME_FROM:
        target = Target(pierhead, f"/{folder(size)}/")
        with suppress(BenchError):  # which its row will say
            get(target)
            return connections_for(bench.options.seconds, get(target).seconds)
    return 1


def remarked(row: Row, pierhead: Row | None) -> Row:
    """Where a peer wins: at what and why."""
    strength = next((one.strength for one in servers.SERVERS if one.name == row.server), "")
    if not (row.samples and pierhead and strength):
        return row
    won = ["requests/s"] if times(pierhead, row) < 1 else []
    won += ["p99"] if row.median("p99") < pierhead.median("p99") else []
    return row.noted(f"**ahead of Pierhead** in {' and '.join(won)}: {strength}") if won else row


def _goals() -> list[Goal]:
    cases = (*map(case_of, SIZES), *(case_of(VARIANTS_AT, variant) for variant in VARIANTS))
    text = "at least 0.7 of the floor's requests/s"
    goals = [
        speed_goal(f"{case}: {text}", case, servers.PIERHEAD, servers.FLOOR, at_least=0.7) for case in cases
    ]
    text = "at least the requests/s of nginx that sends the same page as a file"
    small = map(case_of, (10, 100))
    goals += [
        speed_goal(f"{case}: {text}", case, servers.PIERHEAD, servers.NGINX_FILE, at_least=1)
        for case in small
    ]
    peers = "nginx's modules, Apache and Caddy"
    for case, least in zip(map(case_of, SIZES), (1, 3, 20, 20, 1), strict=True):
        text = f"{case}: {least} times the requests/s of {peers}"
        goals.append(speed_goal(text, case, servers.PIERHEAD, *servers.LISTING_PEERS, at_least=least))
        goals.append(Goal(f"{case}: a shorter p99 than {peers}", partial(_p99_of_quickest, case), at_most=1))
    for peer in (servers.RCLONE_S3, servers.RCLONE_S3_READING):
        for case in map(case_of, SIZES):
            text = f"{case} on S3: 20 times the requests/s of {peer}"
            goals.append(speed_goal(text, case, servers.PIERHEAD_S3, peer, at_least=20))
    return goals


def _p99_of_quickest(case: str, rows: Sequence[Row]) -> float | None:
    """Pierhead's p99 as a part of the shortest p99 among the peers."""
    row = find(rows, servers.PIERHEAD, case)
    peers = [peer.median("p99") for name in servers.LISTING_PEERS if (peer := find(rows, name, case))]
    return row.median("p99") / min(peers) if row and peers else None


WARM: Final = Section(
    "warm",
    "Warm listing",
    measure_warm,
    (*ALL, "body", "x floor", "x nginx, static file", "x nginx autoindex"),
    _goals(),
    by_case=True,
)
