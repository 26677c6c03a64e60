"""Measuring rows side by side, so that what changes on the machine meanwhile hits all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from benchmarks.bench import Bench
from benchmarks.load import Target, ask_one_by_one, load_with_wrk
from benchmarks.results import BenchError, Row, Sample

CONNECTIONS = 16
"""How many requests are under way at any time, if the server can stand it."""

_WARM_UP = 0.1
"""Part of a measurement that is run before it, and not counted."""


def connections_for(seconds: float, answer_seconds: float) -> int:
    """How many requests may be under way at once.

    Fewer than `CONNECTIONS` where a server is so slow that hardly more than those would be answered within the
    time: what is under way when it is over is not counted. 0 means one by one, which counts every request.

    Args:
        seconds: length of a measurement.
        answer_seconds: how long one answer takes.
    """
    connections = min(CONNECTIONS, int(seconds / 10 / answer_seconds))
    return connections if connections > 1 else 0


class Lane(NamedTuple):
    """A row that is being measured.

    Attributes:
        connections: 0 where requests are made one by one.
        seconds: length of each measurement.
    """

    row: Row
    target: Target
    connections: int
    seconds: float


def measure_in_turn(bench: Bench, lanes: Sequence[Lane]) -> list[Row]:
    """Measure every row once, then every row again in the opposite order, and so on.

    So what changes on the machine meanwhile hits all rows, and neighbours stay neighbours.
    """
    samples: list[list[Sample]] = [[] for _ in lanes]
    failures: dict[int, Exception] = {}
    order = list(range(len(lanes)))
    for repetition in range(bench.options.repetitions):
        for index in order if repetition % 2 == 0 else reversed(order):
            if index in failures:
                continue
            lane = lanes[index]
            bench.say(f"{lane.row.section}, {lane.row.case}, {lane.row.server} ({repetition + 1})")
            try:
                samples[index].append(measure(lane))
            except BenchError as error:
                failures[index] = error
    return [
        lane.row.failed(failures[index]) if index in failures else replace(lane.row, samples=tuple(taken))
        for index, (lane, taken) in enumerate(zip(lanes, samples, strict=True))
    ]


def measure(lane: Lane) -> Sample:
    """One measurement of one row, warmed up.

    Raises:
        BenchError: there is no figure.
    """
    if not lane.connections:
        return ask_one_by_one(lane.target, seconds=lane.seconds)
    ask_one_by_one(lane.target, seconds=lane.seconds * _WARM_UP, at_least=1)
    return load_with_wrk(lane.target, seconds=lane.seconds, connections=lane.connections)
