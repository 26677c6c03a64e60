"""Whether the storage can be relied on, reported so steadily that nobody reacts to every hiccup.

The first look decides. After that, the storage counts as down when it has failed for `FAIL_SECONDS` without an answer
between, and as well when it has answered for `RECOVER_SECONDS` without a failure between.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from app.domain.errors import StoreError
from app.storage.store import ObjectStore

LOOK_SECONDS: Final = 1.0
"""How long one look at the storage answers for; so many probes cost it one call a second."""
LOOK_TIMEOUT: Final = 3.0
FAIL_SECONDS: Final = 5.0
RECOVER_SECONDS: Final = 5.0
"""Both longer than a look may take and the storage be away for a moment."""


class Health(NamedTuple):
    """What is known of the storage.

    Attributes:
        looked: when it was looked at, by the clock of `StorageHealth`.
        failure: why the last look failed; empty where it did not.
        unreachable: of several stores, those that do not answer, while the others suffice.
        same_since: since when all looks have ended as the last one.
        is_down: whether it counts as down.
    """

    looked: float
    failure: str
    unreachable: tuple[str, ...]
    same_since: float
    is_down: bool

    @property
    def is_well(self) -> bool:
        """Whether it answered, and counts as up."""
        return not (self.failure or self.is_down)

    def after(self, looked: float, failure: str, unreachable: tuple[str, ...] = ()) -> Health:
        """What is known after another look."""
        is_same = bool(failure) == bool(self.failure)
        since = self.same_since if is_same else looked
        long_enough = looked - since >= (FAIL_SECONDS if failure else RECOVER_SECONDS)
        return Health(looked, failure, unreachable, since, bool(failure) if long_enough else self.is_down)


def first_look(looked: float, failure: str, unreachable: tuple[str, ...] = ()) -> Health:
    """What is known after the first look."""
    return Health(looked, failure, unreachable, looked, bool(failure))


class StorageHealth:
    """Looks at the storage, at most once in `LOOK_SECONDS`, for all workers of a replica: they must say the same.

    Args:
        store: asked.
        directory: where workers share what they know; None for a process alone.
        note: called after each look.
        clock: seconds, the same for all workers; never goes back.
    """

    def __init__(
        self,
        store: ObjectStore,
        directory: Path | None = None,
        *,
        note: Callable[[Health], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._directory = directory
        self._note = note
        self._clock = clock
        self._own: Health | None = None
        self._turn = asyncio.Lock()

    async def look(self) -> Health:
        """What is known now; looks if nobody has just done so."""
        async with self._turn:
            while True:
                known = self._known()
                if known is not None and self._clock() - known.looked < LOOK_SECONDS:
                    return known
                with self._alone() as is_alone:
                    if is_alone:
                        return await self._look(known)
                if known is not None:
                    return known  # another worker is looking
                await asyncio.sleep(LOOK_SECONDS / 20)

    async def _look(self, known: Health | None) -> Health:
        looked = self._clock()
        try:
            async with asyncio.timeout(LOOK_TIMEOUT):
                found = ("", await self._store.check())
        except TimeoutError:
            found = (f"the storage did not answer within {LOOK_TIMEOUT:g} seconds", ())
        except StoreError as error:
            found = (str(error), ())
        health = known.after(looked, *found) if known is not None else first_look(looked, *found)
        self._keep(health)
        if self._note is not None:
            self._note(health)
        return health

    def _known(self) -> Health | None:
        if self._directory is not None:
            with suppress(OSError, ValueError, TypeError):
                looked, failure, unreachable, since, is_down = json.loads(self._file.read_bytes())
                return Health(looked, failure, tuple(unreachable), since, is_down)
        return self._own

    def _keep(self, health: Health) -> None:
        self._own = health
        if self._directory is not None:
            new = self._file.with_suffix(f".{os.getpid()}")
            with suppress(OSError):  # a full disk: each worker then knows what it has seen itself
                new.write_text(json.dumps(health))
                new.replace(self._file)

    @property
    def _file(self) -> Path:
        assert self._directory is not None
        return self._directory / "storage-health"

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether no other worker is looking, nor will be until the block ends."""
        if self._directory is None:
            yield True
            return
        with (self._directory / "storage-lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
