"""A page that is asked for all the time while something else is going on: what others notice of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from benchmarks.load import Client, Target
from benchmarks.results import BenchError

PAUSE_SECONDS: Final = 0.005


@contextmanager
def asked_all_the_time(page: Target) -> Iterator[list[float]]:
    """Ask for a page, with a short pause after each answer, until the block ends.

    Yields:
        The seconds that each answer has taken.

    Raises:
        BenchError: an answer was none, or had another status.
    """
    taken: list[float] = []
    failures: list[BenchError] = []
    is_over = threading.Event()

    def ask() -> None:
        client = Client(page.url)
        try:
            while not is_over.wait(PAUSE_SECONDS):
                taken.append(_ask(client, page))
        except BenchError as error:
            failures.append(error)
        finally:
            client.close()

    thread = threading.Thread(target=ask, name="asks-all-the-time")
    thread.start()
    try:
        yield taken
    finally:
        is_over.set()
        thread.join()
    if failures:
        raise failures[0]


def _ask(client: Client, page: Target) -> float:
    answer = client.get(page.path)
    if answer.status != page.status:
        raise BenchError(f"status {answer.status}")
    return answer.seconds
