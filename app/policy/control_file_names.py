"""Names of files that are never served, and which of them must be read to know a folder's rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.policy.eula import EULA, OPEN_EULA, is_like_eula, split_eula_name

BUILD_INFO = "BUILD-INFO.txt"
LINK_FILE = ".s3_linked_from"
HTACCESS = ".htaccess"

_HIDDEN = frozenset({BUILD_INFO, EULA, OPEN_EULA, HTACCESS, LINK_FILE})

GOVERNING_MARKS = (BUILD_INFO, EULA, LINK_FILE)
"""Every name that may govern its folder has one of these in it."""
HIDDEN_MARKS = (*GOVERNING_MARKS, HTACCESS)
"""Every hidden name has one of these in it."""


def is_hidden_name(name: str) -> bool:
    """Whether a file of this name is never listed and never served, for any principal.

    Whole names, prefixes and suffixes count, never a part in the middle: `licenses.csv` and
    `NOT-EULA.txt.gz` are ordinary files. Folders are never hidden by their name.

    Args:
        name: base name of a file.
    """
    return name in _HIDDEN or (EULA in name and split_eula_name(name) is not None)


def any_marked(names: Iterable[str], marks: Sequence[str]) -> bool:
    """Whether one of some names has one of the marks in it: a quick look at thousands of names."""
    joined = "/".join(names)
    for mark in marks:  # noqa: SIM110 - a generator would take longer than the looks
        if mark in joined:
            return True
    return False


def may_govern(name: str) -> bool:
    """Whether a file of this name can change the rules of its folder, even if only by its presence.

    Args:
        name: base name of a file.
    """
    return name in (BUILD_INFO, LINK_FILE) or is_like_eula(name)


def governing_names(names: Iterable[str]) -> frozenset[str]:
    """The files whose content governs a folder: its link file, and the kind of control file that counts.

    A BUILD-INFO.txt stands above every EULA file, and an OPEN-EULA.txt above the others.

    Args:
        names: base names of the folder's files (not of its sub-folders).
    """
    present = frozenset(names)
    link = present & {LINK_FILE}
    for name in (BUILD_INFO, OPEN_EULA, EULA):
        if name in present:
            return link | {name}
    return link | {name for name in present if split_eula_name(name)}


def control_files_to_read(names: Iterable[str]) -> tuple[str, ...]:
    """The files of a folder that must be read before anything in it is served, sorted. Without the link file.

    Args:
        names: base names of the folder's files (not of its sub-folders).
    """
    return tuple(sorted(governing_names(names) - {LINK_FILE}))
