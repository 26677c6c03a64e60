"""How stores report each call, and switches between several stores."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Literal, Protocol

from app.domain.errors import (
    Moved,
    NotFound,
    ObjectArchived,
    ObjectChanged,
    ObjectEncrypted,
    StoreDenied,
    StoreUnavailable,
)
from app.storage.store import Observer

Event = Literal["hedge", "hedge-won", "failover"]
"""`hedge`: asked beside another, which is slow; `hedge-won`: and was first to answer; `failover`: asked in place of
another, which failed, and answered."""


class StorageWatch(Protocol):
    """Counts the events of each store of a site. No method raises."""

    def observer_of(self, store: str) -> Observer:
        """The observer of the calls to one store.

        Args:
            store: its name.
        """
        ...

    def note(self, event: Event, store: str) -> None:
        """Count an event between stores.

        Args:
            store: name of the store that was asked instead.
        """
        ...

    def note_circuit(self, store: str, *, is_open: bool) -> None:
        """Note that the circuit of a store has opened or closed."""
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


class OfSite:
    """A `StorageWatch` for the stores of one of several sites, which are told apart by its name.

    Args:
        watch: of all sites.
        site: name of the site; empty where there is only one.
    """

    def __init__(self, watch: StorageWatch, site: str) -> None:
        self._watch = watch
        self._prefix = f"{site}/" if site else ""

    def observer_of(self, store: str) -> Observer:
        """See `StorageWatch.observer_of`."""
        return self._watch.observer_of(self._prefix + store)

    def note(self, event: Event, store: str) -> None:
        """See `StorageWatch.note`."""
        self._watch.note(event, self._prefix + store)

    def note_circuit(self, store: str, *, is_open: bool) -> None:
        """See `StorageWatch.note_circuit`."""
        self._watch.note_circuit(self._prefix + store, is_open=is_open)


def _ignore(operation: str, outcome: str, seconds: float) -> None:
    del operation, outcome, seconds


@contextmanager
def observed(observe: Observer, operation: str) -> Iterator[None]:
    """Report the body of the `with` statement as one storage call, however it ends.

    Args:
        observe: called after every call.
        operation: `list`, `head`, `get` or `check`.
    """
    started = perf_counter()
    outcome = "ok"
    try:
        yield
    except BaseException as error:
        outcome = outcome_of(error)
        raise
    finally:
        observe(operation, outcome, perf_counter() - started)


def outcome_of(error: BaseException) -> str:
    """The metric label of a failed call."""
    if isinstance(error, StoreUnavailable):
        return error.reason
    for kind, outcome in _OUTCOMES:
        if isinstance(error, kind):
            return outcome
    return "error"


_OUTCOMES: tuple[tuple[type[BaseException], str], ...] = (
    (NotFound, "not-found"),
    (Moved, "moved"),
    (ObjectChanged, "changed"),
    (ObjectArchived, "archived"),
    (ObjectEncrypted, "encrypted"),
    (StoreDenied, "denied"),
    (CancelledError, "cancelled"),
    (ValueError, "refused"),
)
