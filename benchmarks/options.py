"""What a run of the benchmarks is to measure, and for how long."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

SIZES = (10, 100, 1_000, 10_000, 100_000)
SECTIONS = (
    "warm",
    "cold",
    "slow-s3",
    "growth",
    "crowd",
    "redirect",
    "listing",
    "served-listing",
    "downloads",
    "slow-clients",
)


@dataclass(frozen=True)
class Options:
    """Attributes:
    seconds: length of one measurement of our own rows: Pierhead, the floor, nginx with a static file.
    peer_seconds: of one measurement of a peer.
    repetitions: how often each row is measured; the median counts.
    sizes: entries of the folders that are listed.
    sections: what is measured, of `SECTIONS`.
    servers: names of the servers that are measured in `warm`; empty for all of them.
    quick: everything once and as short as can be: shows that it works, and no figure is worth anything.
    """

    seconds: float = 5.0
    peer_seconds: float = 2.0
    repetitions: int = 3
    sizes: tuple[int, ...] = SIZES
    sections: tuple[str, ...] = SECTIONS
    servers: tuple[str, ...] = ()
    quick: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether this measures all there is, for as long as is laid down: only that is published."""
        return self == Options()


def parse_options(arguments: Sequence[str] | None, servers: Sequence[str]) -> Options:
    """Read the command line. Ends the process on a wrong one.

    Args:
        arguments: None for the process's own.
        servers: the names of those that can be chosen.
    """
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure Pierhead beside its peers.")
    parser.add_argument(
        "--quick", action="store_true", help="half a second a row, once: does it work at all?"
    )
    parser.add_argument("--seconds", type=float, help="length of a measurement (default 5, peers 2)")
    parser.add_argument("--repetitions", type=int, help="measurements of each row (default 3)")
    parser.add_argument("--sizes", type=_sizes, help="entries a folder, such as 10,1000")
    parser.add_argument(
        "--only",
        action="append",
        choices=SECTIONS,
        metavar="NAME",
        help=f"one of {', '.join(SECTIONS)}; again for more",
    )
    parser.add_argument(
        "--server",
        action="append",
        choices=servers,
        metavar="NAME",
        help=f"a server of the warm listings, {', '.join(servers)}; again for more",
    )
    given = parser.parse_args(arguments)
    usual = Options(0.5, 0.5, 1, quick=True) if given.quick else Options()
    return Options(
        seconds=given.seconds or usual.seconds,
        peer_seconds=given.seconds or usual.peer_seconds,
        repetitions=given.repetitions or usual.repetitions,
        sizes=given.sizes or usual.sizes,
        sections=tuple(name for name in SECTIONS if name in (given.only or SECTIONS)),
        servers=tuple(given.server or ()),
        quick=given.quick,
    )


def _sizes(text: str) -> tuple[int, ...]:
    sizes = tuple(int(part) for part in text.replace("_", "").split(","))
    if not set(sizes) <= set(SIZES):
        raise argparse.ArgumentTypeError(f"must be of {', '.join(map(str, SIZES))}")
    return sizes
