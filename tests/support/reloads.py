"""SIGHUP to a server, and what its workers made of it."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

from tests.support.waiting import fetch, wait_until


class Reloads:
    """Has the workers of a server read their settings again, one attempt after another.

    Args:
        pid: of the process that takes the signal.
        admin: the URL of its operator's listener.
        workers: how many it has.
    """

    def __init__(self, pid: int, admin: str, workers: int = 1) -> None:
        self._pid = pid
        self._admin = admin
        self._workers = workers
        self._attempts = 0

    def __call__(self) -> list[str]:
        """Send the signal, and wait until every worker has acted on it. Returns why they keep what they had."""
        self._attempts += 1
        os.kill(self._pid, signal.SIGHUP)
        outcomes: list[dict[str, Any]] = []

        def have_acted() -> bool:
            # This one answer is kept. The next may be of a worker that does not know yet how far the others are.
            outcomes[:] = [worker["reload"] or {} for worker in self._states()]
            numbers = [outcome.get("number") for outcome in outcomes]
            return numbers == [self._attempts] * self._workers

        assert wait_until(have_acted), outcomes
        faults = {tuple(outcome["faults"]) for outcome in outcomes}
        assert len(faults) == 1
        return list(*faults)

    def known(self) -> set[int]:
        """The last attempt of each worker, as far as the worker that answers knows."""
        return {(worker["reload"] or {"number": 0})["number"] for worker in self._states()}

    def _states(self) -> list[dict[str, Any]]:
        return list(json.loads(fetch(f"{self._admin}/-/state"))["workers"])
