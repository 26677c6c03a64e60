"""A folder as one principal sees it, complete or its first entries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from app.cache.stored import Cached, Outcome
from app.catalog.snapshot import Snapshot
from app.domain.access import Principal, VisibleEntry
from app.domain.entries import Entry, Folder
from app.domain.errors import ListingUnavailable
from app.domain.mounts import AT_ROOT, Mount
from app.policy.alike import FolderJudge
from app.policy.decide import visible_entry
from app.policy.name_patterns import NamePattern
from app.policy.tier import Tier, tier_of


class FolderView(NamedTuple):
    """A folder as one principal may see it.

    Attributes:
        snapshot: the folder, the same for everybody.
        tier: all that decides what this principal sees in it.
        principal: who asks.
        age: seconds since the folder was read.
        is_stale: whether that is longer than it should be, because the store does not answer or was only
            now asked again.
        outcome: where the folder came from, for the log.
        mount: where the site is mounted for this request.
        sizes: of its folders, by name, as far as they are known. Only `FolderSizes` says some.
        same_for: as in `Cached`.
    """

    snapshot: Snapshot
    tier: Tier
    principal: Principal
    age: float
    is_stale: bool
    outcome: Outcome = "fresh"
    mount: Mount = AT_ROOT
    sizes: Mapping[str, int] = MappingProxyType({})
    same_for: float = 0.0

    def entries(self) -> Sequence[VisibleEntry]:
        """What the principal sees, in listing order."""
        if self.sizes or not self.snapshot.path.segments:
            return tuple(entry for entry in self.each() if entry is not None)
        judge = FolderJudge(self.snapshot.path, self.snapshot.rules, self.principal)
        return judge.show_table(self.snapshot.entries)

    def each(self) -> Iterator[VisibleEntry | None]:
        """The same one by one, each made on demand, with None for entries that the principal does not see."""
        return map(self.show, self.snapshot.entries)

    @property
    def show(self) -> Callable[[Entry], VisibleEntry | None]:
        """Gives an entry of the folder as the principal sees it, or None."""
        folder, lists = self.snapshot.path, self.mount.lists
        judge = FolderJudge(folder, self.snapshot.rules, self.principal)
        show = _with_sizes(judge.show, self.sizes) if self.sizes else judge.show
        if folder.segments:
            return show
        return lambda entry: show(entry) if lists(folder, entry.name) else None

    def find(self, name: str, *, is_folder: bool) -> VisibleEntry | None:
        """The entry of this name and kind, if there is one and the principal may see it. No other is looked at.

        Who names it may have it, also where the listing leaves it out because its URL is elsewhere.
        """
        entry = self.snapshot.entry(name, is_folder=is_folder)
        if entry is None:
            return None
        return visible_entry(self.snapshot.path, entry, self.snapshot.rules, self.principal)

    def matching(self, pattern: NamePattern) -> Iterator[VisibleEntry]:
        """The matching entries that the principal sees. Only these are decided about."""
        seen = map(self.show, self.snapshot.entries.named(pattern.matches))
        return (visible for visible in seen if visible is not None)


def _with_sizes(
    show: Callable[[Entry], VisibleEntry | None], sizes: Mapping[str, int]
) -> Callable[[Entry], VisibleEntry | None]:
    def show_sized(entry: Entry) -> VisibleEntry | None:
        visible = show(entry)
        if visible is None or not isinstance(visible.entry, Folder):
            return visible
        return visible._replace(entry=visible.entry._replace(size=sizes.get(entry.name)))

    return show_sized


class PartialView(NamedTuple):
    """A large folder whose first entries alone were read so far.

    Attributes:
        first: some of its entries, as the principal may see them.
        whole: gives the complete folder when it was read. Cancel it if you do not wait for it.
            Raises as `Catalog.view_folder`.
    """

    first: FolderView
    whole: asyncio.Task[FolderView]


def view_of(cached: Cached[Snapshot], principal: Principal, mount: Mount = AT_ROOT) -> FolderView:
    """How a principal sees a folder from the cache. It does not say that they may.

    Raises:
        ListingUnavailable: nothing is known of what is in it.
    """
    if not cached.value.is_listed:
        raise ListingUnavailable
    tier = tier_of(principal, cached.value.rules)
    return FolderView(
        cached.value,
        tier,
        principal,
        cached.age,
        cached.is_stale,
        cached.outcome,
        mount,
        same_for=cached.same_for,
    )
