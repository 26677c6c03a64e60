"""Keeps one cause from filling the log: what requests can bring about again and again is said once a minute."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Final

import structlog

PAUSE_SECONDS: Final = 60.0
MAX_CAUSES: Final = 1024

EVENTS: Final = frozenset(
    {
        "control_file_is_a_link",
        "control_file_malformed",
        "control_file_unreadable",
        "control_files_too_large",
        "file_left_out",
        "folder_from_replica",
        "keys_skipped",
        "link_without_target",
        "refresh_failed",
    }
)
"""Events about one folder, which are found anew at each read of it."""


class Seldom:
    """Says when a cause may be said again.

    Args:
        most: causes that are remembered.
        clock: seconds; never goes back.
    """

    def __init__(self, most: int = MAX_CAUSES, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._causes: dict[Hashable, tuple[float, int]] = {}

    def due(self, cause: Hashable) -> int | None:
        """How often a cause was left unsaid since it was said last; None if it is to be left unsaid now."""
        now = self._clock()
        since, unsaid = self._causes.get(cause, (-PAUSE_SECONDS, 0))
        if now - since < PAUSE_SECONDS:
            self._causes[cause] = (since, unsaid + 1)
            return None
        if len(self._causes) >= self._most:
            self._causes.clear()
        self._causes[cause] = (now, 0)
        return unsaid


class SeldomEvents:
    """A processor of structlog that drops an event whose fields are those of one of the last minute.

    Args:
        seldom: remembers them.
    """

    def __init__(self, seldom: Seldom) -> None:
        self._seldom = seldom

    def __call__(self, _: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        """See `structlog.typing.Processor`."""
        if event["event"] not in EVENTS:
            return event
        unsaid = self._seldom.due(tuple((name, repr(value)) for name, value in sorted(event.items())))
        if unsaid is None:
            raise structlog.DropEvent
        return {**event, "unsaid": unsaid} if unsaid else event
