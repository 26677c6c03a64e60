"""Warm listings: the same folder, again and again, of each server in turn."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace

from benchmarks.bench import Bench
from benchmarks.contenders import CONTENDERS, FLOOR, PIERHEAD, SERVERS, Contender, keep_static_page
from benchmarks.floor import capture, check_same
from benchmarks.lanes import CONNECTIONS, Lane, connections_for, measure_in_turn
from benchmarks.load import Target, get
from benchmarks.pierhead import run_floor
from benchmarks.programs import PROJECT, Program
from benchmarks.results import BODY, ENTRIES, BenchError, Row, Skipped
from benchmarks.tree import WrongListing, check_listing, folder

VARIANTS_AT = 1_000
"""The size at which other representations are measured too."""

VARIANTS = {"JSON": {"Accept": "application/json"}, "gzip": {"Accept-Encoding": "gzip"}}

ONE_AT_A_TIME_FROM = 100_000
"""Entries from which on nobody is asked for several pages at once. The peers cannot stand it; and where 16 answers of
20 MB are under way, each waits for the others, so that p99 would compare queues."""

_TOO_SLOW_SECONDS = 5.0


def case_of(size: int, variant: str = "") -> str:
    """How a row says what it lists."""
    return f"{size:,} entries" + (f", {variant}" if variant else "")


def measure_warm(bench: Bench) -> list[Row]:
    """All sizes, all servers."""
    rows: list[Row] = []
    with ExitStack() as stack:
        running, failures = _start_all(bench, stack)
        for size in bench.options.sizes:
            rows += _measure_size(bench, size, running, failures)
    return rows


def _start_all(bench: Bench, stack: ExitStack) -> tuple[dict[str, Program], dict[str, Exception]]:
    """Start who takes part. Returns those who run, and why the others do not, by their names."""
    running: dict[str, Program] = {}
    failures: dict[str, Exception] = {}
    for contender in _chosen(bench):
        bench.say(f"starting {contender.name}")
        directory = bench.directory / contender.name.replace(" ", "-").replace(",", "")
        try:
            running[contender.name] = stack.enter_context(contender.start(bench, directory))
        except (BenchError, OSError) as error:
            failures[contender.name] = error
    return running, failures


def _chosen(bench: Bench) -> list[Contender]:
    """Pierhead is always among them: its page is what the floor sends."""
    names = bench.options.servers
    return [one for one in CONTENDERS if not names or one.name in names or one.name == PIERHEAD]


def _measure_size(
    bench: Bench, size: int, running: Mapping[str, Program], failures: Mapping[str, Exception]
) -> list[Row]:
    rows = [Row("warm", name, case_of(size)).failed(reason) for name, reason in failures.items()]
    with ExitStack() as stack:
        lanes, failed = _prepare_html(bench, size, running, stack)
        rows += failed
        if size == VARIANTS_AT and PIERHEAD in running:
            for variant, headers in VARIANTS.items():
                target = Target(running[PIERHEAD], f"/{folder(size)}/", headers)
                pair, failed = _prepare_pair(bench, size, variant, target, stack)
                lanes += pair
                rows += failed
        rows += measure_in_turn(bench, lanes)
    return sorted(rows, key=lambda row: SERVERS.index(row.server))


def _prepare_html(
    bench: Bench, size: int, running: Mapping[str, Program], stack: ExitStack
) -> tuple[list[Lane], list[Row]]:
    """Everybody's own page of one folder; the floor between the two rows that are held against it."""
    lanes: list[Lane] = []
    failed: list[Row] = []
    for contender in _chosen(bench):
        if contender.name not in running:
            continue
        target = Target(running[contender.name], f"/{folder(size)}{contender.suffix}")
        if contender.name == PIERHEAD:
            lanes, failed = _prepare_pair(bench, size, "", target, stack)
            continue
        row = Row("warm", contender.name, case_of(size), facts={ENTRIES: size}, note=contender.note)
        try:
            if not contender.is_ours:
                lanes.append(_prepare_peer(bench, contender, row, target, size))
            elif lanes:
                # With as many connections as the floor, against which it is held.
                row = _checked(bench, contender, row, target, size)
                lanes.append(lanes[0]._replace(row=row, target=target))
        except BenchError as error:
            failed.append(row.failed(error))
    return lanes, failed


def _prepare_pair(
    bench: Bench, size: int, variant: str, target: Target, stack: ExitStack
) -> tuple[list[Lane], list[Row]]:
    """Pierhead, and beside it the floor that sends what Pierhead has just sent."""
    row = Row("warm", PIERHEAD, case_of(size, variant), facts={ENTRIES: size})
    try:
        answer = get(target)
        check_listing(answer, size)
        if not variant:
            keep_static_page(bench, folder(size), answer.body)
        captured = bench.directory / "captured" / (folder(size) + variant)
        capture(answer, captured)
        floor = stack.enter_context(run_floor(captured.with_suffix(".floor"), captured, PROJECT))
        at_floor = target._replace(program=floor)
        check_same(answer, get(at_floor))
    except BenchError as error:
        return [], [row.failed(error)]
    row = replace(row, facts={ENTRIES: size, BODY: len(answer.body)})
    seconds = bench.options.seconds
    connections = 1 if size >= ONE_AT_A_TIME_FROM else connections_for(seconds, get(target).seconds)
    if connections == 1:
        row = replace(row, note="one at a time")
    lanes = ((row, target), (replace(row, server=FLOOR), at_floor))
    return [Lane(*lane, connections, seconds) for lane in lanes], []


def _prepare_peer(bench: Bench, contender: Contender, row: Row, target: Target, size: int) -> Lane:
    """Look at one page, and see how many connections its server can stand.

    Raises:
        BenchError: it cannot be measured.
    """
    try:
        row = _checked(bench, contender, row, target, size)
    except WrongListing as error:
        raise Skipped(f"cannot be compared: {error}") from error
    taken = get(target).seconds
    if taken > _TOO_SLOW_SECONDS:
        raise Skipped(f"one request takes {taken:.1f} s")
    seconds = bench.options.peer_seconds
    connections = connections_for(seconds, taken)
    if connections < CONNECTIONS:
        said = f"{connections} at a time" if connections else "one at a time"
        row = replace(row, note="; ".join(filter(None, (row.note, said))))
    return Lane(row, target, connections, seconds)


def _checked(bench: Bench, contender: Contender, row: Row, target: Target, size: int) -> Row:
    """The row, once a page was right; what the server keeps in memory is there from then on.

    Raises:
        WrongListing: it was not.
        BenchError: there is none.
    """
    if contender.reads_s3 and size not in bench.s3().sizes:
        raise Skipped("storing so many objects takes longer than all the rest")
    answer = get(target)
    check_listing(answer, size)
    return replace(row, facts={ENTRIES: size, BODY: len(answer.body)})
