"""Finds the folder of a path: follows links, and checks at every folder on the way whether the principal may know it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, NoReturn

from app.cache.listing_cache import ListingCache
from app.cache.stored import Cached
from app.catalog.denials import deny_if_existence_is_secret, require_access
from app.catalog.in_vain import InVain
from app.catalog.snapshot import Snapshot
from app.domain.access import Allow, Hidden, NeedsLicence, Principal
from app.domain.entries import Folder
from app.domain.errors import AccessDenied, MalformedRules, Moved, NotFound, RulesUnreadable
from app.domain.paths import ArtifactPath
from app.policy.decide import Rules, decide, visible_entry
from app.policy.decide import rules_without_control_files as site_rules_alone
from app.policy.site_policy import SitePolicy
from app.storage.store import ObjectStore

MAX_LINK_HOPS: Final = 8


class _Above(NamedTuple):
    """What the folders above a folder say about it.

    Attributes:
        closed: the uppermost of the folders in a row, up to the nearest one, whose listings are not for the
            principal, with its rules: its denial is the answer. None if the nearest may be listed.
        link: where the folder is, if one of those is a link, by the nearest link that the principal may know of.
    """

    closed: tuple[ArtifactPath, Rules] | None
    link: ArtifactPath | None


class FolderResolver:
    """One site's folders, from the cache, as far as a principal may know of them.

    A listing says which names exist. So a principal who may not list a folder gets the same answer for
    every name in it and every path below, whether it exists or not; except for what its own rule opens.

    Args:
        store: where the bytes are.
        folders: keeps what was read of each folder.
        site: the site policy, which can deny before the store is asked.
        absent_seconds: how long the absence of a file is remembered.
        clock: seconds; never goes back.
    """

    def __init__(
        self,
        store: ObjectStore,
        folders: ListingCache[Snapshot],
        site: SitePolicy,
        *,
        absent_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._folders = folders
        self._site = site
        self._in_vain = InVain(store, folders.get, seconds=absent_seconds, clock=clock)

    @property
    def loads_begun(self) -> int:
        """A stamp for `since`: folders that are read from now on."""
        return self._folders.loads_begun

    async def find(
        self, path: ArtifactPath, principal: Principal, *, since: int | None = None
    ) -> Cached[Snapshot]:
        """The folder that a path names or that holds its file, if the principal may know what exists there.

        A folder that is found this way may be listed. For a file, only the groups of its folder's rules were checked:
        it need not exist, and may be refused or behind a licence.

        Args:
            since: only a folder whose reading began after this stamp.

        Raises:
            Moved: to the real path, where the way there is open to the principal.
            NotFound: no such folder, or hidden.
            LoginRequired, GroupRequired, Refused: by the rules of the path, of a folder above it, or of a link
                on the way.
            StoreError: the store does not answer, or rules cannot be read.
        """
        found = await self._look(path, principal, since)
        if isinstance(found, Cached):
            return found
        for _ in range(MAX_LINK_HOPS):
            real, found = found, await self._look(found, principal)
            if isinstance(found, Cached):
                raise Moved(real)
        raise NotFound

    async def without_principal(self, path: ArtifactPath) -> Snapshot:
        """The snapshot of a folder without a permission check, for operators who look after the rules.

        Raises:
            Moved: the folder is a link, or below one.
            NotFound, StoreError: as `find`.
        """
        snapshot = await self._snapshot(path)
        if snapshot.link is not None:
            raise Moved(snapshot.link)
        return snapshot

    async def require(self, path: ArtifactPath, snapshot: Snapshot, principal: Principal) -> None:
        """Raise unless the principal may know what exists at a path.

        Args:
            path: a file of the snapshot's folder, or that folder itself.

        Raises:
            NotFound, LoginRequired, GroupRequired, Refused, StoreError: as `find`.
        """
        own = decide(path, snapshot.rules, principal)
        if isinstance(own, Allow | NeedsLicence):
            return
        closed = await self._closed_above(snapshot, principal)
        if closed is not None:
            await self._in_vain.look_for(snapshot.path)
            require_access(*closed, principal)
        if isinstance(own, Hidden):
            await self._in_vain.look_for(path)
        deny_if_existence_is_secret(path, snapshot.rules, principal)
        require_access(snapshot.path, snapshot.rules, principal)

    async def deny_absent(self, snapshot: Snapshot, principal: Principal) -> NoReturn:
        """Raise the answer for a file that does not exist, and that its own rule would open.

        Raises:
            NotFound: in most cases.
            LoginRequired, GroupRequired, Refused: the principal may not know of the folder itself.
        """
        closed = await self._closed_above(snapshot, principal)
        if closed is not None:
            require_access(*closed, principal)
        raise NotFound

    async def is_known(self, folder: ArtifactPath, parent: Snapshot, principal: Principal) -> bool:
        """Whether the principal may know that an existing folder exists: by its own listing or its parent's.

        That of a link to one is up to what it leads to, as the parent's listing shows it.

        Raises:
            StoreError: as `find`.
        """
        if folder.name in parent.rules.links:
            entry = Folder(folder.name)
            return visible_entry(parent.path, entry, parent.rules, principal) is not None
        return is_listable(parent, principal) or await self.has_folder(folder, parent, principal)

    async def has_folder(self, folder: ArtifactPath, parent: Snapshot, principal: Principal) -> bool:
        """Whether a folder exists and the principal may know. The parent's snapshot may be too old to show it.

        Where the store lists nothing, no folder can be told from an absent one.

        Raises:
            StoreError: as `find`.
        """
        if not parent.is_listed:
            return False
        try:
            await self.find(folder, principal)
        except Moved:
            return True
        except (AccessDenied, MalformedRules):
            return is_listable(parent, principal)
        except NotFound:
            return False
        return True

    async def check_site_policy(self, path: ArtifactPath, principal: Principal) -> None:
        """Raise what the site policy alone denies, before the store is asked about the path.

        Control files can only add conditions to a site rule, so this denial is final.

        Raises:
            NotFound, LoginRequired, GroupRequired, Refused: by the site policy.
            StoreError: as `find`, if the path is hidden: the calls that an absent path costs are made.
        """
        rules = self._site_rules(path)
        try:
            require_access(path, rules, principal, with_licences=False)
        except NotFound:
            await self._look_as_if_absent(path, principal)
            raise

    async def _look(
        self, path: ArtifactPath, principal: Principal, since: int | None = None
    ) -> Cached[Snapshot] | ArtifactPath:
        """The folder of a path; or the path to which one link on the way leads."""
        await self.check_site_policy(path, principal)
        folder = _folder_of(path)
        try:
            cached = await self._folders.get(folder, since=since)
        except Moved as moved:
            # A link has no rules of its own. Like every name, it is known to those who may list its folder.
            if (closed := (await self._above(folder, principal)).closed) is not None:
                require_access(*closed, principal)
            return _moved(path, folder, moved.target.as_folder)
        except (NotFound, RulesUnreadable):
            # Unreadable rules reveal that there are rules.
            above = await self._above(folder, principal)
            if above.closed is not None:
                require_access(*above.closed, principal)
            if above.link is None:
                raise
            return _moved(path, folder, above.link)
        await self.require(path, cached.value, principal)
        link = cached.value.link
        return cached if link is None else _moved(path, folder, link)

    async def _closed_above(
        self, snapshot: Snapshot, principal: Principal
    ) -> tuple[ArtifactPath, Rules] | None:
        """The folder whose denial hides that a folder exists; None if the principal may know."""
        if is_listable(snapshot, principal):
            return None
        return (await self._above(snapshot.path, principal)).closed

    async def _above(self, folder: ArtifactPath, principal: Principal) -> _Above:
        """Check the folders above one that is absent, or that is not for the principal.

        From the top, so that nothing below the first absent one is requested.
        """
        closed: tuple[ArtifactPath, Rules] | None = None
        link: ArtifactPath | None = None
        for depth in range(len(folder.segments)):
            path = ArtifactPath(folder.segments[:depth], True)
            rules, target = self._site_rules(path), None
            if isinstance(decide(path, rules, principal), Allow):
                try:
                    snapshot = await self._snapshot(path)
                except (NotFound, Moved):
                    break
                rules, target = snapshot.rules, snapshot.link
            if not isinstance(decide(path, rules, principal), Allow):
                closed, link = closed or (path, rules), None
                continue
            closed = None
            if target is not None:
                link = _moved(folder, path, target)
        return _Above(closed, link)

    async def _look_as_if_absent(self, path: ArtifactPath, principal: Principal) -> None:
        """Make the calls that an absent path costs, for a path that the site policy hides."""
        folder = _folder_of(path)
        way = [ArtifactPath(folder.segments[:depth], True) for depth in range(1, len(folder.segments) + 1)]
        hidden = [
            above for above in way if isinstance(decide(above, self._site_rules(above), principal), Hidden)
        ]
        if not hidden:
            try:
                await self._folders.get(folder)
            except (NotFound, Moved):
                await self._above(folder, principal)
            else:
                await self._in_vain.look_for(path)
            return
        for absent in dict.fromkeys((folder, *hidden[:1])):
            # The folder itself, and the first folder on the way that would be absent.
            await self._in_vain.look_for(absent)
        await self._above(folder, principal)

    def _site_rules(self, path: ArtifactPath) -> Rules:
        """What the site policy alone decides. If it denies, control files change nothing."""
        return site_rules_alone(path.parent, site=self._site, default_public=True)

    async def _snapshot(self, path: ArtifactPath) -> Snapshot:
        return (await self._folders.get(path)).value


def is_listable(snapshot: Snapshot, principal: Principal) -> bool:
    """Whether a folder's own rules let the principal see which names are in it."""
    return isinstance(decide(snapshot.path, snapshot.rules, principal), Allow)


def _folder_of(path: ArtifactPath) -> ArtifactPath:
    return path if path.is_folder else path.parent


def _moved(path: ArtifactPath, folder: ArtifactPath, real: ArtifactPath) -> ArtifactPath:
    """The real place of a path whose folder, or one above, is a link."""
    return ArtifactPath(real.segments + path.segments[len(folder.segments) :], path.is_folder)
