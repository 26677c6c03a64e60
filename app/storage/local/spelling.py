"""Accepts only the exact spelling of a name, even if the file system accepts several.

Some ignore case (vfat, exFAT, NTFS, HFS+, APFS, ext4 with `casefold`), the composition of characters, or dots at the end,
or give a file a second, short name. Rules are written for one spelling, and would not protect the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from app.domain.errors import NotFound


def check_spelling(name: str, folder: int) -> None:
    """Check that a folder has an entry of exactly this name.

    Reading a large folder for every name would be slow. So an ASCII name is first tried in other spellings:
    if none leads to the same file, the file system distinguishes them. Other names are compared with the entries.

    Args:
        folder: descriptor of a directory.

    Raises:
        NotFound: it has none, even if the file system finds one by this name.
        OSError: as `os.stat`.
    """
    if name.isascii() and not _has_other_spelling(name, folder):
        return
    with os.scandir(folder) as items:
        if not any(item.name == name for item in items):
            raise NotFound


def _has_other_spelling(name: str, folder: int) -> bool:
    # The other spelling may also be a hard link. Then comparing the entries is not needed, but right.
    here = os.stat(name, dir_fd=folder, follow_symlinks=False)
    return any(os.path.samestat(here, there) for there in _looked_up(name, folder))


def _looked_up(name: str, folder: int) -> Iterator[os.stat_result]:
    for other in {name.swapcase(), name + "."} - {name}:
        try:
            yield os.stat(other, dir_fd=folder, follow_symlinks=False)
        except OSError:
            continue
