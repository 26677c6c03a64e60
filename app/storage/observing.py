"""How every back-end reports its calls to the `Observer` it was given."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from app.domain.errors import Moved, NotFound, ObjectChanged, StoreDenied, StoreUnavailable
from app.storage.store import Observer


@contextmanager
def observed(observe: Observer, operation: str) -> Iterator[None]:
    """Report the body of the `with` statement as one storage call, however it ends.

    Args:
        observe: who is told.
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
    """The word under which a failed call is counted."""
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
    (StoreDenied, "denied"),
    (CancelledError, "cancelled"),
    (ValueError, "refused"),
)
