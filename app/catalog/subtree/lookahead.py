"""The folders that a walk passes through, and how much of each it has seen."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple

from app.domain.entries import File, Folder, Found, Skipped, name_of, walk_order
from app.domain.entry_table import EntryTable
from app.domain.errors import StoreUnavailable
from app.domain.paths import ArtifactPath
from app.domain.turns import Turns
from app.policy.alike import FolderJudge
from app.policy.control_file_names import GOVERNING_MARKS, LINK_FILE, any_marked, may_govern

PAGES_AHEAD: Final = 3
"""Pages that a walk is read ahead of what goes out, to see where a folder ends. It bounds the memory."""


class FolderRules(NamedTuple):
    """What is known about a folder, and so whether its entries may go out.

    Attributes:
        judge: shows its entries by what governs it; None for a folder that is not entered.
        entries: of the folder itself in the order of a walk, if they came with its rules: then these count
            and not those of the walk, because rules protect what was read before them.
        sub_folders: names of those among these entries.
    """

    judge: FolderJudge | None
    entries: EntryTable | None = None
    sub_folders: frozenset[str] = frozenset()


NOT_ENTERED: Final = FolderRules(None)


class WalkedFolder:
    """A folder that a walk has entered.

    Attributes:
        path: the folder.
        parent: the folder that it is in; None for the one that is walked.
        entry: as its parent lists it.
        governing: the files that may govern it, as far as seen.
        look_alikes: sub-folders that are called like such files, as far as seen.
        skipped: entries that cannot be served, as far as seen.
        has_links: whether entries of it are links.
        is_whole: whether the walk began before it.
        is_ended: whether the walk has left it.
        is_past_link: whether the walk has passed the place of its link file.
        sight: None as long as nothing of it has to go out.
    """

    __slots__ = (
        "entry",
        "governing",
        "has_links",
        "is_ended",
        "is_past_link",
        "is_whole",
        "look_alikes",
        "parent",
        "path",
        "sight",
        "skipped",
    )

    def __init__(
        self, path: ArtifactPath, parent: WalkedFolder | None, entry: Folder, *, is_whole: bool
    ) -> None:
        self.path = path
        self.parent = parent
        self.entry = entry
        self.governing: dict[str, File] = {}
        self.look_alikes: list[str] = []
        self.skipped: list[str] = []
        self.has_links = False
        self.is_whole = is_whole
        self.is_ended = False
        self.is_past_link = False
        self.sight: FolderRules | None = None

    @property
    def has_no_control_files(self) -> bool:
        """Whether nothing that may govern it was seen."""
        return not (self.governing or self.look_alikes or self.skipped)

    def holds(self, path: ArtifactPath) -> bool:
        """Whether a path is this folder or below it."""
        return path.segments[: len(self.path.segments)] == self.path.segments

    def note(self, found: Found) -> None:
        """Note more of what is in it."""
        for other in found.others:
            if isinstance(other, Skipped):
                self.skipped.append(other.name)
            else:
                self.has_links = True
        if any_marked(map(name_of, found.files), GOVERNING_MARKS):
            self.governing |= {file.name: file for file in found.files if may_govern(file.name)}
        last = found.sub_folder
        if last is not None and may_govern(last.name):
            self.look_alikes.append(last.name)
        if not self.is_past_link and (last or found.files):
            self.is_past_link = walk_order(last or found.files[-1]) >= LINK_FILE.encode("ascii")


class Passed(NamedTuple):
    """Some entries of a folder, in the order of the walk.

    Attributes:
        folder: that they are in.
        files: themselves.
        sub_folder: behind them, if any.
        entered: the same as the folder that the walk enters with it, if it does.
    """

    folder: WalkedFolder
    files: Sequence[File]
    sub_folder: Folder | None = None
    entered: WalkedFolder | None = None


class LookaheadWalk:
    """A walk, read ahead by a few pages.

    Args:
        pages: of the walk.
        trail: the folder that is walked, and the folders below it that the walk begins in, from the top down.
        turns: of the work that this is a part of.
    """

    def __init__(
        self, pages: AsyncIterator[Sequence[Found]], trail: Sequence[WalkedFolder], turns: Turns
    ) -> None:
        self._pages = pages
        self._turns = turns
        self._inside = list(trail)
        self._ahead: deque[list[Passed]] = deque()
        self._is_over = False

    async def next_page(self) -> list[Passed] | None:
        """What goes out next; None at the end.

        Raises:
            StoreError: the walk broke off.
        """
        if not self._ahead and not await self.read_ahead():
            return None
        return self._ahead.popleft()

    async def read_ahead(self) -> bool:
        """Read one more page; False where there is none, or where enough has been read.

        Raises:
            StoreError: the walk broke off.
        """
        if self._is_over or len(self._ahead) >= PAGES_AHEAD:
            return False
        page = await anext(self._pages, None)
        if page is None:
            self._is_over = True
            self._leave(0)
            return False
        passed = []
        for found in page:
            passed.append(self._pass(found))
            await self._turns.give()
        self._ahead.append([each for each in passed if each.files or each.sub_folder])
        return True

    def _pass(self, found: Found) -> Passed:
        if found.folder.segments != self._inside[-1].path.segments:
            self._leave_for(found.folder)
        folder = self._inside[-1]
        if found.folder.segments != folder.path.segments:
            # It would be judged by another folder's rules.
            raise StoreUnavailable("unexpected")
        folder.note(found)
        if found.sub_folder is None:
            return Passed(folder, found.files)
        path = folder.path.child(found.sub_folder.name, is_folder=True)
        entered = WalkedFolder(path, folder, found.sub_folder, is_whole=True)
        self._inside.append(entered)
        return Passed(folder, found.files, found.sub_folder, entered)

    def _leave_for(self, path: ArtifactPath) -> None:
        """Leave every folder that does not contain another one."""
        depth = len(self._inside)
        while depth > 1 and not self._inside[depth - 1].holds(path):
            depth -= 1
        self._leave(depth)

    def _leave(self, depth: int) -> None:
        for folder in self._inside[depth:]:
            folder.is_ended = True
        del self._inside[depth:]
