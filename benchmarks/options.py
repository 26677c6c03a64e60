"""What a run of the benchmarks is to measure, and for how long."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

SIZES = (10, 100, 1_000, 10_000, 100_000)


@dataclass(frozen=True)
class Options:
    """What was asked for.

    Attributes:
        seconds: length of one measurement of our own rows: Pierhead, the floor, nginx with a static file.
        peer_seconds: of one measurement of a peer.
        repetitions: how often each row is measured; the median counts.
        sizes: entries of the folders that are listed.
        sections: names of those that are measured; empty for all of them.
        servers: names of those that are measured in `warm`; empty for all of them.
        quick: everything once and as short as can be: shows that it works, and no figure is worth anything.
    """

    seconds: float = 5.0
    peer_seconds: float = 2.0
    repetitions: int = 3
    sizes: tuple[int, ...] = SIZES
    sections: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    quick: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether this measures all there is, for the full time: only that is published."""
        return self == Options()


def parse_options(
    arguments: Sequence[str] | None, sections: Sequence[str], servers: Sequence[str]
) -> Options:
    """Read the command line. Ends the process on a wrong one.

    Args:
        arguments: None for the process's own.
        sections, servers: the names of those that can be chosen.
    """
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
