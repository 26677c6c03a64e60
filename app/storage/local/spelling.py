"""Only the exact spelling of a name counts, also where the file system takes several for the same.

Some are blind to case (vfat, exFAT, NTFS, HFS+, APFS, ext4 with `casefold`), to how characters are composed, or to dots at the end,
or give a file a second, short name. Rules are written for one spelling, and would not hold for the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from app.domain.errors import NotFound


def check_spelling(name: str, folder: int) -> None:
    """See that a folder has an entry of exactly this name.

    To read a folder for every name would be slow where it is large. So an ASCII name is first tried in other spellings:
    where none leads to the same file, the file system tells them apart. Other names are compared with the entries.

    Args:
        folder: descriptor of a directory.

    Raises:
        NotFound: it has none, whether or not it answers to the name.
        OSError: as `os.stat`.
    """
    if name.isascii() and not _has_other_spelling(name, folder):
        return
    with os.scandir(folder) as items:
        if not any(item.name == name for item in items):
            raise NotFound


def _has_other_spelling(name: str, folder: int) -> bool:
    # A hard link may be the other spelling too; then the entries are compared for nothing.
    here = os.stat(name, dir_fd=folder, follow_symlinks=False)
    return any(os.path.samestat(here, there) for there in _looked_up(name, folder))


def _looked_up(name: str, folder: int) -> Iterator[os.stat_result]:
    for other in {name.swapcase(), name + "."} - {name}:
        try:
            yield os.stat(other, dir_fd=folder, follow_symlinks=False)
        except OSError:
            continue
