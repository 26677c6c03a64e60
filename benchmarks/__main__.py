"""`python -m benchmarks`: measures, and writes what it has found."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Final

from benchmarks import machine
from benchmarks.bench import HOME, Bench
from benchmarks.cold import measure_cold
from benchmarks.contenders import SERVERS
from benchmarks.crowd import measure_crowd
from benchmarks.downloads import measure_downloads
from benchmarks.growth import measure_growth
from benchmarks.listing import measure_listing
from benchmarks.options import Options, parse_options
from benchmarks.programs import PROJECT
from benchmarks.redirect import measure_redirect
from benchmarks.report import publish, render
from benchmarks.results import BenchError, Row
from benchmarks.served_listing import measure_served_listing
from benchmarks.slow_clients import measure_slow_clients
from benchmarks.slow_s3 import measure_slow_s3
from benchmarks.targets import judge
from benchmarks.warm import measure_warm

PAGE: Final = PROJECT / "docs" / "benchmarks.md"
RUN: Final = HOME / "run"
"""What the last run's servers wrote; the next run removes it."""

_SECTIONS: Final[dict[str, Callable[[Bench], list[Row]]]] = {
    "warm": measure_warm,
    "cold": measure_cold,
    "slow-s3": measure_slow_s3,
    "growth": measure_growth,
    "crowd": measure_crowd,
    "redirect": measure_redirect,
    "listing": measure_listing,
    "served-listing": measure_served_listing,
    "downloads": measure_downloads,
    "slow-clients": measure_slow_clients,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit status: 1 where a row failed, 2 where nothing can be measured."""
    options = parse_options(arguments, SERVERS)
    # Whoever ends this ends the servers too, which are processes of their own.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        machine.prepare()
    except BenchError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    shutil.rmtree(RUN, ignore_errors=True)
    RUN.mkdir(parents=True)
    described = machine.describe() | {"load average before": f"{machine.load_average():.2f}"}
    with Bench(options, RUN) as bench:
        rows = [row for section in options.sections for row in _SECTIONS[section](bench)]
        bench.say("done")
    described["date"] = time.strftime("%Y-%m-%d", time.gmtime())
    return _report(options, rows, described)


def _report(options: Options, rows: list[Row], described: dict[str, str]) -> int:
    """Write the raw results and the tables; publish those of a complete run only."""
    results = {"machine": described, "options": asdict(options), "rows": [asdict(row) for row in rows]}
    (HOME / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    text = render(rows, judge(rows), described)
    (HOME / "results.md").write_text(text)
    print(text)
    if options.is_complete:
        publish(text, PAGE)
        print(f"Published in {PAGE.relative_to(PROJECT)}", file=sys.stderr)
    else:
        print(f"Not published: not a complete run. Kept in {HOME.relative_to(PROJECT)}", file=sys.stderr)
    return 0 if all(row.samples or row.is_skipped for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
