"""What can be asked of a tree. The only room that composes storage and policy.

Listing and download go through the same `decide`. Every method takes the principal and raises the denial
itself, so that a route cannot forget to ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import NamedTuple

from app.cache.listing_cache import ListingCache
from app.cache.recent_paths import RecentPaths
from app.cache.stored import Cached
from app.catalog.denials import require_access
from app.catalog.locate import FileLocator
from app.catalog.paging import path_behind
from app.catalog.resolve import FolderResolver
from app.catalog.snapshot import FreshVersion, Snapshot
from app.catalog.snapshot_loader import SnapshotLoader
from app.catalog.subtree.walk import SubtreeWalk
from app.catalog.views import FolderView, PartialView, view_of
from app.catalog.wildcards import is_wildcard, only_match
from app.domain.access import Access, Allow, Licence, Principal, VisibleEntry
from app.domain.entries import File, FileInfo
from app.domain.errors import Moved, NotFound
from app.domain.mounts import AT_ROOT, Mount
from app.domain.paths import ArtifactPath
from app.policy.decide import Explanation, classify, decide, explain
from app.policy.site_policy import SitePolicy
from app.storage.store import ObjectStore

REREAD_SECONDS = 1.0
"""Seconds within which a folder is re-read at most once on request."""


class OpenedFile(NamedTuple):
    """A file that the principal may have.

    Attributes:
        path: its real path. It differs from the requested one if that was a wildcard.
        info: what the store says of it.
        access: its tier.
        licences: those that stand before it, all of them accepted.
        folder: by whose rules it was judged.
        version: of the folder; None if its listing is older than the file.
    """

    path: ArtifactPath
    info: FileInfo
    access: Access
    licences: tuple[Licence, ...]
    folder: Snapshot
    version: int | None


class Catalog:
    """One site's tree, as its rules let it be seen.

    Attributes:
        folders: keeps what was read of each folder.

    Args:
        store: where the bytes are.
        folders: as the attribute.
        loader: reads the control files of a folder that is listed by other means.
        look: reads a file's info and then its folder, both from the same store.
        site: the site policy, which can deny before the store is asked.
        absent_seconds: how long the absence of a file is remembered.
        clock: seconds; never goes back.
    """

    def __init__(
        self,
        store: ObjectStore,
        folders: ListingCache[Snapshot],
        loader: SnapshotLoader,
        site: SitePolicy,
        *,
        look: Callable[[ArtifactPath], Awaitable[tuple[FileInfo, Snapshot]]],
        absent_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self.folders = folders
        self._loader = loader
        self._site = site
        self._resolver = FolderResolver(store, folders, site, absent_seconds=absent_seconds, clock=clock)
        self._files = FileLocator(
            store, self._resolver, look=look, absent_seconds=absent_seconds, clock=clock
        )
        self.preload = self._resolver.without_principal  # reads a folder that nobody has asked for
        self._reread = RecentPaths(REREAD_SECONDS, clock)

    def ready_view(
        self, path: ArtifactPath, principal: Principal, mount: Mount = AT_ROOT
    ) -> FolderView | None:
        """A cached folder, without waiting. None if the store would have to be asked, or if an error would be raised.

        The view is not a permission: whether its tier may see the folder at all is for `view_folder` to say.
        """
        cached = self.folders.ready(path)
        if cached is None or cached.value.link is not None or not cached.value.is_listed:
            return None
        return view_of(cached, principal, mount)

    def fresh_version(self, path: ArtifactPath) -> FreshVersion | None:
        """The version of a folder that is cached and fresh; None for any other, and for a link."""
        cached = self.folders.ready(path)
        if cached is None or cached.is_stale or cached.value.link is not None:
            return None
        return FreshVersion(cached.value.version, cached.same_for)

    def ready_file(self, path: ArtifactPath, principal: Principal) -> OpenedFile | None:
        """A file as the listing of its folder has it, if that is in memory and fresh, and the principal may have it.

        None if the store would have to be asked, or if an error would be raised. The file may be another by now:
        only what is still the listed one was judged.
        """
        cached = self.folders.ready(path.parent)
        if cached is None or cached.is_stale or cached.value.link is not None or is_wildcard(path.name):
            return None
        snapshot = cached.value
        listed = snapshot.entry(path.name, is_folder=False)
        if not isinstance(listed, File) or listed.e_tag is None:
            return None
        if not isinstance(decide(path, snapshot.rules, principal), Allow):
            return None
        info = FileInfo(
            listed.size, listed.modified, listed.e_tag, origin=snapshot.origin, stamp=listed.stamp
        )
        access, licences = classify(path, snapshot.rules)
        return OpenedFile(path, info, access, licences, snapshot, snapshot.version)

    async def view_folder(
        self, path: ArtifactPath, principal: Principal, *, reread: bool = False, mount: Mount = AT_ROOT
    ) -> FolderView:
        """A folder that the principal may list.

        Args:
            reread: ask the store even if the folder is cached, but not twice within `REREAD_SECONDS`.
            mount: where the site is mounted for this request.

        Raises:
            NotFound: no such folder, or hidden from this principal.
            Moved: the folder is a link.
            LoginRequired, GroupRequired, Refused: the listing is not for this principal.
            StoreError: the store does not answer, or the folder's rules cannot be read.
        """
        if reread and path not in self._reread:
            await self._resolver.check_site_policy(path, principal)
            self._reread.add(path)
            self.folders.invalidate(path)
        return view_of(await self._resolver.find(path, principal), principal, mount)

    async def view_partial(
        self, path: ArtifactPath, principal: Principal, *, reread: bool = False, mount: Mount = AT_ROOT
    ) -> FolderView | PartialView:
        """A folder that the principal may list, or its first entries if it takes long to read.

        Args and raises as `view_folder`.
        """
        if reread or not self._store.has_first_pages or self.ready_view(path, principal) is not None:
            return await self.view_folder(path, principal, reread=reread, mount=mount)
        whole = asyncio.create_task(self.view_folder(path, principal, mount=mount))
        try:
            with self._loader.first_pages.awaited(path) as first_page:
                await asyncio.wait((whole, first_page), return_when=asyncio.FIRST_COMPLETED)
                if not whole.done():
                    first = view_of(Cached(first_page.result(), 0.0, False), principal, mount)
                    if isinstance(decide(path, first.snapshot.rules, principal), Allow):
                        return PartialView(first, whole)
            return await whole
        except BaseException:
            whole.cancel()
            raise

    def invalidate(self, path: ArtifactPath) -> None:
        """Drop what is cached of a path that was created, removed or changed, and of the folders above it.

        Each folder above may have come or gone with the path: in S3 a folder exists as long as a key in it does.
        """
        self._files.forget(path)
        if path.is_folder:
            self.folders.invalidate(path)
        for depth in range(len(path.segments) - 1, -1, -1):
            self.folders.invalidate(ArtifactPath(path.segments[:depth], True))

    async def aclose(self) -> None:
        """Cancel all calls to the store."""
        await self.folders.aclose()
        await self._files.aclose()

    async def list_folder(self, path: ArtifactPath, principal: Principal) -> tuple[VisibleEntry, ...]:
        """What the principal sees in a folder, in listing order. Raises as `view_folder`."""
        return tuple((await self.view_folder(path, principal)).entries())

    async def open_file(
        self, path: ArtifactPath, principal: Principal, *, mount: Mount = AT_ROOT
    ) -> OpenedFile:
        """Decide, then look the file up. A wildcard in the last name stands for the one file it matches.

        Args:
            mount: whose listings a wildcard is matched against.

        Raises:
            NotFound: no such file, or hidden from this principal.
            AmbiguousPattern: several files match the wildcard.
            Moved: the path is a link, or a folder named without its slash.
            LoginRequired, GroupRequired, LicenceRequired, Refused: the file is not for this principal, or
                not yet. Membership is judged by rule alone, whether the file exists or not.
            StoreError: the store does not answer, or the folder's rules cannot be read.
        """
        located = await self._files.locate(path, principal, mount=mount)
        require_access(located.path, located.rules, principal)
        if located.info is None:
            judged, located = located.folder, await self._files.look_at(located, principal)
            if located.folder is not judged:
                require_access(located.path, located.rules, principal)
        if located.info is None:
            await self._files.deny_absent(located, principal)
        access, licences = classify(located.path, located.rules)
        return OpenedFile(located.path, located.info, access, licences, located.folder, located.version)

    async def licences_of(self, path: ArtifactPath, principal: Principal) -> tuple[Licence, ...]:
        """The licences that stand before a file, accepted or not, in the order in which to show them.

        Raises:
            As `open_file`, except LicenceRequired.
        """
        located = await self._files.locate(path, principal)
        require_access(located.path, located.rules, principal, with_licences=False)
        return classify(located.path, located.rules)[1]

    async def look_up(self, path: ArtifactPath, principal: Principal) -> VisibleEntry:
        """One file as its folder's listing shows it. A wildcard in the last name stands for the one file it matches.

        Raises:
            AmbiguousPattern: several files match the wildcard.
            NotFound: no such file, or one that this principal's listing leaves out.
            Moved: a folder named without its slash, or a path below a link.
            LoginRequired, GroupRequired, Refused, StoreError: as `list_folder`.
        """
        try:
            view = await self.view_folder(path.parent, principal)
        except Moved as moved:
            raise Moved(moved.target.child(path.name)) from None
        if (visible := view.find(path.name, is_folder=False)) is not None:
            return visible
        if view.find(path.name, is_folder=True) is not None:
            raise Moved(path.as_folder)
        if is_wildcard(path.name):
            real, _ = only_match(view, path.name)
            if (visible := view.find(real.name, is_folder=False)) is not None:
                return visible
        raise NotFound

    async def walk(
        self, path: ArtifactPath, principal: Principal, after: str | None = None, *, mount: Mount = AT_ROOT
    ) -> AsyncGenerator[Sequence[VisibleEntry], None]:
        """Everything below a folder that the principal may see, in byte order of the paths: each folder, whose
        path ends in a slash, before what is in it. Some entries at a time, never none.

        Folders whose own rules deny the listing are named, as in their parent's listing, but not entered;
        links are named but not followed, so that nothing is listed twice.

        Args:
            after: resume behind this path below the folder, which need not exist any more.
            mount: where the site is mounted for this request.

        Raises:
            BadParameter: `after` is no path.
            As `list_folder` for the folder itself; StoreError at any time.
        """
        folder = path.as_folder
        behind = folder if after is None else path_behind(folder, after)
        await self.view_folder(folder, principal)
        manifest = SubtreeWalk(self._store, self.folders, self._loader, self._site, principal, mount)
        async with aclosing(manifest.walk(folder, behind)) as parts:
            async for part in parts:
                yield part

    async def explain(self, path: ArtifactPath, principal: Principal) -> Explanation:
        """Which rule decides about a path, and what it decides; the file itself need not exist.

        Raises:
            NotFound: the folder does not exist.
            Moved: the path is below a link.
            StoreError: the store does not answer, or the folder's rules cannot be read.
        """
        folder = path if path.is_folder else path.parent
        try:
            snapshot = await self._resolver.without_principal(folder)
        except Moved as moved:
            real = moved.target.as_folder
            raise Moved(real if path.is_folder else real.child(path.name)) from None
        return explain(path, snapshot.rules, principal)
