"""Reads the ids of revoked tokens and sessions from one small file that every replica has."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import structlog

from app.domain.errors import RevocationsUnknown

READ_SECONDS: Final = 5.0
"""Seconds between two reads of the file, and so the longest time that a revoked token still counts."""
MAX_UNREAD_SECONDS: Final = 60.0
"""Seconds that the last content counts if the file cannot be read. After that, no token counts."""
MAX_FILE_BYTES: Final = 1024 * 1024

_log = structlog.get_logger(__name__)


class Revocations:
    """Knows which ids are revoked.

    Args:
        path: of the file; None if nothing is ever revoked.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._ids: frozenset[str] = frozenset()
        self._read_at = float("-inf")
        self._tried_at = float("-inf")

    def is_revoked(self, identifier: str, now: float) -> bool:
        """Whether a token or session is revoked.

        Args:
            now: seconds since the epoch, UTC.

        Raises:
            RevocationsUnknown: the file could not be read for too long.
        """
        if self._path is None:
            return False
        if not 0 <= now - self._tried_at < READ_SECONDS:
            self._read(self._path, now)
        if not 0 <= now - self._read_at < MAX_UNREAD_SECONDS:
            raise RevocationsUnknown
        return identifier in self._ids

    def _read(self, path: Path, now: float) -> None:
        self._tried_at = now
        try:
            self._ids = frozenset(read_revoked(path))
        except (OSError, ValueError) as error:
            _log.warning("revocations_unreadable", file=str(path), reason=type(error).__name__)
        else:
            self._read_at = now


NOTHING_REVOKED: Final = Revocations(None)
"""For sites that never revoke anything."""


def read_revoked(path: Path) -> dict[str, str]:
    """The ids in a file, each with its note.

    Each line is an id, perhaps with a note after a space. Empty lines and lines that begin with `#` are ignored.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not UTF-8, or larger than `MAX_FILE_BYTES`.
    """
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ValueError("too large")
    lines = (line.strip() for line in content.decode("utf-8").splitlines())
    pairs = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return {identifier: note.strip() for identifier, _, note in pairs}


def write_revoked(path: Path, revoked: Iterable[tuple[str, str]]) -> None:
    """Replace a file of ids in one step, so that a reader sees either the new file or the old one.

    Raises:
        OSError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(
        "".join(f"{identifier} {note}".rstrip() + "\n" for identifier, note in revoked), "utf-8"
    )
    beside.replace(path)
