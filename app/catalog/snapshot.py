"""One folder as it was read, the same for every principal: its entries, its rules, its link."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from app.cache.memory_size import size_with_parts
from app.domain.entries import Entry, File, Folder
from app.domain.entry_table import EntryTable
from app.domain.order import listing_order
from app.domain.paths import ArtifactPath
from app.policy.control_file_names import GOVERNING_MARKS, may_govern
from app.policy.decide import Rules

SNAPSHOT_BYTES = 2_800
"""Bytes of a snapshot beside its entries and control files: its rules, path and tuples, and what the allocator
cannot use again of the gaps between its columns. Measured by browsing a million files."""


class Snapshot(NamedTuple):
    """A folder with what governs it.

    Attributes:
        path: the folder.
        entries: everything in it in listing order, hidden names included.
        rules: what governs it.
        link: the folder that this one stands for, or None.
        fingerprint: digest of the control files that the rules were read from.
        version: different for every snapshot of this process, so that what was made from one is not taken for
            what was made from another.
        origin: the one of several stores that it was read from; empty if there is only one.
        is_listed: whether the store says what is in it. If not, nothing is known of its entries and control files.
    """

    path: ArtifactPath
    entries: EntryTable
    rules: Rules
    link: ArtifactPath | None
    fingerprint: bytes
    version: int
    origin: str = ""
    is_listed: bool = True

    def find(self, name: str, *, is_folder: bool) -> bool:
        """Whether the folder has such an entry."""
        return self.entry(name, is_folder=is_folder) is not None

    def entry(self, name: str, *, is_folder: bool) -> Entry | None:
        """The folder's entry of this name and kind, or None."""
        wanted = listing_order(Folder(name) if is_folder else File(name, 0, 0.0))
        place = bisect_left(self.entries, wanted, key=listing_order)
        if place == len(self.entries) or listing_order(self.entries[place]) != wanted:
            return None
        return self.entries[place]

    def governing_files(self) -> dict[str, File]:
        """The files that may govern it, by name."""
        return governing_files(self.entries)


class FreshVersion(NamedTuple):
    """The version of a folder, and the seconds until it expires."""

    version: int
    fresh_for: float


def governing_files(entries: EntryTable) -> dict[str, File]:
    """The files of a folder that may govern it, by name."""
    return {entry.name: entry for entry in _with_governing_names(entries) if isinstance(entry, File)}


def look_alikes(entries: EntryTable) -> tuple[str, ...]:
    """Names of the sub-folders that are named like control files."""
    return tuple(entry.name for entry in _with_governing_names(entries) if entry.is_folder)


def _with_governing_names(entries: EntryTable) -> Iterator[Entry]:
    return (entry for entry in entries.with_part(*GOVERNING_MARKS) if may_govern(entry.name))


def is_made_from(snapshot: Snapshot, governing: Mapping[str, File]) -> bool:
    """Whether a folder has the same governing files that a snapshot's rules were read from."""
    return snapshot.governing_files() == governing and all(
        file.e_tag is not None for file in governing.values()
    )


def is_same(one: Snapshot, other: Snapshot) -> bool:
    """Whether two snapshots of one folder are served alike."""
    return (one.origin, one.fingerprint, one.entries) == (other.origin, other.fingerprint, other.entries)


def cost_of(snapshot: Snapshot) -> int:
    """Bytes of memory that a snapshot takes: its entries, and what its control files and those behind links became."""
    rules = snapshot.rules
    behind = {id(hop.above): hop.above.control for hops in rules.links.values() for hop in hops}
    behind |= {id(hop.own): hop.own.control for hops in rules.links.values() for hop in hops if hop.own}
    controls = (rules.control, *behind.values())
    return SNAPSHOT_BYTES + snapshot.entries.bytes_held + sum(map(size_with_parts, controls))
