"""Reads the bytes of one object, and goes on at another store if one breaks off."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from typing import Final

from app.domain.entries import FileInfo
from app.domain.errors import Moved, NotFound, ObjectChanged, StoreDenied, StoreError, StoreUnavailable
from app.domain.paths import ArtifactPath
from app.storage.composite.origin_tagging import OriginTagging

ILLNESS: Final = (StoreUnavailable, StoreDenied)
"""Errors of the store itself, not answers. Refused credentials count: another store has other credentials."""


@asynccontextmanager
async def open_span(
    stores: Sequence[OriginTagging],
    path: ArtifactPath,
    info: FileInfo,
    first: int,
    length: int,
    *,
    note_switch: Callable[[OriginTagging], None],
) -> AsyncIterator[AsyncIterator[bytes]]:
    """Open a span at the first of these stores. If it fails, go on at the next from the byte reached.

    Only stores whose object has the same entity tag and size are used.

    Args:
        stores: in the order in which to ask them; the first is the one that gave `info`.
        note_switch: called for every store except the first that bytes come from.

    Raises:
        As `ObjectStore.open_range`: what the first store raised, if no other can go on.
    """
    span = _Span(stores, path, info, first, length, note_switch)
    async with AsyncExitStack() as held:
        body = await span.open_next(held)
        async with aclosing(span.chunks(body, held)) as chunks:
            yield chunks


class _Span:
    """The rest of a span, and the remaining stores to read it from."""

    def __init__(
        self,
        stores: Sequence[OriginTagging],
        path: ArtifactPath,
        info: FileInfo,
        first: int,
        length: int,
        note_switch: Callable[[OriginTagging], None],
    ) -> None:
        self._stores = iter(stores)
        self._path = path
        self._info = info
        self._first = first
        self._length = length
        self._note_switch = note_switch
        self._failure: StoreError | None = None

    async def chunks(self, body: AsyncIterator[bytes], held: AsyncExitStack) -> AsyncGenerator[bytes, None]:
        """All bytes of the span, from any of the stores."""
        while True:
            try:
                async for chunk in body:
                    self._first += len(chunk)
                    self._length -= len(chunk)
                    yield chunk
            except ILLNESS as error:
                if self._info.e_tag is None:
                    raise  # nothing shows that the rest would be of the same object
                self._failure = self._failure or error
                await held.aclose()
                body = await self.open_next(held)
            else:
                return

    async def open_next(self, held: AsyncExitStack) -> AsyncIterator[bytes]:
        """Open the rest at the next store that has it.

        Args:
            held: releases the body.

        Raises:
            StoreError, NotFound: see `open_span`.
        """
        for store in self._stores:
            try:
                body = await held.enter_async_context(await self._opening(store))
            except ILLNESS as error:
                self._failure = self._failure or error
            except (NotFound, Moved, ObjectChanged):
                if self._failure is None:
                    raise
            else:
                if self._failure is not None:
                    self._note_switch(store)
                return body
        raise self._failure or StoreUnavailable("no-store")

    async def _opening(self, store: OriginTagging) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open the rest of the same object; ObjectChanged if the store has another."""
        info = self._info
        if store.name != info.origin:
            other = await store.head(self._path)
            if info.e_tag is None or (other.e_tag, other.size) != (info.e_tag, info.size):
                raise ObjectChanged
            info = other
        return store.open_range(self._path, info, self._first, self._length)
