"""Decides once about all files of a folder, where nothing tells them apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from app.domain.access import Principal, VisibleEntry, VisibleFiles
from app.domain.entries import Entry, File, Folder, name_of
from app.domain.entry_table import EntryTable
from app.domain.paths import ArtifactPath
from app.domain.table_files import TableFiles
from app.domain.visible_parts import VisibleParts
from app.policy.control_file_names import HIDDEN_MARKS, any_marked, is_hidden_name
from app.policy.decide import visible_entry
from app.policy.rules import Rules


class FolderJudge:
    """How a folder's listing shows its entries to one principal, for many of them.

    Args:
        folder: whose entries they are.
        rules: of the folder.
        principal: who asks.
    """

    def __init__(self, folder: ArtifactPath, rules: Rules, principal: Principal) -> None:
        self._folder = folder
        self._rules = rules
        self._principal = principal
        by_path = principal.link is not None or bool(principal.scope.globs)
        self._is_alike = not (by_path or rules.tells_files_apart)
        self._are_folders_alike = not (by_path or rules.tells_folders_apart)
        self._first: VisibleEntry | None = None
        self._first_folder: VisibleEntry | None = None

    def show(self, entry: Entry) -> VisibleEntry | None:
        """The same as `visible_entry`."""
        if isinstance(entry, Folder):
            return self._show_folder(entry)
        name = entry.name
        if not self._is_alike or is_hidden_name(name):
            return visible_entry(self._folder, entry, self._rules, self._principal)
        first = self._first
        if first is None:
            shown = visible_entry(self._folder, entry, self._rules, self._principal)
            # Of locked files less is shown, and of others nothing.
            self._is_alike = shown is not None and not shown.locked
            self._first = shown
            return shown
        path = ArtifactPath((*self._folder.segments, name), False)
        return VisibleEntry(path, entry, first.access, first.licences, is_open=first.is_open)

    def _show_folder(self, entry: Folder) -> VisibleEntry | None:
        first = self._first_folder
        if first is None or not self._are_folders_alike:
            shown = visible_entry(self._folder, entry, self._rules, self._principal)
            if shown is None or shown.locked:
                self._are_folders_alike = False
            self._first_folder = shown
            return shown
        path = ArtifactPath((*self._folder.segments, entry.name), True)
        return VisibleEntry(path, entry, first.access, first.licences, is_open=first.is_open)

    def show_files(self, files: Sequence[File]) -> Sequence[VisibleEntry] | None:
        """What is shown of some files, together; None where each is to be shown by itself."""
        if not self._is_alike:
            return None
        if any_marked(map(name_of, files), HIDDEN_MARKS):
            files = [file for file in files if not is_hidden_name(file.name)]
        return self._shown_alike(files)

    def show_table(self, table: EntryTable) -> VisibleParts:
        """What is shown of all entries of the folder, which are in listing order. No file is made that is shown alike."""
        first = table.first_file()
        parts = [self._shown(table[:first])]
        if self._is_alike:
            parts += map(self._shown_range, _ranges_of_files(table, first))
        else:
            parts.append(self._shown(table.between(first, len(table))))
        return VisibleParts([part for part in parts if part])

    def _shown_range(self, files: TableFiles) -> Sequence[VisibleEntry]:
        alike = self._shown_alike(files) if self._is_alike else None
        return self._shown(files) if alike is None else alike

    def _shown_alike(self, files: Sequence[File]) -> Sequence[VisibleEntry] | None:
        """The same as `show_files`, of files that are not hidden."""
        first = self.show(files[0]) if files else None
        if first is None:
            return ()
        if first.locked:
            return None
        return VisibleFiles(self._folder, files, first.access, first.licences, is_open=first.is_open)

    def _shown(self, entries: Iterable[Entry]) -> Sequence[VisibleEntry]:
        return [visible for visible in map(self.show, entries) if visible is not None]


def _ranges_of_files(table: EntryTable, first: int) -> Iterator[TableFiles]:
    """The files from `first` on, without those that are hidden."""
    marked = {place for place in table.places_with_part(*HIDDEN_MARKS) if place >= first}
    for place in [*sorted(place for place in marked if is_hidden_name(table[place].name)), len(table)]:
        if first < place:
            yield TableFiles(table, first, place)
        first = place + 1
