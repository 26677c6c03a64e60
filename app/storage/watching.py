"""Who is told how the stores are doing."""

from __future__ import annotations

from typing import Literal, Protocol

from app.storage.store import Observer

Event = Literal["hedge", "hedge-won", "failover"]
"""`hedge`: asked beside another, which is slow; `hedge-won`: and was first to answer; `failover`: asked in place of
another, which failed, and answered."""


class StorageWatch(Protocol):
    """Counts what happens at each of a site's stores. None of it raises."""

    def observer_of(self, store: str) -> Observer:
        """Who is told of the calls to one store.

        Args:
            store: its name.
        """
        ...

    def note(self, event: Event, store: str) -> None:
        """Something happened between the stores.

        Args:
            store: the name of that which helped out.
        """
        ...

    def note_circuit(self, store: str, *, is_open: bool) -> None:
        """A store is left alone from now on, or no longer."""
        ...


class Unwatched:
    """A `StorageWatch` that counts nothing."""

    def observer_of(self, store: str) -> Observer:
        """See `StorageWatch.observer_of`."""
        del store
        return _ignore

    def note(self, event: Event, store: str) -> None:
        """See `StorageWatch.note`."""

    def note_circuit(self, store: str, *, is_open: bool) -> None:
        """See `StorageWatch.note_circuit`."""


def _ignore(operation: str, outcome: str, seconds: float) -> None:
    del operation, outcome, seconds
