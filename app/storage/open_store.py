"""Opens the stores that storage URLs name."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import assert_never

from app.domain.extras import how_to_install, is_installed
from app.domain.storage_urls import ALLOWED, S3Place, parse_storage_url
from app.storage.composite.failover import FailoverStore
from app.storage.composite.origin_tagging import OriginTagging
from app.storage.composite.overlay import OverlayStore
from app.storage.local.store import LocalStore
from app.storage.observation import StorageWatch
from app.storage.store import OVERLAY, PRIMARY, REPLICA, ObjectStore, Observer

Opening = AbstractAsyncContextManager[ObjectStore]


def open_storage(
    urls: Sequence[str],
    overlay: str | None = None,
    *,
    watch: StorageWatch,
    clock: Callable[[], float] = time.monotonic,
) -> Opening:
    """Open all stores of a site.

    Args:
        urls: stores that hold one tree, the preferred first; see `parse_storage_url`.
        overlay: a store whose files lie over theirs.
        watch: notified of the events of each store.
        clock: seconds; never goes back.

    Returns:
        A context manager: entering opens the stores, leaving closes them.

    Raises:
        ValueError: at once, not on entering: a URL of another form, a missing directory, the same
            store twice, or one of several that cannot be listed.
    """
    if len(set(urls)) < len(urls):
        raise ValueError("storage must name each store once, but one is repeated")
    stores = [*urls, *([overlay] if overlay else ())]
    if len(stores) > 1 and not all(map(_is_listed, stores)):
        raise ValueError(
            "storage with list=no must be the only one: several stores are merged by their listings"
        )
    names = [PRIMARY, *(f"{REPLICA}{number}" for number in range(1, len(urls)))]
    copies = [
        (name, _opening(name, url, watch, has_copies=len(urls) > 1))
        for name, url in zip(names, urls, strict=True)
    ]
    if overlay is None:
        return copies[0][1] if len(copies) == 1 else _open_copies(copies, watch, clock)
    return _open_overlay(_opening(OVERLAY, overlay, watch), _open_copies(copies, watch, clock))


def open_store(
    url: str,
    *,
    observe: Observer,
    name: str = PRIMARY,
    note_circuit: Callable[[bool], None] | None = None,
    has_copies: bool = False,
) -> Opening:
    """Open the one store that a URL names.

    Args:
        url: see `parse_storage_url`.
        observe: called after every call.
        name: of the store, in the log.
        note_circuit: called when a store's circuit opens or closes.
        has_copies: whether another store holds the same tree, and can resume a download.

    Raises:
        ValueError: at once, not on entering: another form, no such directory, or the part for S3 is not installed.
    """
    match parse_storage_url(url):
        case S3Place() as place:
            return _open_s3_store(
                place, name, observe=observe, note_circuit=note_circuit, has_copies=has_copies
            )
        case Path() as directory:
            if directory.is_file():
                raise ValueError(
                    f"storage must be {ALLOWED}, but {str(directory)!r} is a file; its directory is {str(directory.parent)!r}"
                )
            if not directory.is_dir():
                raise ValueError(f"storage must be {ALLOWED}, but there is no directory {str(directory)!r}")
            return _open_local_store(directory, observe=observe)
        case unknown:
            assert_never(unknown)


def _is_listed(url: str) -> bool:
    place = parse_storage_url(url)
    return not isinstance(place, S3Place) or place.is_listed


def _opening(name: str, url: str, watch: StorageWatch, *, has_copies: bool = False) -> Opening:
    return open_store(
        url,
        observe=watch.observer_of(name),
        name=name,
        note_circuit=lambda is_open: watch.note_circuit(name, is_open=is_open),
        has_copies=has_copies,
    )


def _open_s3_store(
    place: S3Place,
    name: str,
    *,
    observe: Observer,
    note_circuit: Callable[[bool], None] | None,
    has_copies: bool,
) -> Opening:
    if not is_installed("s3"):
        raise ValueError(f"storage must be in a directory, since the part for S3 {how_to_install('s3')}")
    # Imported here: the libraries for S3 take as long to load as everything else, and a site in directories needs none.
    from app.storage.s3.download import RESUME_PAUSES
    from app.storage.s3.opening import open_s3_store

    return open_s3_store(
        place,
        observe=observe,
        name=name,
        note_circuit=note_circuit,
        resume_pauses=RESUME_PAUSES[:1] if has_copies else RESUME_PAUSES,
    )


@asynccontextmanager
async def _open_copies(
    openings: Sequence[tuple[str, Opening]], watch: StorageWatch, clock: Callable[[], float]
) -> AsyncIterator[ObjectStore]:
    async with AsyncExitStack() as held:
        stores = [OriginTagging(name, await held.enter_async_context(opening)) for name, opening in openings]
        yield stores[0] if len(stores) == 1 else FailoverStore(stores, watch=watch, clock=clock)


@asynccontextmanager
async def _open_overlay(upper: Opening, lower: Opening) -> AsyncIterator[ObjectStore]:
    async with upper as above, lower as below:
        yield OverlayStore(OriginTagging(OVERLAY, above), below)


@asynccontextmanager
async def _open_local_store(root: Path, *, observe: Observer) -> AsyncIterator[LocalStore]:
    store = LocalStore(root, observe=observe)
    try:
        yield store
    finally:
        await store.aclose()
