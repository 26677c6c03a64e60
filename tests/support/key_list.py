"""A bucket that is nothing but its keys, listed as S3 lists, in this process."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from itertools import islice

from app.storage.s3.list_page import ListPage
from app.storage.s3.parallel_listing import ListQuery


class KeyList:
    """Answers `ListQuery` by `/` as the delimiter.

    Args:
        keys: at first.
        page_size: most keys and common prefixes of a page.
        skips_group: what `start-after` means within the keys that one common prefix stands for: whether that is
            left out, as Ceph does where the name ends in the delimiter, or given again, as Amazon does.
        repeats: how many of the last keys of a page are on the next one again.

    Attributes:
        keys: now; may be changed at any time, by `|=`, `-=` or a new set.
        queries: all that were asked, in order.
        most_under_way: most of them at the same time.
        before_answer: called before each answer.
    """

    def __init__(
        self, keys: Iterable[str], page_size: int = 1000, *, skips_group: bool = False, repeats: int = 0
    ) -> None:
        self.keys = frozenset(keys)
        self.queries: list[ListQuery] = []
        self.most_under_way = 0
        self.before_answer: Callable[[ListQuery], None] = lambda query: None
        self._under_way = 0
        self._page_size = page_size
        self._skips_group = skips_group
        self._repeats = repeats

    @property
    def keys(self) -> frozenset[str]:
        return self._keys

    @keys.setter
    def keys(self, keys: frozenset[str]) -> None:
        self._keys = keys
        self._ordered = sorted(keys)

    async def fetch(self, query: ListQuery) -> ListPage:
        """One page."""
        self.queries.append(query)
        self._under_way += 1
        self.most_under_way = max(self.most_under_way, self._under_way)
        try:
            await asyncio.sleep(0)
            self.before_answer(query)
            return self._page(query)
        finally:
            self._under_way -= 1

    def _page(self, query: ListQuery) -> ListPage:
        after, skips_group = query.after, self._skips_group and query.after.endswith("/")
        if query.token is not None:
            after, skips_group = query.token, True
        size = min(self._page_size, query.max_keys or self._page_size)
        items: list[str] = []
        first = bisect_right(self._ordered, after)
        if query.token is not None and self._repeats:
            first, size, skips_group = first - self._repeats, size + self._repeats + 1, False
        first = max(first, bisect_left(self._ordered, query.prefix))
        for key in islice(self._ordered, first, None):
            if not key.startswith(query.prefix):
                break
            name, slash, _ = key.removeprefix(query.prefix).partition("/")
            item = query.prefix + name + slash
            if items[-1:] == [item] or (skips_group and slash and item == after):
                continue
            items.append(item)
            if len(items) > size:
                break
        shown, is_truncated = items[:size], len(items) > size
        files = [item for item in shown if not item.endswith("/") or item == query.prefix]
        folders = [item for item in shown if item.endswith("/") and item != query.prefix]
        sizes, e_tags = [len(key) for key in files], [f"tag of {key}" for key in files]
        return ListPage(
            files, sizes, [1.5e9] * len(files), e_tags, folders, shown[-1] if is_truncated else None, {}
        )
