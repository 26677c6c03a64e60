"""What can be asked of a tree. The only room that composes storage and policy.

Listing and download go through the same `decide`. Every method takes the principal and raises the denial
itself, so that a route cannot forget to ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import NamedTuple

from app.cache.listing_cache import Cached, ListingCache
from app.cache.short_memory import ShortMemory
from app.cache.single_flight import SingleFlight
from app.catalog.denials import raise_denial, raise_secret
from app.catalog.links import Links
from app.catalog.manifest import Manifest
from app.catalog.paging import path_behind
from app.catalog.snapshots import Snapshot, SnapshotLoader
from app.catalog.wildcards import is_wildcard, only_match
from app.domain.access import (
    Access,
    Allow,
    Licence,
    NeedsLicence,
    Principal,
    VisibleEntry,
)
from app.domain.entries import Entry, File, FileInfo
from app.domain.errors import (
    Moved,
    NotFound,
    StoreUnavailable,
)
from app.domain.paths import ArtifactPath
from app.policy.decide import Explanation, Rules, classify, decide, explain, visible_entry
from app.policy.decide import rules_without_control_files as site_rules_alone
from app.policy.site_policy import SitePolicy
from app.policy.tier import Tier, tier_of
from app.storage.store import ObjectStore

REREAD_SECONDS = 1.0
"""How long a folder that was read because somebody asked for that is not read again for the same reason."""


class OpenedFile(NamedTuple):
    """A file that the principal may have.

    Attributes:
        path: its real path, which differs from the one asked for where that was a wildcard.
        info: what the store says of it.
        access: its tier.
        version: of the folder by which it was judged, if its listing shows the file as it is; else None.
    """

    path: ArtifactPath
    info: FileInfo
    access: Access
    version: int | None


class _Located(NamedTuple):
    """A file, its folder's rules, what the folder's listing says of it, and what the store itself says of it,
    where that was asked. The rules are not older than either. The version is the folder's, None where its listing
    is older than what the store says.
    """

    path: ArtifactPath
    rules: Rules
    listed: Entry | None
    version: int | None
    info: FileInfo | None = None


class FolderView(NamedTuple):
    """A folder as one principal may see it.

    Attributes:
        snapshot: the folder, whoever asks.
        tier: all that decides what this principal sees in it.
        principal: who asks.
        age: seconds since the folder was read.
        is_stale: whether that is longer than it should be, because the store does not answer or was only
            now asked again.
    """

    snapshot: Snapshot
    tier: Tier
    principal: Principal
    age: float
    is_stale: bool

    def entries(self) -> tuple[VisibleEntry, ...]:
        """What the principal sees, in listing order."""
        rules, path = self.snapshot.rules, self.snapshot.path
        shown = (visible_entry(path, entry, rules, self.principal) for entry in self.snapshot.entries)
        return tuple(entry for entry in shown if entry is not None)


class EarlyView(NamedTuple):
    """A large folder of which only the beginning is there yet.

    Attributes:
        first: some of its entries, as the principal may see them.
        whole: the folder with all of them, when it has been read; to be cancelled by whoever does not wait for it.
            Raises as `Catalog.view_folder`.
    """

    first: FolderView
    whole: asyncio.Task[FolderView]


class Catalog:
    """One site's tree, as its rules let it be seen.

    Args:
        store: where the bytes are.
        folders: keeps what was read of each folder.
        loader: reads the control files of a folder that is listed by other means.
        look: reads a file's info and then its folder, both from one and the same store.
        site: the site policy, which can deny before the store is asked.
        absent_seconds: how long a file that was not there is not asked for again.
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
        self._folders = folders
        self._loader = loader
        self._site = site
        self._look = look
        self._links = Links(self._snapshot)
        self._reread = ShortMemory(REREAD_SECONDS, clock)
        self._heads: SingleFlight[ArtifactPath, FileInfo] = SingleFlight()
        self._absent = ShortMemory(absent_seconds, clock)

    def warm(self, path: ArtifactPath, principal: Principal) -> FolderView | None:
        """A folder that is at hand, without waiting; None where anything would have to be asked or raised.

        The view is not a permission: whether its tier may see the folder at all is for `view_folder` to say.
        """
        cached = self._folders.ready(path)
        if cached is None or cached.value.link is not None:
            return None
        return _view(cached, principal)

    def fresh_version(self, path: ArtifactPath) -> int | None:
        """The version of a folder that is at hand and fresh; None for any other, and for a link."""
        cached = self._folders.ready(path)
        if cached is None or cached.is_stale or cached.value.link is not None:
            return None
        return cached.value.version

    async def view_folder(
        self, path: ArtifactPath, principal: Principal, *, reread: bool = False
    ) -> FolderView:
        """A folder that the principal may list.

        Args:
            reread: ask the store, whatever is at hand; but not twice within `REREAD_SECONDS`.

        Raises:
            NotFound: no such folder, or hidden from this principal.
            Moved: the folder is a link.
            LoginRequired, GroupRequired, Refused: the listing is not for this principal.
            StoreError: the store does not answer, or the folder's rules cannot be read.
        """
        self._check_site_policy(path, principal)
        if reread and path not in self._reread:
            self._reread.add(path)
            self._folders.invalidate(path)
        cached = await self._real_folder(path, principal)
        raise_denial(decide(path, cached.value.rules, principal))
        return _view(cached, principal)

    async def view_early(
        self, path: ArtifactPath, principal: Principal, *, reread: bool = False
    ) -> FolderView | EarlyView:
        """A folder that the principal may list, or the beginning of one that takes long to read.

        Args and raises as `view_folder`.
        """
        if reread or self.warm(path, principal) is not None:
            return await self.view_folder(path, principal, reread=reread)
        whole = asyncio.create_task(self.view_folder(path, principal))
        try:
            with self._loader.beginnings.awaited(path) as beginning:
                await asyncio.wait((whole, beginning), return_when=asyncio.FIRST_COMPLETED)
                if not whole.done():
                    first = _view(Cached(beginning.result(), 0.0, False), principal)
                    if isinstance(decide(path, first.snapshot.rules, principal), Allow):
                        return EarlyView(first, whole)
            return await whole
        except BaseException:
            whole.cancel()
            raise

    def invalidate(self, path: ArtifactPath) -> None:
        """Forget what is known of a path that has come, gone or changed, and of the folders above it.

        All of them, because each may have come or gone with it: in S3 a folder is there as long as a key is.
        """
        self._absent.discard(path)
        self._heads.abandon(path)
        if path.is_folder:
            self._folders.invalidate(path)
        for depth in range(len(path.segments) - 1, -1, -1):
            folder = ArtifactPath(path.segments[:depth], True)
            self._folders.invalidate(folder)

    async def aclose(self) -> None:
        """End what is being asked of the store."""
        await self._folders.aclose()
        await self._heads.aclose()

    async def list_folder(self, path: ArtifactPath, principal: Principal) -> tuple[VisibleEntry, ...]:
        """What the principal sees in a folder, in listing order. Raises as `view_folder`."""
        return (await self.view_folder(path, principal)).entries()

    async def open_file(self, path: ArtifactPath, principal: Principal) -> OpenedFile:
        """Decide, then look the file up. A wildcard in the last name stands for the one file it matches.

        Raises:
            NotFound: no such file, or hidden from this principal.
            AmbiguousPattern: several files match the wildcard.
            Moved: the path is a link, or a folder named without its slash.
            LoginRequired, GroupRequired, LicenceRequired, Refused: the file is not for this principal, or
                not yet. Membership is judged by rule alone, whether the file exists or not.
            StoreError: the store does not answer, or the folder's rules cannot be read.
        """
        located = await self._locate(path, principal)
        raise_denial(decide(located.path, located.rules, principal))
        if located.info is None:
            located = await self._looked_at(located, principal)
            raise_denial(decide(located.path, located.rules, principal))
        if located.info is None:
            raise NotFound
        access = classify(located.path, located.rules)[0]
        return OpenedFile(located.path, located.info, access, located.version)

    async def licences_of(self, path: ArtifactPath, principal: Principal) -> tuple[Licence, ...]:
        """The licences that stand before a file, accepted or not, in the order in which to show them.

        Raises:
            As `open_file`, except LicenceRequired.
        """
        located = await self._locate(path, principal)
        decision = decide(located.path, located.rules, principal)
        if not isinstance(decision, NeedsLicence):
            raise_denial(decision)
        return classify(located.path, located.rules)[1]

    async def look_up(self, path: ArtifactPath, principal: Principal) -> VisibleEntry:
        """One file as its folder's listing shows it.

        Raises:
            NotFound: no such file, or one that this principal's listing leaves out.
            Moved: a folder named without its slash, or a path below a link.
            LoginRequired, GroupRequired, Refused, StoreError: as `list_folder`.
        """
        same_name = [e for e in await self.list_folder(path.parent, principal) if e.entry.name == path.name]
        for visible in same_name:
            if not visible.entry.is_folder:
                return visible
        if same_name:
            raise Moved(path.as_folder)
        raise NotFound

    async def walk(
        self, path: ArtifactPath, principal: Principal, after: str | None = None
    ) -> AsyncGenerator[VisibleEntry, None]:
        """Everything below a folder that the principal may see, in byte order of the paths: each folder, whose
        path ends in a slash, before what is in it.

        Folders whose own rules deny the listing are named, as in their parent's listing, but not entered;
        links are named but not followed, so that nothing is listed twice.

        Args:
            after: resume behind this path below the folder, which need not exist any more.

        Raises:
            BadParameter: `after` is no path.
            As `list_folder` for the folder itself; StoreError at any time.
        """
        folder = path.as_folder
        behind = folder if after is None else path_behind(folder, after)
        await self.view_folder(folder, principal)
        manifest = Manifest(self._store, self._folders, self._loader, self._site, principal)
        async with aclosing(manifest.walk(folder, behind)) as entries:
            async for visible in entries:
                yield visible

    async def explain(self, path: ArtifactPath, principal: Principal) -> Explanation:
        """Which rule decides about a path, and what it decides; the file itself need not exist.

        Raises:
            NotFound: the folder does not exist.
            Moved: the path is below a link.
            StoreError: the store does not answer, or the folder's rules cannot be read.
        """
        folder = path if path.is_folder else path.parent
        try:
            snapshot = await self._snapshot(folder)
            real = snapshot.link
        except Moved as moved:
            real = moved.target.as_folder
        if real is not None:
            raise Moved(real if path.is_folder else real.child(path.name))
        return explain(path, snapshot.rules, principal)

    def _check_site_policy(self, path: ArtifactPath, principal: Principal) -> None:
        """Raise what the site policy denies by itself, before anything is asked of the store.

        Control files can only add conditions to a site rule, so this denial is final.
        """
        rules = site_rules_alone(path.parent, site=self._site, default_public=True)
        decision = decide(path, rules, principal)
        if not isinstance(decision, NeedsLicence):
            raise_denial(decision)

    async def _locate(self, path: ArtifactPath, principal: Principal) -> _Located:
        """The real path of a file that exists, and its folder's rules.

        The store is asked about the file itself only where the listing lacks it: it may be newer than that.
        """
        self._check_site_policy(path, principal)
        snapshot = await self._folder_of(path, principal)
        raise_secret(decide(path, snapshot.rules, principal))
        if (listed := snapshot.entry(path.name, is_folder=False)) is not None:
            return _Located(path, snapshot.rules, listed, snapshot.version)
        if snapshot.entry(path.name, is_folder=True) is not None:
            raise Moved(path.as_folder)
        if is_wildcard(path.name):
            shown = FolderView(snapshot, Tier(), principal, 0.0, is_stale=False).entries()
            real, listed = only_match(shown, path.name)
            return _Located(real, snapshot.rules, listed, snapshot.version)
        if path in self._absent:
            raise NotFound
        located = await self._looked_at(_Located(path, snapshot.rules, None, None), principal)
        if located.info is None:
            self._absent.add(path)
            raise NotFound
        raise_secret(decide(path, located.rules, principal))
        return located

    async def _folder_of(
        self, path: ArtifactPath, principal: Principal, *, since: int | None = None
    ) -> Snapshot:
        """The folder of a file; Moved to the file's real path where that is elsewhere."""
        try:
            return (await self._real_folder(path.parent, principal, since=since)).value
        except Moved as moved:
            raise self._redirect(moved.target.child(path.name), principal) from None

    async def _looked_at(self, located: _Located, principal: Principal) -> _Located:
        """Ask the store about a file itself; its info stays None where there is no such file.

        If the folder's listing said otherwise, the folder has changed since it was read, its rules perhaps
        too, so these are read again: whoever publishes the rules first, and then what they protect, must find
        it protected from the first moment.
        """
        try:
            info = await self._head(located.path, principal)
        except NotFound:
            info = None
        if _is_as_listed(located.listed, info):
            return located._replace(info=info)
        snapshot = await self._folder_of(located.path, principal, since=self._folders.loads_begun)
        if info is not None and not _is_of_one_store(snapshot, located.path, info):
            info, snapshot = await self._look_at_both(located.path)
        return located._replace(rules=snapshot.rules, info=info, version=None)

    async def _look_at_both(self, path: ArtifactPath) -> tuple[FileInfo, Snapshot]:
        """A file and its rules, where they had come from stores of different ages."""
        try:
            info, snapshot = await self._look(path)
        except Moved as moved:
            raise StoreUnavailable("stores-disagree") from moved
        if snapshot.link is not None:
            raise StoreUnavailable("stores-disagree")
        return info, snapshot

    async def _head(self, path: ArtifactPath, principal: Principal) -> FileInfo:
        try:
            return await self._heads.join(path, lambda: self._store.head(path))
        except Moved as moved:
            raise self._redirect(moved.target, principal) from None

    async def _snapshot(self, path: ArtifactPath) -> Snapshot:
        return (await self._folders.get(path)).value

    async def _real_folder(
        self, path: ArtifactPath, principal: Principal, *, since: int | None = None
    ) -> Cached[Snapshot]:
        """The snapshot of a folder that is no link and not below one; otherwise Moved to the real folder."""
        try:
            cached = await self._folders.get(path, since=since)
        except Moved as moved:
            raise self._redirect(moved.target.as_folder, principal) from None
        except NotFound:
            if (real := await self._links.real_path_below(path)) is not None:
                raise self._redirect(real, principal) from None
            raise
        if cached.value.link is not None:
            raise self._redirect(await self._links.end_of(cached.value.link), principal)
        return cached

    def _redirect(self, target: ArtifactPath, principal: Principal) -> Moved:
        """A redirect, unless the site policy denies its target: then even the name stays untold."""
        self._check_site_policy(target, principal)
        return Moved(target)


def _view(cached: Cached[Snapshot], principal: Principal) -> FolderView:
    tier = tier_of(principal, cached.value.rules)
    return FolderView(cached.value, tier, principal, cached.age, cached.is_stale)


def _is_of_one_store(snapshot: Snapshot, path: ArtifactPath, info: FileInfo) -> bool:
    """Whether a folder's rules are about this very file, and not about one that another store has in its place."""
    return snapshot.origin == info.origin or _is_as_listed(snapshot.entry(path.name, is_folder=False), info)


def _is_as_listed(listed: Entry | None, info: FileInfo | None) -> bool:
    """Whether the store says of a file what its folder's listing says."""
    if not isinstance(listed, File) or info is None:
        return listed is None and info is None
    if listed.e_tag is not None:
        return listed.e_tag == info.e_tag
    # By whole seconds, which is all that some stores tell of one object alone.
    return (listed.size, int(listed.modified)) == (info.size, int(info.modified))
