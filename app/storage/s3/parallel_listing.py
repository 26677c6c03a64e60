"""Lists a large folder in several ranges at once, and gives the pages in order.

S3 gives a thousand keys a call, and the token of the next page only at its end. A hundred pages one
after the other take a hundred round trips. `start-after` begins anywhere: ranges of keys, each from behind
one key up to another, are listed side by side. The cuts decide how fast this is, but never the
result: every key lies in exactly one range, and so does every common prefix, by its own name.
"""

from __future__ import annotations

import asyncio
import itertools
from bisect import bisect_right
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from app.domain.errors import StoreUnavailable
from app.storage.s3.list_page import ListPage, Repeats
from app.storage.s3.split_points import KnownSplits, split_points

IN_FLIGHT: Final = 16
"""Most calls for one listing at the same time: a quarter of the limit for all calls. More do not
make it faster, because parsing a page takes about a seventh of the time to fetch it."""
ENOUGH_RANGES: Final = 8
"""While this many ranges are being listed, none is cut again: each cut costs extra calls, and this many
answers at a time are as much as can be parsed."""
PAGES_BEFORE_SPLIT: Final = 2
"""Most folders that have a second page have no fourth."""


class ListQuery(NamedTuple):
    """One ListObjectsV2 call.

    Attributes:
        prefix: what all keys begin with.
        after: give keys behind this one; empty for all.
        token: continue where the page before ended; then `after` does not count.
        max_keys: most keys of the answer; None for as many as S3 gives.
        is_flat: give every key at any depth, without common prefixes.
    """

    prefix: str
    after: str = ""
    token: str | None = None
    max_keys: int | None = None
    is_flat: bool = False

    @property
    def begins_a_listing(self) -> bool:
        """Whether this call begins a listing of everything with the prefix, not of a part."""
        return self.token is None and self.max_keys is None and (self.is_flat or not self.after)


Fetch = Callable[[ListQuery], Awaitable[ListPage]]


class RangeLister:
    """Lists everything that begins with a prefix.

    Args:
        fetch: makes one call. Raises only errors of this project.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._known = KnownSplits()

    async def run(self, prefix: str, take: Callable[[ListPage], None]) -> None:
        """List everything, or fail.

        Args:
            take: called with each page, in order. Together they are the whole listing, without duplicates.

        Raises:
            StoreUnavailable, StoreDenied, NotFound: as `fetch`; `unexpected` if S3 does not keep the order that
                ranges rely on.
        """
        known = self._known.of(prefix)
        page_ends: list[str] = []
        repeats = Repeats()

        def note(page: ListPage) -> None:
            take(repeats.dropped(page))
            if (last := page.last) is not None:
                page_ends.append(last)

        query = ListQuery(prefix)
        may_split = True
        for count in itertools.count(1):
            page = await self._fetch(query)
            note(page)
            if page.token is None:
                break
            may_split = may_split and _is_in_order(page)
            if may_split and page.last and (known or count >= PAGES_BEFORE_SPLIT):
                await _Ranges(self._fetch, prefix, known, note).run(page)
                break
            query = ListQuery(prefix, token=page.token)
        if len(page_ends) > PAGES_BEFORE_SPLIT and may_split:
            self._known.learn(prefix, page_ends)


class _Range:
    """Keys behind `after`, up to and with `until`.

    Attributes:
        token: continues from `after`, if that was the end of a page.
        until: None for the end of the prefix.
        found: its pages in order; then the ranges that the rest was split into, or None at the end.
    """

    def __init__(self, after: str, until: str | None, token: str | None = None) -> None:
        self.after = after
        self.until = until
        self.token = token
        self.found: asyncio.Queue[ListPage | list[_Range] | None] = asyncio.Queue()


class _Ranges:
    """One listing under way, after its first page or pages."""

    def __init__(
        self, fetch: Fetch, prefix: str, known: Sequence[str], take: Callable[[ListPage], None]
    ) -> None:
        self._fetch_page = fetch
        self._prefix = prefix
        self._known = known
        self._take = take
        self._places = asyncio.Semaphore(IN_FLIGHT)
        self._ranges_under_way = 0
        self._tasks = asyncio.TaskGroup()

    async def run(self, page: ListPage) -> None:
        """List what follows a page, which has a token."""
        after = page.last or ""
        try:
            async with self._tasks:
                if self._known:
                    ranges = self._begin(after, None, page.token, self._known)
                else:
                    ranges = [_Range(after, None, page.token)]
                    self._tasks.create_task(self._split(ranges[0], page))
                await self._give_out(ranges)
        except ExceptionGroup as failures:
            # If one range fails, the others are cancelled: the listing has one error, the first.
            raise failures.exceptions[0] from None

    async def _give_out(self, ranges: list[_Range]) -> None:
        """Pass on the pages of all ranges in order, as they come."""
        waiting = deque(ranges)
        while waiting:
            current = waiting.popleft()
            while (found := await current.found.get()) is not None:
                if isinstance(found, list):
                    waiting.extendleft(reversed(found))
                    break
                self._take(found)
                await asyncio.sleep(0)  # many may be waiting behind a late part

    async def _list(self, part: _Range) -> None:
        self._ranges_under_way += 1
        try:
            await self._list_or_split(part)
        finally:
            self._ranges_under_way -= 1

    async def _list_or_split(self, part: _Range) -> None:
        query = ListQuery(self._prefix, part.after, part.token)
        for count in itertools.count(1):
            page = await self._fetch(query)
            if self._add(part, page):
                return
            if page.last and count >= PAGES_BEFORE_SPLIT and self._ranges_under_way < ENOUGH_RANGES:
                await self._split(part, page)
                return
            query = ListQuery(self._prefix, token=page.token)

    def _add(self, part: _Range, page: ListPage) -> bool:
        """Add the part of a page that lies in a range. Returns whether the range ends with it."""
        if not _is_in_order(page):
            raise StoreUnavailable("unexpected")
        part.found.put_nowait(_cut(page, part.after, part.until))
        is_end = page.token is None or bool(part.until and page.last and page.last >= part.until)
        if is_end:
            part.found.put_nowait(None)
        return is_end

    async def _split(self, part: _Range, page: ListPage) -> None:
        """Go on with a range: fetch one more page, and meanwhile find out where to cut the rest."""
        fetching = self._tasks.create_task(self._fetch(ListQuery(self._prefix, token=page.token)))
        points = await self._points(page, part.until)
        next_page = await fetching
        if not self._add(part, next_page):
            after = max(part.after, page.last or "", next_page.last or "")
            part.found.put_nowait(self._begin(after, part.until, next_page.token, points))

    def _begin(self, after: str, until: str | None, token: str | None, points: Sequence[str]) -> list[_Range]:
        """Begin to list a range in parts.

        Args:
            after, until, token: of the range; a page ended at `after`.
            points: keys at which to cut, as far as they lie in it.
        """
        inside = [point for point in points if point > after and (until is None or point < until)]
        starts, ends = (after, *inside), (*inside, until)
        tokens = (token, *(None for _ in inside))
        ranges = list(map(_Range, starts, ends, tokens))
        for each in ranges:
            self._tasks.create_task(self._list(each))
        return ranges

    async def _points(self, page: ListPage, until: str | None) -> list[str]:
        """Where to cut the keys behind a page; nowhere, if the page shows too little."""
        if len(page.keys) + len(page.common_prefixes) < 2:
            return []
        return await self._inhabited(split_points(_merged(page), until, self._prefix), until)

    async def _inhabited(self, points: Sequence[str], until: str | None) -> list[str]:
        """The points with keys between them and the next one. Each costs a call for one key."""
        queries = [ListQuery(self._prefix, point, max_keys=1) for point in points]
        # In the task group, so that none goes on after the listing has failed.
        asking = [self._tasks.create_task(self._fetch(query)) for query in queries]
        firsts = [(await each).first for each in asking]
        return [
            point
            for place, (point, first) in enumerate(zip(points, firsts, strict=True))
            if first is not None
            and first not in firsts[place + 1 : place + 2]
            and (until is None or first <= until)
        ]

    async def _fetch(self, query: ListQuery) -> ListPage:
        async with self._places:
            return await self._fetch_page(query)


def _cut(page: ListPage, after: str, until: str | None) -> ListPage:
    """The part of a page that lies in a range.

    A common prefix may stand for keys behind `after` although it is not behind it: it belongs to the range before.
    """
    return page.part(_between(page.keys, after, until), _between(page.common_prefixes, after, until))


def _between(keys: Sequence[str], after: str, until: str | None) -> range:
    return range(bisect_right(keys, after), len(keys) if until is None else bisect_right(keys, until))


def _merged(page: ListPage) -> list[str]:
    return sorted((*page.keys, *page.common_prefixes))


def _is_in_order(page: ListPage) -> bool:
    """Whether a page is in byte order. General purpose buckets are listed in order, directory buckets are not."""
    columns = (page.keys, page.common_prefixes)
    return all(column == sorted(column) for column in columns)
