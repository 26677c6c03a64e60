"""The control files of one folder, as the store has them.

Every call that takes the bytes of a file from the store, or asks it about one, and why it may be made:

- `read_small`: here alone. It reads a control file of the very folder that the file governs, and follows no link.
- `head`: in `Files`, for a file that `decide` has judged; in `SnapshotLoader.load_with`, for the same file, together
  with its folder; in `stored_digests`, for a listed file that is open to the asker.
- `open_range` and `presign`: in `routes.file`, for a file that `Catalog.open_file` has let through.
- `list_folder` and `walk`: in `SnapshotLoader` and `Manifest`. What they give is shown only through `decide`.

`tests/unit/test_store_reads.py` holds this list against the code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import structlog

from app.domain.entries import ControlFile
from app.domain.errors import Moved, NotFound, RulesUnreadable
from app.domain.paths import ArtifactPath
from app.policy.control_file_names import LINK_FILE, control_files_to_read, governing_names
from app.storage.store import ObjectStore

_log = structlog.get_logger(__name__)


class ControlNames(NamedTuple):
    """What a listing shows that may govern its folder.

    Attributes:
        files: names of the files that the folder keeps to itself.
        skipped: names of what is there and cannot be served.
        folders: names of sub-folders; those that are called like a control file may be links.
    """

    files: Collection[str]
    skipped: Collection[str] = ()
    folders: Collection[str] = ()


class ControlFiles(NamedTuple):
    """The control files of a folder, read.

    Attributes:
        rules: what its rules are made of.
        link: its link file, or None.
    """

    rules: Sequence[ControlFile]
    link: ControlFile | None


async def read_control_files(
    store: ObjectStore,
    folder: ArtifactPath,
    names: ControlNames,
    known: Mapping[str, ControlFile] = MappingProxyType({}),
) -> ControlFiles:
    """Read the control files of a folder, all at once.

    Args:
        store: the one that has named them.
        known: control files that have been read already, by name.

    Raises:
        RulesUnreadable: one of them is there, but cannot be served, is a link or is not given.
        StoreError: no answer.
    """
    if unreadable := governing_names([*names.files, *names.skipped]).difference(names.files):
        _log.error("control_file_unreadable", folder=folder.url, names=sorted(unreadable))
        raise RulesUnreadable
    wanted = control_files_to_read(names.files)
    link_files = (LINK_FILE,) if LINK_FILE in names.files else ()

    async def read(name: str) -> ControlFile:
        found = known.get(name) or await read_control_file(store, folder, name)
        if found is None:
            # The listing shows it and the store does not give it. "No rules here" is what only a listing
            # without the file can mean, so this folder is closed until the store agrees with itself.
            raise RulesUnreadable
        return found

    # A link to a folder is listed as a folder. To read it is to be told that it is a link.
    look_alikes = [name for name in names.folders if governing_names([name]) and name not in names.files]
    await asyncio.gather(*(read_control_file(store, folder, name) for name in look_alikes))
    controls = await asyncio.gather(*(read(name) for name in (*wanted, *link_files)))
    return ControlFiles(controls[: len(wanted)], controls[-1] if link_files else None)


async def read_control_file(store: ObjectStore, folder: ArtifactPath, name: str) -> ControlFile | None:
    """Read one control file; None where there is none.

    Raises:
        RulesUnreadable: it is a link. What is behind that is governed by other rules, so it is not read.
        StoreError: no answer.
    """
    try:
        return ControlFile(name, await store.read_small(folder.child(name)))
    except ValueError:
        return ControlFile(name, None)
    except NotFound:
        return None
    except Moved as moved:
        _log.error("control_file_is_a_link", folder=folder.url, name=name)
        raise RulesUnreadable from moved
