"""`python -m benchmarks`: measures, and writes what it has found."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Final

from benchmarks import machine
from benchmarks.bench import HOME, Bench, Section
from benchmarks.options import Options, parse_options
from benchmarks.programs import PROJECT
from benchmarks.report import publish, render
from benchmarks.results import BenchError, Row
from benchmarks.sections import SECTIONS
from benchmarks.servers import NAMES

PAGE: Final = PROJECT / "docs" / "benchmarks.md"
RUN: Final = HOME / "run"
"""What the last run's servers wrote; the next run removes it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit status: 1 where a row failed, 2 where nothing can be measured."""
    options = parse_options(arguments, [section.name for section in SECTIONS], NAMES)
    # A signal ends the servers too, which are processes of their own.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        machine.prepare()
    except BenchError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    shutil.rmtree(RUN, ignore_errors=True)
    RUN.mkdir(parents=True)
    described = machine.describe()
    with Bench(options, RUN) as bench:
        chosen = [one for one in SECTIONS if not options.sections or one.name in options.sections]
        rows = {section.name: _measure(bench, section) for section in chosen}
        bench.say("done")
    _report(options, rows, described | {"date": time.strftime("%Y-%m-%d", time.gmtime())})
    return 0 if all(row.samples or row.is_skipped for each in rows.values() for row in each) else 1


def _measure(bench: Bench, section: Section) -> list[Row]:
    """The rows of a section; a single failed one where it cannot be measured at all."""
    bench.say(section.title)
    try:
        return section.measure(bench)
    except (BenchError, OSError) as error:
        return [Row("all", "all").failed(error)]


def _report(options: Options, rows: Mapping[str, list[Row]], described: Mapping[str, str]) -> None:
    """Write the raw results and the tables; publish those of a complete run only."""
    raw = {name: [asdict(row) for row in each] for name, each in rows.items()}
    results = {"machine": described, "options": asdict(options), "rows": raw}
    (HOME / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    text = render(rows, SECTIONS, described)
    (HOME / "results.md").write_text(text)
    print(text)
    if options.is_complete:
        publish(text, PAGE)
        print(f"Published in {PAGE.relative_to(PROJECT)}", file=sys.stderr)
    else:
        print(f"Not published: not a complete run. Kept in {HOME.relative_to(PROJECT)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
