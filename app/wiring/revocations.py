"""Makes what knows the revoked ids, by the place that the settings name."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.auth.revocation import Revocations
from app.auth.revocation_object import ObjectRevocations
from app.config import Settings
from app.domain.paths import ArtifactPath
from app.domain.storage_urls import split_object_url
from app.storage.observation import StorageWatch
from app.storage.open_store import open_store

STORE_NAME = "revocations"
"""What logs and metrics call the store of the list."""


def build_revocations(settings: Settings) -> Revocations:
    """What knows the revoked ids. Those of an object have to be `kept_fresh`."""
    place = settings.revoked_file
    return ObjectRevocations(time.time) if isinstance(place, str) else Revocations(place)


@asynccontextmanager
async def kept_fresh(
    revocations: Revocations, settings: Settings, watch: StorageWatch
) -> AsyncIterator[None]:
    """Read the ids of an object until the block ends. Ids in a file are read on demand, so then this does nothing.

    Args:
        watch: notified of what happens at the store.
    """
    place = settings.revoked_file
    if not isinstance(revocations, ObjectRevocations) or not isinstance(place, str):
        yield
        return
    folder, name = split_object_url(place)
    path = ArtifactPath.of(name, is_folder=False)
    async with (
        open_store(folder, observe=watch.observer_of(STORE_NAME), name=STORE_NAME) as store,
        revocations.kept_fresh(store, path),
    ):
        yield
