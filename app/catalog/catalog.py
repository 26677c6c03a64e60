"""What can be asked of a tree. The only room that composes storage and policy.

Listing and download go through the same `decide`. Every method takes the principal and raises the denial
itself, so that a route cannot forget to ask.
"""

from __future__ import annotations

import fnmatch
from collections.abc import AsyncIterator
from typing import NamedTuple

from app.catalog.paging import cursor_trail, position_at, position_behind
from app.catalog.snapshots import Snapshot, SnapshotLoader
from app.domain.access import (
    Access,
    Allow,
    Decision,
    Forbidden,
    Hidden,
    Licence,
    NeedsLicence,
    NeedsLogin,
    Principal,
    VisibleEntry,
)
from app.domain.entries import Entry, FileInfo, Folder
from app.domain.errors import (
    AccessDenied,
    AmbiguousPattern,
    GroupRequired,
    LicenceRequired,
    LoginRequired,
    Moved,
    NotFound,
    Refused,
)
from app.domain.paths import ArtifactPath, display_name
from app.policy.decide import Explanation, Rules, classify, decide, explain, visible_entry
from app.policy.decide import rules_without_control_files as site_rules_alone
from app.policy.site_rules import SitePolicy
from app.storage.store import ObjectStore

LINK_NAMES = frozenset({"latest", "lastSuccessful"})
"""Names of folders that may be links although nothing but a link file is in them."""
MAX_MATCHES_NAMED = 20


class OpenedFile(NamedTuple):
    """A file that the principal may have.

    Attributes:
        path: its real path, which differs from the one asked for where that was a wildcard.
        info: what the store says of it.
        access: its tier.
    """

    path: ArtifactPath
    info: FileInfo
    access: Access


class Catalog:
    """One site's tree, as its rules let it be seen.

    Args:
        store: where the bytes are.
        snapshots: reads folders from that store.
        site: the site policy, which can deny before the store is asked.
    """

    def __init__(self, store: ObjectStore, snapshots: SnapshotLoader, site: SitePolicy) -> None:
        self._store = store
        self._snapshots = snapshots
        self._site = site

    async def list_folder(self, path: ArtifactPath, principal: Principal) -> tuple[VisibleEntry, ...]:
        """What the principal sees in a folder, in listing order.

        Raises:
            NotFound: no such folder, or hidden from this principal.
            Moved: the folder is a link.
            LoginRequired, GroupRequired, Refused: the listing is not for this principal.
            StoreError: the store does not answer, or the folder's rules cannot be read.
        """
        self._check_site_policy(path, principal)
        snapshot = await self._real_folder(path, principal)
        _raise_denial(decide(path, snapshot.rules, principal))
        return _visible_entries(snapshot, principal)

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
        real, rules = await self._locate(path, principal)
        _raise_denial(decide(real, rules, principal))
        try:
            info = await self._store.head(real)
        except Moved as moved:
            raise self._redirect(moved.target, principal) from None
        return OpenedFile(real, info, classify(real, rules)[0])

    async def licences_of(self, path: ArtifactPath, principal: Principal) -> tuple[Licence, ...]:
        """The licences that stand before a file, accepted or not, in the order in which to show them.

        Raises:
            As `open_file`, except LicenceRequired.
        """
        real, rules = await self._locate(path, principal)
        decision = decide(real, rules, principal)
        if not isinstance(decision, NeedsLicence):
            _raise_denial(decision)
        return classify(real, rules)[1]

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
    ) -> AsyncIterator[VisibleEntry]:
        """Everything below a folder that the principal may see, each folder before what is in it.

        Folders whose own rules deny the listing are named, as in their parent's listing, but not entered;
        links are named but not followed, so that nothing is listed twice.

        Args:
            after: resume behind this path below the folder, which need not exist any more.

        Raises:
            BadParameter: `after` is no path.
            As `list_folder` for the folder itself; StoreError at any time.
        """
        trail = () if after is None else cursor_trail(after)
        entries = await self.list_folder(path, principal)
        async for visible in self._walk_entries(entries, principal, trail):
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
            snapshot = await self._snapshots.load(folder)
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
            _raise_denial(decision)

    async def _locate(self, path: ArtifactPath, principal: Principal) -> tuple[ArtifactPath, Rules]:
        """The real path of a file that exists, and its folder's rules.

        The store is asked about the file itself only where the listing lacks it: it may be newer than that.
        """
        self._check_site_policy(path, principal)
        try:
            snapshot = await self._real_folder(path.parent, principal)
        except Moved as moved:
            raise self._redirect(moved.target.child(path.name), principal) from None
        decision = decide(path, snapshot.rules, principal)
        if _is_secret(decision):
            _raise_denial(decision)
        if _has(snapshot, path.name, is_folder=False):
            return path, snapshot.rules
        if _has(snapshot, path.name, is_folder=True):
            raise Moved(path.as_folder)
        if _is_wildcard(path.name):
            return _only_match(snapshot, path.name, principal), snapshot.rules
        try:
            await self._store.head(path)
        except Moved as moved:
            raise self._redirect(moved.target, principal) from None
        return path, snapshot.rules

    async def _real_folder(self, path: ArtifactPath, principal: Principal) -> Snapshot:
        """The snapshot of a folder that is no link and not below one; otherwise Moved to the real folder."""
        try:
            snapshot = await self._snapshots.load(path)
        except Moved as moved:
            raise self._redirect(moved.target.as_folder, principal) from None
        except NotFound:
            await self._raise_moved_below_link(path, principal)
            raise
        if snapshot.link is not None:
            raise self._redirect(await self._snapshots.end_of_links(snapshot.link), principal)
        return snapshot

    async def _raise_moved_below_link(self, path: ArtifactPath, principal: Principal) -> None:
        """For a folder that does not exist: raise Moved if a folder above it is a link."""
        for depth in range(len(path.segments) - 1, 0, -1):
            if path.segments[depth - 1] not in LINK_NAMES:
                continue
            try:
                link = (await self._snapshots.load(ArtifactPath(path.segments[:depth], True))).link
            except (NotFound, Moved):
                continue
            if link is not None:
                target = await self._snapshots.end_of_links(link)
                real = ArtifactPath(target.segments + path.segments[depth:], path.is_folder)
                raise self._redirect(real, principal)

    def _redirect(self, target: ArtifactPath, principal: Principal) -> Moved:
        """A redirect, unless the site policy denies its target: then even the name stays untold."""
        self._check_site_policy(target, principal)
        return Moved(target)

    async def _walk_entries(
        self, entries: tuple[VisibleEntry, ...], principal: Principal, trail: tuple[Entry, ...]
    ) -> AsyncIterator[VisibleEntry]:
        start, resumed = 0, None
        if trail and isinstance(trail[0], Folder):
            start, resumed = position_at(entries, trail[0]), trail[0].name
        elif trail:
            start = position_behind(entries, trail[0])
        for visible in entries[start:]:
            is_resumed = visible.entry.is_folder and visible.entry.name == resumed
            if not is_resumed:
                yield visible
            if not visible.entry.is_folder or visible.locked:
                continue
            try:
                below = await self.list_folder(visible.path, principal)
            except (AccessDenied, NotFound, Moved):
                continue
            async for entry in self._walk_entries(below, principal, trail[1:] if is_resumed else ()):
                yield entry


def _visible_entries(snapshot: Snapshot, principal: Principal) -> tuple[VisibleEntry, ...]:
    shown = (visible_entry(snapshot.path, entry, snapshot.rules, principal) for entry in snapshot.entries)
    return tuple(entry for entry in shown if entry is not None)


def _raise_denial(decision: Decision) -> None:
    match decision:
        case Allow():
            return
        case NeedsLogin():
            raise LoginRequired
        case NeedsLicence(licences):
            raise LicenceRequired(licences)
        case Forbidden(groups, reason):
            raise GroupRequired(groups) if groups else Refused(reason)
        case Hidden():
            # The same answer as for what does not exist, so that nobody can tell the two apart.
            raise NotFound


def _is_secret(decision: Decision) -> bool:
    """Whether the asker may not even learn if the file exists."""
    match decision:
        case NeedsLogin() | Hidden():
            return True
        case Forbidden(groups):
            return bool(groups)
        case _:
            return False


def _has(snapshot: Snapshot, name: str, *, is_folder: bool) -> bool:
    return any(entry.name == name and entry.is_folder is is_folder for entry in snapshot.entries)


def _is_wildcard(name: str) -> bool:
    return any(character in name for character in "*?[")


def _only_match(snapshot: Snapshot, pattern: str, principal: Principal) -> ArtifactPath:
    """The one entry that a wildcard stands for, among those the principal may see.

    Raises:
        NotFound: none matches. AmbiguousPattern: several do. Moved: it is a folder.
    """
    matches = [
        visible
        for visible in _visible_entries(snapshot, principal)
        if not visible.locked and fnmatch.fnmatchcase(visible.entry.name, pattern)
    ]
    if not matches:
        raise NotFound
    if len(matches) > 1:
        names = tuple(display_name(visible.entry.name) for visible in matches[:MAX_MATCHES_NAMED])
        raise AmbiguousPattern(names if len(matches) <= MAX_MATCHES_NAMED else (*names, "..."))
    if matches[0].entry.is_folder:
        raise Moved(matches[0].path.as_folder)
    return matches[0].path
