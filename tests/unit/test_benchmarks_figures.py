"""From samples to the published page: the arithmetic that a benchmark must not get wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.__main__ import PAGE
from benchmarks.contenders import AUTOINDEX, FLOOR, PIERHEAD, PIERHEAD_S3
from benchmarks.downloads import CASE as DOWNLOAD_CASE
from benchmarks.downloads import STRAIGHT
from benchmarks.growth import PEAK
from benchmarks.lanes import CONNECTIONS, connections_for
from benchmarks.listing import AIOBOTO3, CALLS, HELD, RANGES
from benchmarks.listing import CASE as LISTING_CASE
from benchmarks.load import Answer, read_report, sample_of
from benchmarks.options import SIZES, Options, parse_options
from benchmarks.programs import run_to_end
from benchmarks.report import BEGIN, END, publish, render
from benchmarks.results import BenchError, Row, Sample, Skipped, paired_ratio, times
from benchmarks.served_listing import FIRST_ENTRY, WHOLE
from benchmarks.served_listing import case_of as served_case
from benchmarks.slow_clients import CASE as SLOW_CLIENTS_CASE
from benchmarks.slow_clients import STREAMS
from benchmarks.targets import judge
from benchmarks.tree import WrongListing, check_listing, file_name
from benchmarks.warm import case_of


def sample(rate: float, *, p99: float = 1.0, busy: float = 1.0, errors: int = 0) -> Sample:
    return Sample(rate, 0.5, p99, 1000, errors, busy)


def warm(server: str, *samples: Sample, size: int = 100) -> Row:
    return Row("warm", server, case_of(size), samples)


def test_a_ratio_is_that_of_neighbours() -> None:
    # The machine was half as fast in the second repetition: it cancels out.
    row = warm(PIERHEAD, sample(800), sample(400), sample(900))
    assert paired_ratio(row, warm(FLOOR, sample(1000), sample(500), sample(1000))) == 0.8


def test_rows_without_the_same_repetitions_have_no_ratio() -> None:
    with pytest.raises(BenchError):
        paired_ratio(warm(PIERHEAD, sample(1)), warm(FLOOR, sample(1), sample(1)))


def test_a_slow_load_generator_hides_nothing() -> None:
    ours, theirs = warm(PIERHEAD, sample(100, busy=0.8)), warm(FLOOR, sample(100, busy=0.2))
    assert times(ours, theirs) == 0.25


def test_a_server_that_waits_is_not_slower_for_it() -> None:
    ours, waiting = warm(PIERHEAD, sample(100)), warm(AUTOINDEX, sample(10, busy=0.5))
    assert times(ours, waiting) == 5


def test_the_p99_of_few_requests_is_the_slowest() -> None:
    assert sample_of([0.1, 0.2, 0.4]).p99 == pytest.approx(400)
    assert sample_of([0.1, 0.3]).rate == pytest.approx(5)


def test_a_slow_server_gets_fewer_connections() -> None:
    assert connections_for(5, 0.001) == CONNECTIONS
    assert connections_for(5, 0.1) == 5
    assert connections_for(5, 2) == 0


@pytest.mark.parametrize(
    ("pierhead", "is_met"), [(sample(71), True), (sample(69), False), (sample(80, busy=1.2), False)]
)
def test_the_floor_is_a_target(pierhead: Sample, is_met: bool) -> None:
    rows = [warm(PIERHEAD, pierhead), warm(FLOOR, sample(100))]
    found = {verdict.target: verdict.is_met for verdict in judge(rows)}
    assert found["100 entries: at least 0.7 of the floor's requests/s"] is is_met
    assert found["10 entries: at least 0.7 of the floor's requests/s"] is None


@pytest.mark.parametrize(
    ("peer", "is_met"), [(sample(30, p99=2), True), (sample(40, p99=2), False), (sample(30, p99=0.5), False)]
)
def test_a_peer_is_held_against_by_rate_and_by_p99(peer: Sample, is_met: bool) -> None:
    verdicts = judge([warm(PIERHEAD, sample(100)), warm(AUTOINDEX, peer)])
    (found,) = (verdict for verdict in verdicts if verdict.target.startswith("100 entries: 3 times"))
    assert found.is_met is is_met


def test_the_page_says_where_a_peer_wins_and_what_failed() -> None:
    rows = [
        warm(PIERHEAD, sample(100)),
        warm(AUTOINDEX, sample(200)),
        warm("copyparty").failed(BenchError("it broke | and\nbroke")),
        warm("rclone serve http").failed(Skipped("too slow")),
    ]
    lines = render(rows, judge(rows), {"kernel": "1"}).splitlines()
    assert any(
        "nginx autoindex" in line and "**ahead of Pierhead** in requests/s: " in line for line in lines
    )
    assert any("copyparty" in line and "**failed**: it broke \\| and broke" in line for line in lines)
    assert any("rclone" in line and "left out: too slow" in line for line in lines)
    widths = [
        line.replace("\\|", "").count("|")
        for line in lines[lines.index("### Warm listing, 100 entries") + 2 :]
        if line
    ]
    assert len(set(widths)) == 1


def test_publishing_replaces_what_was_published(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    publish("new\n", page)
    publish("newer\n", page)
    assert page.read_text() == f"before\n{BEGIN}\n\nnewer\n\n{END}\nafter\n"


def test_the_page_of_this_project_has_its_markers() -> None:
    page = PAGE.read_text()
    assert page.count(BEGIN) == page.count(END) == 1


def test_only_a_complete_run_is_published() -> None:
    assert parse_options([], ()) == Options()
    assert parse_options([], ()).is_complete
    for arguments in (
        ["--quick"],
        ["--sizes", "10"],
        ["--only", "cold"],
        ["--seconds", "1"],
        ["--server", "x"],
    ):
        assert not parse_options(arguments, ("x",)).is_complete
    assert parse_options(["--quick"], ()).sizes == SIZES


@pytest.mark.parametrize(("listed", "status"), [(9, 200), (11, 200), (10, 404)])
def test_a_wrong_page_is_not_timed(listed: int, status: int) -> None:
    body = " ".join(map(file_name, range(listed))).encode()
    with pytest.raises(WrongListing):
        check_listing(Answer(status, (), body, 0, 0), 10)


def test_a_name_counts_once() -> None:
    body = " ".join(2 * [file_name(number) for number in range(10)]).encode()
    check_listing(Answer(200, (), body, 0, 0), 10)


def test_what_wrk_found_is_told_by_cpu_time_too() -> None:
    output = 'Running...\nJSON {"requests":1000,"microseconds":500000,"p50":1500,"p99":9000,"errors":3}\n'
    found = read_report(output, 0.25)
    assert found == Sample(2000, 1.5, 9.0, 1000, 3, 0.5)
    assert found.per_core == 4000


@pytest.mark.parametrize("output", ["", "unable to connect", 'JSON {"requests":0,"microseconds":5}'])
def test_a_silent_load_generator_is_no_figure(output: str) -> None:
    with pytest.raises(BenchError):
        read_report(output, 1)


@pytest.mark.parametrize(("seconds", "is_met"), [(1.9, True), (2.1, False)])
def test_a_large_listing_is_held_against_pages_one_after_the_other(seconds: float, is_met: bool) -> None:
    rows = [
        Row(
            "listing", name, LISTING_CASE, (Sample(1 / taken, 1.0, 1.0, 1, 0, 0.5),), {HELD: 21.0, CALLS: 100}
        )
        for name, taken in ((RANGES, seconds), (AIOBOTO3, 10.0))
    ]
    found = {verdict.target: verdict.is_met for verdict in judge(rows)}
    about = f"{LISTING_CASE}, {RANGES}: "
    assert found[f"{about}5 times as fast as {AIOBOTO3}"] is is_met
    assert found[f"{about}event loop never held longer than 20 ms"] is False
    assert "| 100 |" in render(rows, [], {})


@pytest.mark.parametrize(("first", "p99", "met"), [(59, 19, {True}), (61, 21, {False})])
def test_a_large_folder_is_to_begin_soon_and_disturb_nobody(first: float, p99: float, met: set[bool]) -> None:
    case = served_case("html")
    row = Row("served-listing", PIERHEAD_S3, case, (sample(1, p99=p99),), {FIRST_ENTRY: first, WHOLE: 9})
    assert {verdict.is_met for verdict in judge([row]) if verdict.target.startswith(case)} == met


@pytest.mark.parametrize(("rate", "is_met"), [(81, True), (79, False)])
def test_a_download_is_held_against_the_engine_itself(rate: float, is_met: bool) -> None:
    rows = [
        Row("downloads", name, DOWNLOAD_CASE, (sample(speed),))
        for name, speed in ((STRAIGHT, 100), (PIERHEAD_S3, rate))
    ]
    (found,) = (verdict for verdict in judge(rows) if verdict.target.startswith(DOWNLOAD_CASE))
    assert found.is_met is is_met


@pytest.mark.parametrize(
    ("errors", "memory", "is_met"), [(0, 1 << 30, True), (1, 1 << 30, False), (0, 3 << 30, False)]
)
def test_slow_clients_are_all_served_within_their_memory(errors: int, memory: int, is_met: bool) -> None:
    facts = {PEAK: memory, STREAMS: 1000 - errors}
    row = Row("slow-clients", PIERHEAD_S3, SLOW_CLIENTS_CASE, (sample(1, errors=errors),), facts)
    (found,) = (verdict for verdict in judge([row]) if verdict.target.startswith(SLOW_CLIENTS_CASE))
    assert found.is_met is is_met


def test_what_a_command_prints_is_given() -> None:
    assert run_to_end(["sh", "-c", "echo $SAID"], {"SAID": "well"}, seconds=9) == "well\n"


@pytest.mark.parametrize(
    ("command", "seconds", "words"),
    [
        ("sh -c nothing", 9, "sh: .*not found"),
        ("sleep 9", 0.1, "timed out"),
        ("no-such-command", 9, "No such file"),
    ],
)
def test_a_command_that_fails_fails_its_row(command: str, seconds: float, words: str) -> None:
    with pytest.raises(BenchError, match=words):
        run_to_end(command.split(), seconds=seconds)
