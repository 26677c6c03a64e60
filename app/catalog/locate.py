"""Finds single files: the real path, the rules of the folder, and what the store says about the file.

Nothing here decides. Rules are never older than the file they protect.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple, NoReturn

from app.cache.recent_paths import RecentPaths
from app.cache.single_flight import SingleFlight
from app.catalog.denials import require_access
from app.catalog.resolve import MAX_LINK_HOPS, FolderResolver
from app.catalog.snapshot import Snapshot
from app.catalog.views import FolderView
from app.catalog.wildcards import is_wildcard, only_match
from app.domain.access import Allow, Principal
from app.domain.entries import Entry, File, FileInfo
from app.domain.errors import Moved, NotFound, StoreUnavailable
from app.domain.mounts import AT_ROOT, Mount
from app.domain.paths import ArtifactPath
from app.domain.turns import run_aside
from app.policy.decide import Rules, decide
from app.policy.tier import Tier
from app.storage.store import ObjectStore


class LocatedFile(NamedTuple):
    """A file, and what it is judged by.

    Attributes:
        path: its real path.
        folder: not older than the next two.
        listed: the file as the folder's listing shows it; None if it is not listed.
        version: of the folder; None if its listing is older than the file.
        info: what the store says about the file, if it was asked.
    """

    path: ArtifactPath
    folder: Snapshot
    listed: Entry | None
    version: int | None
    info: FileInfo | None = None

    @property
    def rules(self) -> Rules:
        """Those of its folder."""
        return self.folder.rules


class FileLocator:
    """One site's files.

    Args:
        store: where the bytes are.
        resolver: finds their folders.
        look: reads a file's info and then its folder, both from the same store.
        absent_seconds: how long the absence of a file is remembered.
        clock: seconds; never goes back.
    """

    def __init__(
        self,
        store: ObjectStore,
        resolver: FolderResolver,
        *,
        look: Callable[[ArtifactPath], Awaitable[tuple[FileInfo, Snapshot]]],
        absent_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._resolver = resolver
        self._look = look
        self._heads: SingleFlight[ArtifactPath, FileInfo] = SingleFlight()
        self._absent = RecentPaths(absent_seconds, clock)

    async def locate(
        self,
        path: ArtifactPath,
        principal: Principal,
        *,
        hops: int = MAX_LINK_HOPS,
        mount: Mount = AT_ROOT,
    ) -> LocatedFile:
        """The real path of a file that exists, and its folder's rules.

        The store is asked about the file only if the listing lacks it: the file may be newer. So may a
        folder of that name.

        Args:
            hops: most links of the store that are followed.
            mount: whose listings a wildcard is matched against.

        Raises:
            NotFound: no such file, or hidden from this principal.
            AmbiguousPattern: several files match the wildcard.
            Moved: the path is a link, or a folder named without its slash.
            LoginRequired, GroupRequired, Refused: the principal may not learn whether it exists.
            StoreError: the store does not answer, or the folder's rules cannot be read.
        """
        snapshot = (await self._resolver.find(path, principal)).value
        listed = snapshot.entry(path.name, is_folder=False)
        if listed is not None and path.name not in snapshot.rules.links:
            return LocatedFile(path, snapshot, listed, snapshot.version)
        if snapshot.find(path.name, is_folder=True) and await self._resolver.is_known(
            path.as_folder, snapshot, principal
        ):
            raise Moved(path.as_folder)
        if snapshot.is_listed and is_wildcard(path.name):
            return await self._matched(path, snapshot, principal, mount)
        located = LocatedFile(path, snapshot, None, None)
        if path in self._absent:
            await self.deny_absent(located, principal)
        located = await self.look_at(located, principal, hops=hops)
        if located.info is None:
            if await self._resolver.has_folder(path.as_folder, snapshot, principal):
                raise Moved(path.as_folder)
            self._absent.add(path)
            await self.deny_absent(located, principal)
        return located

    async def deny_absent(self, located: LocatedFile, principal: Principal) -> NoReturn:
        """Raise the error for a file that does not exist; as `FolderResolver.deny_absent`."""
        await self._resolver.deny_absent(located.folder, principal)

    async def look_at(
        self, located: LocatedFile, principal: Principal, *, hops: int = MAX_LINK_HOPS
    ) -> LocatedFile:
        """Ask the store about a file itself; its info stays None where there is no such file.

        If the folder's listing said otherwise, the folder has changed since it was read, its rules perhaps
        too, so these are read again: a publisher who uploads the rules first, and then what they protect, must find
        it protected from the first moment. A file that the listing still lacks after that is there under another
        spelling only, or gone by now.

        Args:
            hops: as `locate`.

        Raises:
            Moved, LoginRequired, GroupRequired, Refused, NotFound, StoreError: as `locate`, of the folder.
        """
        try:
            info = await self._head(located, principal, hops)
        except NotFound:
            info = None
        if not located.folder.is_listed or is_as_listed(located.listed, info):
            return located._replace(info=info)
        snapshot = (
            await self._resolver.find(located.path, principal, since=self._resolver.loads_begun)
        ).value
        if info is not None and not _is_of_one_store(snapshot, located.path, info):
            info, snapshot = await self._look_at_both(located.path)
            await self._resolver.require(located.path, snapshot, principal)
        if not snapshot.find(located.path.name, is_folder=False):
            info = None
        return located._replace(folder=snapshot, info=info, version=None)

    def forget(self, path: ArtifactPath) -> None:
        """Drop what is cached of a file that was created, removed or changed."""
        self._absent.discard(path)
        self._heads.abandon(path)

    async def aclose(self) -> None:
        """Cancel all calls to the store."""
        await self._heads.aclose()

    async def _matched(
        self, path: ArtifactPath, snapshot: Snapshot, principal: Principal, mount: Mount
    ) -> LocatedFile:
        """The one file that a wildcard matches, for principals who may see the listing."""
        await self._resolver.require(snapshot.path, snapshot, principal)
        view = FolderView(snapshot, Tier(), principal, 0.0, is_stale=False, mount=mount)
        real, listed = await run_aside(partial(only_match, view, path.name), entries=len(snapshot.entries))
        return LocatedFile(real, snapshot, listed, snapshot.version)

    async def _look_at_both(self, path: ArtifactPath) -> tuple[FileInfo, Snapshot]:
        """A file and its rules again, from one store, after they came from stores of different ages."""
        try:
            info, snapshot = await self._look(path)
        except Moved as moved:
            raise StoreUnavailable("stores-disagree") from moved
        if snapshot.link is not None:
            raise StoreUnavailable("stores-disagree")
        return info, snapshot

    async def _head(self, located: LocatedFile, principal: Principal, hops: int) -> FileInfo:
        path, is_listed = located.path, located.listed is not None
        try:
            return await self._heads.join(path, lambda: self._store.head(path, is_listed=is_listed))
        except Moved as moved:
            require_access(path, located.rules, principal, with_licences=False)
            raise Moved(await self._behind(moved.target, principal, hops)) from moved

    async def _behind(self, path: ArtifactPath, principal: Principal, hops: int) -> ArtifactPath:
        """The target of a link. It answers as if it had been requested itself."""
        if hops == 0:
            raise NotFound
        try:
            located = await self.locate(path, principal, hops=hops - 1)
            if located.info is None and isinstance(decide(path, located.rules, principal), Allow):
                located = await self.look_at(located, principal, hops=hops - 1)
                if located.info is None:
                    await self.deny_absent(located, principal)
        except Moved as moved:
            if not moved.target.is_folder:
                return await self._behind(moved.target, principal, hops - 1)
            await self._resolver.find(moved.target, principal)
            return moved.target
        return path


def _is_of_one_store(snapshot: Snapshot, path: ArtifactPath, info: FileInfo) -> bool:
    """Whether a folder's rules are about this file, and not about one that another store has in its place."""
    return snapshot.origin == info.origin or is_as_listed(snapshot.entry(path.name, is_folder=False), info)


def is_as_listed(listed: Entry | None, info: FileInfo | None) -> bool:
    """Whether the store and the folder's listing agree about a file."""
    if not isinstance(listed, File) or info is None:
        return listed is None and info is None
    if listed.e_tag is not None and info.e_tag is not None:
        return (listed.e_tag, listed.stamp) == (info.e_tag, info.stamp)
    # In whole seconds: some stores report no more for a single object.
    return (listed.size, _second(listed)) == (info.size, _second(info))


def _second(file: File | FileInfo) -> int | None:
    return None if file.modified is None else int(file.modified)
