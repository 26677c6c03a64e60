"""Whether a listing has shown a name: each of the stores beneath is told what the one above was."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.domain.entries import FileInfo
from app.domain.errors import NotFound
from app.domain.paths import ArtifactPath
from app.storage.composite.failover import FailoverStore
from app.storage.composite.origin_tagging import OriginTagging
from app.storage.composite.overlay import OverlayStore
from app.storage.store import ObjectStore
from tests.support.clocks import Clock
from tests.support.copies import Watch
from tests.support.memory_store import MemoryStore

FILE = ArtifactPath.of("f")


class AskedStore(MemoryStore):
    """Notes of each call whether the name was listed; has no file."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[bool] = []

    async def head(self, path: ArtifactPath, *, is_listed: bool = False) -> FileInfo:
        self.told.append(is_listed)
        raise NotFound

    async def read_small(self, path: ArtifactPath, *, is_listed: bool = False) -> bytes:
        self.told.append(is_listed)
        raise NotFound


def failover(*stores: OriginTagging) -> ObjectStore:
    return FailoverStore(stores, watch=Watch(), clock=Clock())


def overlay(*stores: OriginTagging) -> ObjectStore:
    return OverlayStore(*stores)


@pytest.mark.parametrize(("over", "upper"), [(failover, [False, True]), (overlay, [False, False])])
async def test_a_name_counts_as_listed_only_where_it_was(
    over: Callable[..., ObjectStore], upper: list[bool]
) -> None:
    """Of an overlay, perhaps only the lower store has listed it."""
    first, second = AskedStore(), AskedStore()
    store = over(OriginTagging("first", first), OriginTagging("second", second))
    for ask in (store.head, store.read_small):
        first.told.clear()
        second.told.clear()
        with pytest.raises(NotFound):
            await ask(FILE)
        with pytest.raises(NotFound):
            await ask(FILE, is_listed=True)
        assert first.told == upper
        assert second.told in ([], [False, True])
