"""Folders by their real paths: a path that is a link, or below one, leads to a redirect."""

from __future__ import annotations

from app.cache.listing_cache import Cached, ListingCache
from app.catalog.denials import raise_denial
from app.catalog.links import Links
from app.catalog.snapshot_loader import Snapshot
from app.domain.access import NeedsLicence, Principal
from app.domain.errors import Moved, NotFound
from app.domain.paths import ArtifactPath
from app.policy.decide import decide
from app.policy.decide import rules_without_control_files as site_rules_alone
from app.policy.site_policy import SitePolicy


class FolderResolver:
    """One site's folders, from the cache.

    Args:
        folders: keeps what was read of each folder.
        site: the site policy, which can deny before the store is asked.
    """

    def __init__(self, folders: ListingCache[Snapshot], site: SitePolicy) -> None:
        self._folders = folders
        self._site = site
        self._links = Links(self._snapshot)

    @property
    def loads_begun(self) -> int:
        """A stamp for `since`: what is read from now on."""
        return self._folders.loads_begun

    async def get(
        self, path: ArtifactPath, principal: Principal, *, since: int | None = None
    ) -> Cached[Snapshot]:
        """The snapshot of a folder that is no link and not below one. It does not say that the principal may see it.

        Args:
            since: only one that was begun to be read after this stamp.

        Raises:
            Moved: to the real folder.
            NotFound: no such folder, or the site policy hides where the link leads.
            LoginRequired, GroupRequired, Refused: the site policy denies where the link leads.
            StoreError: the store does not answer, or the folder's rules cannot be read.
        """
        try:
            cached = await self._folders.get(path, since=since)
        except Moved as moved:
            raise self.redirect(moved.target.as_folder, principal) from None
        except NotFound:
            if (real := await self._links.real_path_below(path)) is not None:
                raise self.redirect(real, principal) from None
            raise
        if cached.value.link is not None:
            raise self.redirect(await self._links.end_of(cached.value.link), principal)
        return cached

    async def of_file(
        self, path: ArtifactPath, principal: Principal, *, since: int | None = None
    ) -> Snapshot:
        """The folder of a file; Moved to the file's real path where that is elsewhere. Otherwise as `get`."""
        try:
            return (await self.get(path.parent, principal, since=since)).value
        except Moved as moved:
            raise self.redirect(moved.target.child(path.name), principal) from None

    async def without_principal(self, path: ArtifactPath) -> Snapshot:
        """The snapshot of a folder, with no site policy asked; for those who look after the rules.

        Raises:
            Moved: the folder is a link, or below one.
            NotFound, StoreError: as `get`.
        """
        snapshot = await self._snapshot(path)
        if snapshot.link is not None:
            raise Moved(snapshot.link)
        return snapshot

    def redirect(self, target: ArtifactPath, principal: Principal) -> Moved:
        """A redirect, unless the site policy denies its target: then even the name stays untold.

        Raises:
            NotFound, LoginRequired, GroupRequired, Refused: by the site policy.
        """
        self.check_site_policy(target, principal)
        return Moved(target)

    def check_site_policy(self, path: ArtifactPath, principal: Principal) -> None:
        """Raise what the site policy denies by itself, before anything is asked of the store.

        Control files can only add conditions to a site rule, so this denial is final.

        Raises:
            NotFound, LoginRequired, GroupRequired, Refused: by the site policy.
        """
        rules = site_rules_alone(path.parent, site=self._site, default_public=True)
        decision = decide(path, rules, principal)
        if not isinstance(decision, NeedsLicence):
            raise_denial(decision)

    async def _snapshot(self, path: ArtifactPath) -> Snapshot:
        return (await self._folders.get(path)).value
