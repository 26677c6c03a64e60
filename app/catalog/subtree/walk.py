"""Everything below a folder that one principal may see, from one flat walk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from itertools import chain, groupby
from typing import Final

from app.cache.listing_cache import ListingCache
from app.catalog.control_files import ControlNames
from app.catalog.denials import require_access
from app.catalog.linked_rules import FolderRulesAndLink
from app.catalog.snapshot import Snapshot, is_made_from
from app.catalog.snapshot_loader import SnapshotLoader
from app.catalog.subtree.lookahead import NOT_ENTERED, FolderRules, LookaheadWalk, Passed, WalkedFolder
from app.catalog.subtree.merge import SnapshotMerge
from app.domain.access import Access, Principal, VisibleEntry
from app.domain.entries import Entry, Folder
from app.domain.errors import AccessDenied, Moved, NotFound, ObjectChanged, RulesUnreadable, StoreDenied
from app.domain.mounts import Mount
from app.domain.paths import ArtifactPath
from app.domain.turns import InParts, Turns, run_aside
from app.policy.alike import FolderJudge
from app.policy.control_file_names import LINK_FILE
from app.policy.site_policy import SitePolicy
from app.storage.store import ObjectStore

FOLDERS_AT_ONCE: Final = 16
"""Most folders whose control files are read at the same time."""
FOLDERS_PER_TURN: Final = 50
"""Folders that are judged before others get a turn, if nothing has to be read: some milliseconds."""


class SubtreeWalk:
    """The entries below a folder that one principal may see, in byte order of the paths.

    An entry goes out only when the rules of its folder and of every folder above it are known. A folder whose
    rules cannot be read goes out as CLOSED, and none of its entries do. Neither do those of a link or of a folder that is
    not for the principal, which `is_open` says.

    A folder that the walk passes within a few pages is judged by the control files that the walk saw,
    which are read after its entries. Any other folder is taken from its own listing, entries and rules
    together; the walk only adds what is below it. So is every folder if there are several stores,
    which may differ.

    Args:
        store: where the bytes are.
        folders: keeps what was read of each folder.
        loader: reads control files.
        site: the site policy.
        principal: who asks.
        mount: where the folders are seen.
    """

    def __init__(
        self,
        store: ObjectStore,
        folders: ListingCache[Snapshot],
        loader: SnapshotLoader,
        site: SitePolicy,
        principal: Principal,
        mount: Mount,
    ) -> None:
        self._store = store
        self._folders = folders
        self._loader = loader
        self._site = site
        self._principal = principal
        self._mount = mount
        self._at_once = asyncio.Semaphore(FOLDERS_AT_ONCE)
        self._closed: set[ArtifactPath] = set()
        self._refused: set[ArtifactPath] = set()
        self._turns = Turns()

    async def walk(
        self, path: ArtifactPath, behind: ArtifactPath
    ) -> AsyncGenerator[Sequence[VisibleEntry], None]:
        """Everything below a folder, some entries at a time.

        Args:
            path: the folder. The principal may list it.
            behind: the folder itself, or a path below it behind which to begin.

        Raises:
            AccessDenied, NotFound: before the first entry, if the folder can no longer be listed.
            StoreError: at any time.
        """
        async with aclosing(self._passed(path, behind)) as parts:
            async for part in parts:
                for passed in part:
                    if shown := await self._shown_files(passed):
                        yield shown
                    if (folder := self._shown_folder(passed)) is not None:
                        yield (folder,)

    async def _passed(
        self, path: ArtifactPath, behind: ArtifactPath
    ) -> AsyncGenerator[Iterable[Passed], None]:
        """The entries of the walk, some at a time, each in a folder whose rules are known by then."""
        trail = _trail(path, behind)
        start = "" if behind == path else behind.text
        async with aclosing(self._store.walk(path, start, self._names_in)) as pages:
            passage = LookaheadWalk(pages, trail, self._turns)
            merging = SnapshotMerge(start.encode("utf-8", "surrogateescape"))
            await self._settle(trail, passage)
            yield merging.move_to(trail[-1])
            while (page := await passage.next_page()) is not None:
                await self._settle(_folders_of(page), passage)
                yield chain.from_iterable(map(merging.of, page))
            yield merging.rest()

    async def _shown_files(self, passed: Passed) -> Sequence[VisibleEntry]:
        await self._turns.give()
        folder, sight = passed.folder.path, passed.folder.sight or NOT_ENTERED
        judge = sight.judge
        if judge is None:
            return ()
        files = passed.files
        if not folder.segments:
            files = [file for file in files if self._mount.lists(folder, file.name)]
        alike = judge.show_files(files)
        if alike is not None:
            return alike
        judged = InParts(map(judge.show, files), self._turns)
        return [visible async for some in judged for visible in some if visible is not None]

    def _shown_folder(self, passed: Passed) -> VisibleEntry | None:
        if passed.sub_folder is None:
            return None
        sight = passed.folder.sight or NOT_ENTERED
        visible = self._visible(passed.folder.path, passed.sub_folder, sight)
        if visible is None:
            return None
        if visible.path in self._closed:
            return visible._replace(access=Access.CLOSED, is_open=False)
        return visible._replace(is_open=not visible.locked and visible.path not in self._refused)

    async def _settle(self, folders: Iterable[WalkedFolder], passage: LookaheadWalk) -> None:
        """Find out whether the entries of these folders may go out, upper folders first.

        A folder that is not entered is not read either, so that nothing below it makes a difference.
        """
        new = sorted((folder for folder in folders if folder.sight is None), key=_depth)
        for _, of_one_depth in groupby(new, key=_depth):
            entered = []
            async for some in InParts(of_one_depth, self._turns):
                for folder in some:
                    if self._is_entered(folder):
                        entered.append(folder)
                    else:
                        folder.sight = NOT_ENTERED
            while not all(map(self._is_seen, entered)) and await passage.read_ahead():
                pass
            await self._look_into_all(entered)

    def _is_entered(self, folder: WalkedFolder) -> bool:
        """Whether a folder's parent shows it as one that may be entered."""
        if folder.parent is None:
            return True
        sight = folder.parent.sight or NOT_ENTERED
        if sight.entries is not None and folder.entry.name not in sight.sub_folders:
            return False
        visible = self._visible(folder.parent.path, folder.entry, sight)
        return visible is not None and not visible.locked

    def _visible(self, folder: ArtifactPath, entry: Entry, sight: FolderRules) -> VisibleEntry | None:
        if sight.judge is None or not self._mount.lists(folder, entry.name):
            return None
        return sight.judge.show(entry)

    def _is_seen(self, folder: WalkedFolder) -> bool:
        """Whether the walk has shown all of a folder that its rules depend on. Where links lead, it does not show."""
        if folder.has_links or not (folder.is_whole and self._store.is_one):
            return False
        return folder.is_ended or (folder.is_past_link and self._site.within(folder.path).decides_alone)

    async def _look_into_all(self, folders: Sequence[WalkedFolder]) -> None:
        to_read = []
        for folder in folders:
            if self._is_seen(folder) and folder.has_no_control_files:
                await self._look_into(folder)  # waits for nothing
                await self._turns.give()
            else:
                to_read.append(folder)
        for first in range(0, len(to_read), FOLDERS_PER_TURN):
            await asyncio.gather(*map(self._look_into, to_read[first : first + FOLDERS_PER_TURN]))

    async def _look_into(self, folder: WalkedFolder) -> None:
        try:
            async with self._at_once:
                folder.sight = await self._sight_of(folder)
        except (AccessDenied, NotFound):
            if folder.parent is None:
                raise
            folder.sight = NOT_ENTERED
            self._refused.add(folder.path)
        except (RulesUnreadable, StoreDenied):
            # To try again would not help, so the rest goes out, and the folder's own line says that it is closed.
            if folder.parent is None:
                raise
            folder.sight = NOT_ENTERED
            self._closed.add(folder.path)
        except Moved as moved:
            if folder.parent is None:
                # It was not a link a moment ago. The next request is redirected to its target.
                raise ObjectChanged from moved
            folder.sight = NOT_ENTERED
            self._refused.add(folder.path)

    async def _sight_of(self, folder: WalkedFolder) -> FolderRules:
        snapshot = None
        rules_and_link: FolderRulesAndLink | Snapshot
        if self._is_seen(folder):
            rules_and_link = await self._rules_and_link(folder)
        else:
            rules_and_link = snapshot = (await self._folders.get(folder.path)).value
        if rules_and_link.link is not None:
            raise Moved(rules_and_link.link)
        require_access(folder.path, rules_and_link.rules, self._principal)
        judge = FolderJudge(folder.path, rules_and_link.rules, self._principal)
        if snapshot is None:
            return FolderRules(judge)
        in_order = await run_aside(snapshot.entries.in_walk_order, entries=len(snapshot.entries))
        return FolderRules(judge, in_order, in_order.folder_names())

    async def _rules_and_link(self, folder: WalkedFolder) -> FolderRulesAndLink | Snapshot:
        """The rules of a folder by its control files; the cached ones, if they were made from the same files."""
        if self._site.within(folder.path).decides_alone:
            names = ControlNames(_link_file_of(folder.governing), _link_file_of(folder.skipped))
        else:
            names = ControlNames(folder.governing, folder.skipped, folder.look_alikes)
        known = self._folders.held(folder.path)
        if (
            known is not None
            and not (names.skipped or names.folders)
            and is_made_from(known, folder.governing)
        ):
            return known
        return await self._loader.read_rules_and_link(self._store, folder.path, names)

    async def _names_in(self, path: ArtifactPath) -> Sequence[Entry]:
        return (await self._folders.get(path)).value.entries


def _trail(path: ArtifactPath, behind: ArtifactPath) -> tuple[WalkedFolder, ...]:
    """The folder that is walked, and the folders below it that the walk begins in."""
    depth = len(behind.segments) - (0 if behind.is_folder else 1)
    trail: list[WalkedFolder] = []
    for end in range(len(path.segments), depth + 1):
        folder = ArtifactPath(behind.segments[:end], True)
        parent = trail[-1] if trail else None
        trail.append(WalkedFolder(folder, parent, Folder(folder.name), is_whole=folder == behind))
    return tuple(trail)


def _folders_of(page: Iterable[Passed]) -> dict[WalkedFolder, None]:
    """The folders that the entries of a page are in or enter, each once."""
    folders: dict[WalkedFolder, None] = {}
    for passed in page:
        folders[passed.folder] = None
        if passed.entered is not None:
            folders[passed.entered] = None
    return folders


def _depth(folder: WalkedFolder) -> int:
    return len(folder.path.segments)


def _link_file_of(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name == LINK_FILE)
