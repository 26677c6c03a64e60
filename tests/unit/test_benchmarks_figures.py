"""From samples to the published page: the arithmetic that a benchmark must not get wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import downloads, first_listing, small_machine, warm
from benchmarks.__main__ import PAGE
from benchmarks.bench import Bench, Lane, Section
from benchmarks.client import Answer
from benchmarks.load import CONNECTIONS, connections_for, read_report, sample_of
from benchmarks.options import SIZES, Options, parse_options
from benchmarks.programs import run_to_end
from benchmarks.report import BEGIN, END, is_met, publish, render
from benchmarks.results import BenchError, Row, Sample, Skipped, paired, times
from benchmarks.sections import SECTIONS
from benchmarks.servers import AUTOINDEX, FLOOR, PIERHEAD, PIERHEAD_S3
from benchmarks.tree import WrongListing, check_listing, file_name

SECTION_NAMES = [section.name for section in SECTIONS]


def sample(rate: float, *, p99: float = 1.0, busy: float = 1.0, errors: int = 0) -> Sample:
    return Sample(rate, 0.5, p99, 1000, errors, busy)


def warm_row(server: str, *samples: Sample, size: int = 100) -> Row:
    return Row(server, warm.case_of(size), samples)


def met(section: Section, text: str, *rows: Row) -> set[bool | None]:
    """Whether the goals are met whose words begin like this."""
    found = {is_met(goal, rows) for goal in section.goals if goal.text.startswith(text)}
    assert found
    return found


def test_a_ratio_is_that_of_neighbours() -> None:
    # The machine was half as fast in the second repetition: it cancels out.
    row = warm_row(PIERHEAD, sample(800), sample(400), sample(900))
    assert paired(row, warm_row(FLOOR, sample(1000), sample(500), sample(1000)), "rate") == 0.8


def test_rows_without_the_same_repetitions_have_no_ratio() -> None:
    with pytest.raises(BenchError):
        paired(warm_row(PIERHEAD, sample(1)), warm_row(FLOOR, sample(1), sample(1)), "rate")


def test_a_slow_load_generator_hides_nothing() -> None:
    ours, theirs = warm_row(PIERHEAD, sample(100, busy=0.8)), warm_row(FLOOR, sample(100, busy=0.2))
    assert times(ours, theirs) == 0.25


def test_a_server_that_waits_is_not_slower_for_it() -> None:
    ours, waiting = warm_row(PIERHEAD, sample(100)), warm_row(AUTOINDEX, sample(10, busy=0.5))
    assert times(ours, waiting) == 5


def test_the_p99_of_few_requests_is_the_slowest() -> None:
    assert sample_of([0.1, 0.2, 0.4]).p99 == pytest.approx(400)
    assert sample_of([0.1, 0.3]).rate == pytest.approx(5)


def test_a_slow_server_gets_fewer_connections() -> None:
    assert connections_for(5, 0.001) == CONNECTIONS
    assert connections_for(5, 0.1) == 5
    assert connections_for(5, 2) == 0


def test_rows_take_turns_and_a_failure_stops_its_own_row_alone(tmp_path: Path) -> None:
    taken: list[str] = []

    def take(name: str) -> Sample:
        taken.append(name)
        if name == "broken":
            raise BenchError("no")
        return replace(sample(1), facts={"calls": len(taken)})

    lanes = [Lane(Row(name, ""), lambda name=name: take(name)) for name in ("a", "broken", "b")]  # type: ignore[misc]
    with Bench(Options(), tmp_path) as bench:
        rows = bench.in_turn(lanes)
    assert taken == ["a", "broken", "b", "b", "a", "a", "b"]
    assert [(row.server, len(row.samples), row.failure) for row in rows] == [
        ("a", 3, ""),
        ("broken", 0, "no"),
        ("b", 3, ""),
    ]
    assert [dict(row.facts) for row in rows] == [{"calls": 6}, {}, {"calls": 7}]


@pytest.mark.parametrize(
    ("pierhead", "reaches"), [(sample(71), True), (sample(69), False), (sample(80, busy=1.2), False)]
)
def test_the_floor_is_a_target(pierhead: Sample, reaches: bool) -> None:
    rows = warm_row(PIERHEAD, pierhead), warm_row(FLOOR, sample(100))
    assert met(warm.WARM, "100 entries: at least 0.7 of the floor's", *rows) == {reaches}
    assert met(warm.WARM, "10 entries: at least 0.7 of the floor's", *rows) == {None}


@pytest.mark.parametrize(
    ("peer", "reaches"),
    [(sample(30, p99=2), {True}), (sample(40, p99=2), {False, True}), (sample(30, p99=0.5), {False, True})],
)
def test_a_peer_is_a_target_by_rate_and_by_p99(peer: Sample, reaches: set[bool]) -> None:
    rows = warm_row(PIERHEAD, sample(100)), warm_row(AUTOINDEX, peer)
    by_rate = met(warm.WARM, "100 entries: 3 times", *rows)
    assert by_rate | met(warm.WARM, "100 entries: a shorter p99", *rows) == reaches


@pytest.mark.parametrize(("seconds", "reaches"), [(1.9, True), (2.1, False)])
def test_pages_one_after_the_other_are_a_target_of_a_large_listing(seconds: float, reaches: bool) -> None:
    rows = [
        Row(name, first_listing.CASE, (sample(1 / taken),), {first_listing.HELD: 21.0})
        for name, taken in ((first_listing.RANGES, seconds), (first_listing.AIOBOTO3, 10.0))
    ]
    about = f"{first_listing.CASE}, {first_listing.RANGES}: "
    assert met(first_listing.LISTING, f"{about}5 times as fast as {first_listing.AIOBOTO3}", *rows) == {
        reaches
    }
    assert met(first_listing.LISTING, f"{about}event loop", *rows) == {False}


@pytest.mark.parametrize(("first", "p99", "reaches"), [(59, 19, {True}), (61, 21, {False})])
def test_a_large_folder_is_to_begin_soon_and_disturb_nobody(
    first: float, p99: float, reaches: set[bool]
) -> None:
    case = first_listing.case_of("html")
    row = Row(PIERHEAD_S3, case, (sample(1, p99=p99),), {first_listing.FIRST_ENTRY: first})
    assert met(first_listing.SERVED_LISTING, case, row) == reaches


@pytest.mark.parametrize(("rate", "reaches"), [(81, True), (79, False)])
def test_the_engine_itself_is_a_target_of_a_download(rate: float, reaches: bool) -> None:
    straight = Row(downloads.STRAIGHT, downloads.CASE, (sample(100, busy=0),))
    ours = Row(PIERHEAD_S3, downloads.CASE, (sample(rate, busy=0.3),))
    assert met(downloads.DOWNLOADS, downloads.CASE, straight, ours) == {reaches}


@pytest.mark.parametrize(
    ("errors", "memory", "reaches"),
    [(0, 1024, {True}), (1, 1024, {True, False}), (0, 3072, {True, False})],
)
def test_slow_clients_are_all_served_within_their_memory(
    errors: int, memory: float, reaches: set[bool]
) -> None:
    served = (sample(1, errors=errors),)
    row = Row(PIERHEAD_S3, small_machine.SLOW_CASE, served, {small_machine.PEAK: memory})
    assert met(small_machine.SLOW, small_machine.SLOW_CASE, row) == reaches


def test_the_page_shows_every_case_and_what_failed() -> None:
    rows = [
        warm_row(PIERHEAD, sample(100)),
        warm_row(AUTOINDEX, sample(200)),
        warm_row("copyparty").failed(BenchError("it broke | and\nbroke")),
        warm_row("rclone serve http").failed(Skipped("too slow")),
        warm_row(PIERHEAD, sample(12345), size=10),
    ]
    lines = render({"warm": rows}, SECTIONS, {"kernel": "1"}).splitlines()
    first = lines.index("### Warm listing, 100 entries")
    table = lines[first + 2 : lines.index("### Warm listing, 10 entries")]
    assert any(line.startswith(f"| {PIERHEAD} | 100 |") and "| 0.5 |" in line for line in table)
    assert any("copyparty" in line and "**failed**: it broke \\| and broke" in line for line in table)
    assert any("rclone" in line and "left out: too slow" in line for line in table)
    assert len({line.replace("\\|", "").count("|") for line in table if line}) == 1
    assert any(line.startswith(f"| {PIERHEAD} | 12,345 |") for line in lines)


def test_a_peer_that_wins_is_named_with_its_strength() -> None:
    pierhead = warm_row(PIERHEAD, sample(100))
    assert (
        "**ahead of Pierhead** in requests/s: C "
        in warm.remarked(warm_row(AUTOINDEX, sample(200)), pierhead).note
    )
    assert not warm.remarked(warm_row(AUTOINDEX, sample(50)), pierhead).note


def test_every_column_of_every_section_has_a_figure_or_nothing() -> None:
    rows = {section.name: [Row("x", "y", (sample(1),))] for section in SECTIONS}
    text = render(rows, SECTIONS, {})
    assert all(section.title in text for section in SECTIONS)
    assert len(set(SECTION_NAMES)) == len(SECTIONS)


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
    assert parse_options([], SECTION_NAMES, ()) == Options()
    assert Options().is_complete
    for words in ("--quick", "--sizes 10", "--only cold", "--seconds 1", "--server x"):
        assert not parse_options(words.split(), SECTION_NAMES, ("x",)).is_complete
    assert parse_options(["--quick"], SECTION_NAMES, ()).sizes == SIZES


@pytest.mark.parametrize(("listed", "status"), [(9, 200), (11, 200), (10, 404)])
def test_a_wrong_page_is_not_timed(listed: int, status: int) -> None:
    body = " ".join(map(file_name, range(listed))).encode()
    with pytest.raises(WrongListing):
        check_listing(Answer(status, (), body, 0, 0), 10)


def test_a_name_counts_once() -> None:
    body = " ".join(2 * [file_name(number) for number in range(10)]).encode()
    check_listing(Answer(200, (), body, 0, 0), 10)


def test_the_report_of_wrk_is_read_with_the_cpu_time() -> None:
    output = 'Running...\nJSON {"requests":1000,"microseconds":500000,"p50":1500,"p99":9000,"errors":3}\n'
    found = read_report(output, 0.25)
    assert found == Sample(2000, 1.5, 9.0, 1000, 3, 0.5)
    assert found.per_core == 4000


@pytest.mark.parametrize("output", ["", "unable to connect", 'JSON {"requests":0,"microseconds":5}'])
def test_a_silent_load_generator_is_no_figure(output: str) -> None:
    with pytest.raises(BenchError):
        read_report(output, 1)


def test_what_a_command_prints_is_returned() -> None:
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
