"""Reads the ids of revoked tokens, sessions and links from one small list that every replica has."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import structlog

from app.domain.errors import RevocationsUnknown
from app.domain.own_file import read_own_file

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
        """Whether a token, session or link is revoked.

        Args:
            now: seconds since the epoch, UTC.

        Raises:
            RevocationsUnknown: the ids could not be read for too long.
        """
        if not self._is_needed():
            return False
        self._refresh(now)
        if not 0 <= now - self._read_at < MAX_UNREAD_SECONDS:
            raise RevocationsUnknown
        return identifier in self._ids

    def take(self, ids: Iterable[str], read_at: float) -> None:
        """Take what was read.

        Args:
            read_at: when reading it began, in seconds since the epoch, UTC.
        """
        self._ids = frozenset(ids)
        self._read_at = read_at

    def _is_needed(self) -> bool:
        return self._path is not None

    def _refresh(self, now: float) -> None:
        """Read the file again, if it is time to."""
        if self._path is None or 0 <= now - self._tried_at < READ_SECONDS:
            return
        self._tried_at = now
        try:
            self.take(read_revoked(self._path), now)
        except (OSError, ValueError) as error:
            _log.warning("revocations_unreadable", file=str(self._path), reason=type(error).__name__)


NOTHING_REVOKED: Final = Revocations(None)
"""For sites that never revoke anything."""


def read_revoked(path: Path) -> dict[str, str]:
    """The ids in a file, each with its note.

    Raises:
        OSError: it cannot be read.
        ValueError: as `parse_revoked`.
    """
    return parse_revoked(read_own_file(path, pipe_seconds=0))


def parse_revoked(content: bytes) -> dict[str, str]:
    """The ids in a list, each with its note.

    Each line is an id, perhaps with a note after a space or tab. Empty lines and lines that begin with `#` are ignored, and
    so is the mark that some editors begin a file with: what an operator sees as an id must be one.

    Raises:
        ValueError: it is not UTF-8, or larger than `MAX_FILE_BYTES`.
    """
    if len(content) > MAX_FILE_BYTES:
        raise ValueError("too large")
    lines = (line.strip() for line in content.decode("utf-8-sig").splitlines())
    parts = (line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    return {identifier: " ".join(note) for identifier, *note in parts}


def line_to_add(content: bytes, identifier: str, note: str) -> bytes:
    """What to append to a list so that it has an id with a note; empty where it has both.

    Raises:
        ValueError: as `parse_revoked`; or the list would be larger than `MAX_FILE_BYTES`, and so no token would count.
    """
    if parse_revoked(content).get(identifier) == note:
        return b""
    line = " ".join(f"{identifier} {note}".split()) + "\n"
    added = (b"\n" if content and not content.endswith(b"\n") else b"") + line.encode("utf-8")
    if len(content) + len(added) > MAX_FILE_BYTES:
        raise ValueError("it is full: remove the ids that have expired")
    return added


def add_revoked(path: Path, identifier: str, note: str) -> None:
    """Add an id to a file, which is made if it does not exist.

    The file is never replaced: its owner and mode stay, so do comments and a link to it, and two who add to it at once
    do not undo each other.

    Raises:
        OSError: it cannot be read or written.
        ValueError: as `line_to_add`.
    """
    with path.open("a+b", buffering=0) as file:
        file.seek(0)
        line = line_to_add(file.read(), identifier, note)
        if file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file.fileno())
