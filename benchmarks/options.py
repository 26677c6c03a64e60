"""What a run of the benchmarks is to measure, and for how long."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

SIZES = (10, 100, 1_000, 10_000, 100_000)


@dataclass(frozen=True)
class Options:
    """What was asked for."""

    seconds: float = (
        5.0  # length of one measurement of our own rows: Pierhead, the floor, nginx with a static file
    )
    peer_seconds: float = 2.0  # of one measurement of a peer
    repetitions: int = 3
    sizes: tuple[int, ...] = SIZES  # entries of the folders that are listed
    sections: tuple[str, ...] = ()  # names of those that are measured; empty for all of them
    servers: tuple[str, ...] = ()  # the same of those in `warm`
    quick: bool = False  # everything once and as short as can be; no figure is worth anything

    @property
    def is_complete(self) -> bool:
        """Whether this measures all there is, for the full time: only that is published."""
        return self == Options()


def parse_options(
    arguments: Sequence[str] | None, sections: Sequence[str], servers: Sequence[str]
) -> Options:
    """Read the command line (None for the process's own), and end the process on a wrong one."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure Pierhead beside its peers.")
    add = parser.add_argument
    add("--quick", action="store_true", help="half a second a row, once: does it work at all?")
    add("--seconds", type=float, help="length of a measurement (default 5, peers 2)")
    add("--repetitions", type=int, help="measurements of each row (default 3)")
    add("--sizes", type=_sizes, help="entries a folder, such as 10,1000")
    for option, names in (("--only", sections), ("--server", servers)):
        text = f"one of {', '.join(names)}; again for more"
        add(option, action="append", choices=names, default=[], metavar="NAME", help=text)
    given = parser.parse_args(arguments)
    usual = Options(0.5, 0.5, 1, quick=True) if given.quick else Options()
    return Options(
        seconds=given.seconds or usual.seconds,
        peer_seconds=given.seconds or usual.peer_seconds,
        repetitions=given.repetitions or usual.repetitions,
        sizes=given.sizes or usual.sizes,
        sections=tuple(given.only),
        servers=tuple(given.server),
        quick=given.quick,
    )


def _sizes(text: str) -> tuple[int, ...]:
    sizes = tuple(int(part) for part in text.replace("_", "").split(","))
    if not set(sizes) <= set(SIZES):
        raise argparse.ArgumentTypeError(f"must be of {', '.join(map(str, SIZES))}")
    return sizes
