"""The control files of one folder, as the store has them.

Every call that reads a file from the store, or asks about one, and why it is allowed:

- `read_small`: here, for a control file of the folder that the file governs, without following a link; and in
  `auth.revocation_object`, for the list of revoked ids, which is not part of the tree.
- `head`: in `Files`, for a file that `decide` has judged; in `SnapshotLoader.load_with`, for the same file, together
  with its folder; in `stored_digests`, for a listed file that is open to the asker; in `InVain`, for a name that
  nobody has.
- `open_range` and `presign`: in `responses.delivery`, `responses.shared_files`, `responses.archive_stream` and `routes.file_view`, for a file that
  `Catalog.open_file` has allowed.
- `quick_reader`: in `SmallFiles`, for a file that `Catalog.ready_file` has allowed, and only as it was listed.
- `list_folder` and `walk`: in `SnapshotLoader` and `SubtreeWalk`. What they give is shown only through `decide`. Where a link
  of the folder leads elsewhere, the control files there are read too, and say who may see the link.

`pierhead doctor` lists, asks and reads for the operator, whose store it is, and prints no bytes.

`tests/unit/test_store_reads.py` compares this list with the code.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

import structlog

from app.domain.entries import ControlFile
from app.domain.errors import (
    MalformedRules,
    Moved,
    NotFound,
    ObjectArchived,
    ObjectEncrypted,
    RulesUnreadable,
)
from app.domain.paths import ArtifactPath, display_name
from app.policy.control_file_names import LINK_FILE, control_files_to_read, governing_names
from app.storage.store import ObjectStore

MAX_CONTROL_FILES: Final = 1024
"""Most control files of one folder."""
MAX_CONTROL_BYTES: Final = 8 * 1024 * 1024
"""Most bytes in all control files of one folder. They are kept in memory, hashed, and shown to people."""
READS_AT_ONCE: Final = 16
"""Most control files of one folder that are read at the same time, each of up to `CONTROL_FILE_LIMIT` bytes."""

_log = structlog.get_logger(__name__)


class ControlNames(NamedTuple):
    """The entries of a listing that may govern its folder.

    Attributes:
        files: names of the files that may govern it.
        skipped: names of entries that cannot be served.
        folders: names of sub-folders. Those named like a control file may be links.
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


NO_CONTROL_FILES: Final = ControlFiles((), None)
"""What `read_control_files` returns where no names are handed in."""


async def read_control_files(
    store: ObjectStore,
    folder: ArtifactPath,
    names: ControlNames,
    known: Mapping[str, ControlFile] = MappingProxyType({}),
) -> ControlFiles:
    """Read the control files of a folder.

    Args:
        store: the one that listed them.
        known: control files that have been read already, by name.

    Raises:
        RulesUnreadable: one of them is listed, but cannot be served or read, or is a link.
        MalformedRules: there are more than a folder may have.
        StoreError: no answer.
    """
    if unreadable := governing_names([*names.files, *names.skipped]).difference(names.files):
        _log.error("control_file_unreadable", folder=folder.url, names=sorted(unreadable))
        raise RulesUnreadable
    wanted = control_files_to_read(names.files)
    link_files = (LINK_FILE,) if LINK_FILE in names.files else ()
    # A link to a folder is listed as a folder. Only reading it shows that it is a link.
    look_alikes = [name for name in names.folders if governing_names([name]) and name not in names.files]
    found = await read_those_there(
        store, folder, [*look_alikes, *wanted, *link_files], frozenset(names.files), known
    )
    if not found.keys() >= {*wanted, *link_files}:
        # The listing shows the file, but the store does not return it. Only a listing without the file means "no
        # rules here", so this folder is closed until the store agrees with itself.
        raise RulesUnreadable
    return ControlFiles([found[name] for name in wanted], found[LINK_FILE] if link_files else None)


async def read_those_there(
    store: ObjectStore,
    folder: ArtifactPath,
    names: Collection[str],
    listed: Collection[str],
    known: Mapping[str, ControlFile] = MappingProxyType({}),
) -> dict[str, ControlFile]:
    """Those of some control files that are there, by name. A few are read at a time, and no more than may be.

    Args:
        listed: names of files that a listing of the folder has shown.
        known: those that have been read already.

    Raises:
        MalformedRules: there are more than a folder may have.
        RulesUnreadable, StoreError: as `read_control_file`.
    """
    if len(names) > MAX_CONTROL_FILES:
        raise _too_much(folder, f"more than {MAX_CONTROL_FILES} files")
    found = dict(known)
    taken = sum(len(control.content or b"") for control in known.values())
    waiting = deque(name for name in names if name not in known)
    if not waiting:
        return found  # most folders have none: no turn of the event loop for them

    async def read_on() -> None:
        nonlocal taken
        try:
            while waiting:
                name = waiting.popleft()
                control = await read_control_file(store, folder, name, is_listed=name in listed)
                if control is not None:
                    found[control.name] = control
                    taken += len(control.content or b"")
                if taken > MAX_CONTROL_BYTES:
                    raise _too_much(folder, f"more than {MAX_CONTROL_BYTES} bytes")
        finally:
            waiting.clear()  # after a failure, nobody needs the rest

    await asyncio.gather(*(read_on() for _ in range(min(READS_AT_ONCE, len(waiting)))))
    return found


def _too_much(folder: ArtifactPath, what: str) -> MalformedRules:
    _log.error("control_files_too_large", folder=folder.url, reason=what)
    return MalformedRules(
        display_name(folder.text) or "/", 1, f"the control files of a folder must not be {what}"
    )


async def read_control_file(
    store: ObjectStore, folder: ArtifactPath, name: str, *, is_listed: bool
) -> ControlFile | None:
    """Read one control file; None where there is none.

    Args:
        is_listed: as `ObjectStore.read_small` takes it.

    Raises:
        RulesUnreadable: it is a link. What is behind that is governed by other rules, so it is not read. Or it is archived,
            or encrypted with another key.
        StoreError: no answer.
    """
    try:
        return ControlFile(name, await store.read_small(folder.child(name), is_listed=is_listed))
    except ValueError:
        return ControlFile(name, None)
    except NotFound:
        return None
    except Moved as moved:
        _log.error("control_file_is_a_link", folder=folder.url, name=name)
        raise RulesUnreadable from moved
    except (ObjectArchived, ObjectEncrypted) as error:
        _log.error("control_file_unreadable", folder=folder.url, name=name, reason=str(error))
        raise RulesUnreadable from error
