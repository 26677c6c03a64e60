"""The digests that files beside a file say: read by the rules of those files, once for each tier, and kept."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final, NamedTuple

from app.cache.byte_cache import ByteCache
from app.cache.single_flight import SingleFlight
from app.catalog import FolderView, OpenedFile, Snapshot
from app.domain.access import Principal
from app.domain.checksum_files import MARKS, ChecksumFile, agreed, both, checksum_files_among, digests_in
from app.domain.entries import Digest, Entry, File
from app.domain.errors import StoreError
from app.domain.paths import ArtifactPath
from app.domain.turns import run_aside
from app.policy.tier import Tier, tier_of
from app.responses.shared_files import SharedFiles

MAX_CHECKSUM_FILES: Final = 32
"""Most files of one folder that are read for what they say: lists first, then those about one file."""
MAX_CHECKSUM_BYTES: Final = 2 * 1024 * 1024
"""Most bytes of all of them together."""
_AT_ONCE: Final = 8
_BYTES_OF_ONE: Final = 500
"""What a digest takes in memory, with the name that it is found by."""

Said = tuple[str, Digest]


class FolderDigests(NamedTuple):
    """What is said of the files of one folder.

    Attributes:
        by_name: the digests of each file, for those that anything is said of.
        is_complete: whether all that should be read could be read.
        version: of the folder.
    """

    by_name: Mapping[str, tuple[Digest, ...]] = MappingProxyType({})
    is_complete: bool = True
    version: int = -1


class _Key(NamedTuple):
    path: ArtifactPath
    tier: Tier
    kind: str = "digests"


class ListedDigests:
    """Gives the digests that files such as `SHA256SUMS` say.

    Args:
        files: reads those files.
        held: where the digests are kept, together with folders and pages.
    """

    def __init__(self, files: SharedFiles, held: ByteCache) -> None:
        self._files = files
        self._held = held
        self._flights: SingleFlight[tuple[_Key, int], FolderDigests] = SingleFlight()

    async def of(self, view: FolderView) -> FolderDigests:
        """What is said of the files of a folder. A file that cannot be read says nothing, and closes nothing."""
        if (kept := self._kept(view)) is not None:
            return kept
        key = _key(view)
        return await self._flights.join((key, view.snapshot.version), partial(self._read, key, view))

    async def completed(self, opened: OpenedFile, principal: Principal) -> OpenedFile:
        """A file with the digests from checksum files, where none of that algorithm is stored with it."""
        if principal.link is not None:
            return opened  # what a link opens is no part of a tier
        return _with_listed(opened, await self.of(_view(opened.folder, principal)))

    def completed_at_once(self, opened: OpenedFile, principal: Principal) -> OpenedFile | None:
        """The same without waiting; None if files must be read for it."""
        if principal.link is not None:
            return None
        view = _view(opened.folder, principal)
        if (kept := self._kept(view)) is None:
            if any(True for _ in _marked(view)):
                return None
            self._keep(_key(view), kept := FolderDigests(version=view.snapshot.version))
        return _with_listed(opened, kept)

    def _kept(self, view: FolderView) -> FolderDigests | None:
        kept: FolderDigests | None = self._held.get(_key(view))
        return kept if kept is not None and kept.version == view.snapshot.version else None

    async def _read(self, key: _Key, view: FolderView) -> FolderDigests:
        names = await run_aside(partial(_names, view), entries=len(view.snapshot.entries))
        files = list(_bounded(checksum_files_among(names), view))
        lists = await self._said_by([file for file in files if file.of is None], view)
        known = {name for said in lists for name, digest in said or () if digest.algorithm == "sha-256"}
        rest = [file for file in files if file.of is not None and file.of not in known]
        found = [*lists, *await self._said_by(rest, view)]
        by_name = agreed(said for part in found for said in part or ())
        digests = FolderDigests(by_name, None not in found, view.snapshot.version)
        if digests.is_complete:
            self._keep(key, digests)
        return digests

    def _keep(self, key: _Key, digests: FolderDigests) -> None:
        self._held.put(key, digests, _BYTES_OF_ONE * sum(map(len, digests.by_name.values())))

    async def _said_by(self, files: Sequence[ChecksumFile], view: FolderView) -> list[list[Said] | None]:
        """What each file says; None for one that the store does not give."""
        slots = asyncio.Semaphore(_AT_ONCE)

        async def read(file: ChecksumFile) -> list[Said] | None:
            try:
                async with slots:
                    content = await self._files.read(view, file.name, MAX_CHECKSUM_BYTES) or b""
            except StoreError:
                return None
            return await run_aside(partial(_said_of_those_there, file, content, view), size=len(content))

        return list(await asyncio.gather(*map(read, files)))


def _key(view: FolderView) -> _Key:
    return _Key(view.snapshot.path, view.tier)


def _view(folder: Snapshot, principal: Principal) -> FolderView:
    return FolderView(folder, tier_of(principal, folder.rules), principal, 0.0, is_stale=False)


def _with_listed(opened: OpenedFile, digests: FolderDigests) -> OpenedFile:
    listed = digests.by_name.get(opened.path.name, ())
    return opened._replace(info=opened.info._replace(digests=both(opened.info.digests, listed)))


def _names(view: FolderView) -> set[str]:
    return {entry.name for entry in _marked(view)}


def _marked(view: FolderView) -> Iterator[Entry]:
    """Entries that may say digests by their names."""
    return view.snapshot.entries.with_part(*MARKS)


def _bounded(files: Iterable[ChecksumFile], view: FolderView) -> Iterator[ChecksumFile]:
    """As many as may be read. Those about a file that is not there say nothing."""
    count = taken = 0
    for file in files:
        visible = view.find(file.name, is_folder=False)
        if visible is None or not isinstance(visible.entry, File):
            continue
        size = visible.entry.size
        if taken + size > MAX_CHECKSUM_BYTES:
            continue
        if file.of is not None and not view.snapshot.find(file.of, is_folder=False):
            continue
        count, taken = count + 1, taken + size
        yield file
        if count == MAX_CHECKSUM_FILES:
            return


def _said_of_those_there(file: ChecksumFile, content: bytes, view: FolderView) -> list[Said]:
    return [said for said in digests_in(file, content) if view.snapshot.find(said[0], is_folder=False)]
