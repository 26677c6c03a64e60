"""Names that a folder keeps to itself, and which of them must be read to know its rules."""

from __future__ import annotations

from collections.abc import Iterable

from app.policy.eula import EULA, OPEN_EULA, split_eula_name

BUILD_INFO = "BUILD-INFO.txt"
LINK_FILE = ".s3_linked_from"

_HIDDEN = frozenset({BUILD_INFO, EULA, OPEN_EULA, "HEADER.html", "HEADER.textile", ".htaccess", LINK_FILE})
_TEXTILE = ".textile"

HIDDEN_MARKS = (BUILD_INFO, "EULA.txt", "HEADER.", ".htaccess", LINK_FILE, "HOWTO_", _TEXTILE)
"""Every hidden name has at least one of these in it."""


def is_hidden_name(name: str) -> bool:
    """Whether a file of this name is neither listed nor served, whoever asks.

    Whole names, prefixes and suffixes count, never a part in the middle: `licenses.csv`, `NOT-EULA.txt.gz`
    and `HOWTO_foo.pdf` are ordinary files. Folders are never hidden by their name.

    Args:
        name: base name of a file.
    """
    return (
        name in _HIDDEN
        or (name.startswith("HOWTO_") and name.endswith(".txt"))
        or (name.endswith(_TEXTILE) and name != _TEXTILE)
        or split_eula_name(name) is not None
    )


def control_files_to_read(names: Iterable[str]) -> tuple[str, ...]:
    """Which files of a folder must be read before anything of it is handed out, sorted.

    A BUILD-INFO.txt stands above every EULA file. An OPEN-EULA.txt opens the folder by being there, and need
    not be read.

    Args:
        names: base names of the folder's files (not of its sub-folders).
    """
    present = frozenset(names)
    if BUILD_INFO in present:
        return (BUILD_INFO,)
    if OPEN_EULA in present:
        return ()
    if EULA in present:
        return (EULA,)
    return tuple(sorted(name for name in present if split_eula_name(name)))
