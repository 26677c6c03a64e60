"""What pages show of files, column by column: no file is made for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from app.domain.entries import File
from app.domain.table_files import TableFiles


class FileColumns(Protocol):
    """Some files as columns of one length."""

    def names(self) -> Sequence[str]:
        """Within their folder."""

    def sizes(self) -> Sequence[int]:
        """Bytes."""

    def times(self) -> Sequence[float | None]:
        """Seconds since the epoch, UTC; None where the store gives none."""

    def may_have_classes(self) -> bool:
        """Whether any of them may have a storage class."""


class _Listed:
    """The columns of files that were made already."""

    def __init__(self, files: Sequence[File]) -> None:
        self._files = files

    def names(self) -> Sequence[str]:
        return [file.name for file in self._files]

    def sizes(self) -> Sequence[int]:
        return [file.size for file in self._files]

    def times(self) -> Sequence[float | None]:
        return [file.modified for file in self._files]

    def may_have_classes(self) -> bool:
        return any(file.storage_class is not None for file in self._files)


def columns_of(files: Sequence[File]) -> FileColumns:
    """The columns of any files."""
    return files if isinstance(files, TableFiles) else _Listed(files)
