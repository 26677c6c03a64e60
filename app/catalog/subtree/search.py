"""Names of a subtree that match, from a walk that ends when there are enough of them or the time is over."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from app.domain.access import Access, VisibleEntry


class SubtreeSearch:
    """The entries of a walk whose names match.

    Args:
        walk: all entries that the asker may see, as `Catalog.walk` gives them.
        is_meant: whether a name matches.
        limit: most matches.
        seconds: after which it ends, whatever it has found.
        clock: seconds; never goes back.

    Attributes:
        last: where it ended, for another search to go on behind; None where all was searched.
        found: how many match.
        left_out: folders that could not be searched, because their rules cannot be read.
    """

    def __init__(
        self,
        walk: AsyncGenerator[Sequence[VisibleEntry], None],
        is_meant: Callable[[str], bool],
        *,
        limit: int,
        seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._walk = walk
        self._is_meant = is_meant
        self._limit = limit
        self._ends = clock() + seconds
        self._clock = clock
        self.last: VisibleEntry | None = None
        self.found = 0
        self.left_out = 0

    async def parts(self) -> AsyncGenerator[Sequence[VisibleEntry], None]:
        """The matches, some at a time: empty ones too, so that the caller has a turn. Raises as the walk."""
        async with aclosing(self._walk) as walk:
            async for part in walk:
                if self.found == self._limit or self._clock() >= self._ends:
                    return  # `last` is of the part before
                matches: list[VisibleEntry] = []
                is_cut = False
                for visible in part:
                    if is_cut := self.found == self._limit:
                        break
                    self.last = visible
                    self.left_out += visible.entry.is_folder and visible.access is Access.CLOSED
                    if self._is_meant(visible.entry.name):
                        matches.append(visible)
                        self.found += 1
                yield matches
                if is_cut:
                    return
        self.last = None
