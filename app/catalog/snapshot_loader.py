"""Reads folders from a store: a listing, its control files, and the rules made from them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from time import perf_counter
from types import MappingProxyType

import structlog

from app.catalog.control_files import (
    NO_CONTROL_FILES,
    ControlFiles,
    ControlNames,
    read_control_files,
    read_those_there,
)
from app.catalog.first_page import FirstPages, FirstPageWatch, certain_entries, unseen_control_names
from app.catalog.linked_rules import FolderRulesAndLink, LinkedRules
from app.catalog.reserved_names import ReservedNames
from app.catalog.snapshot import Snapshot, governing_files, is_made_from, look_alikes
from app.domain.entries import ControlFile, Entry, FileInfo, Listing
from app.domain.entry_table import EntryTable
from app.domain.errors import (
    ListingUnavailable,
    MalformedRules,
    Moved,
    NotFound,
    RequestError,
    RulesUnreadable,
    StoreError,
)
from app.domain.order import in_listing_order
from app.domain.paths import ArtifactPath, display_name
from app.domain.turns import MANY_ENTRIES, run_aside
from app.policy.control_file_names import LINK_FILE, control_files_to_read
from app.policy.decide import closed_rules, compose, rules_of_unlisted
from app.policy.eula import DefaultLicences
from app.policy.site_policy_file import SitePolicy
from app.storage.store import REPLICA, FirstPage, ObjectStore

_log = structlog.get_logger(__name__)


class SnapshotLoader:
    """Reads snapshots from a store: one listing, then all control files that it shows at once.

    Attributes:
        first_pages: the first entries of large folders that are being read.

    Args:
        store: where the bytes are.
        site: the site policy.
        default_public: whether a file that nothing governs is public.
        default_licences: texts for licence files that are empty.
        versions: gives each snapshot its number. No two snapshots of this process have the same.
        link_prefix: what older publishing tools put before the path in a link file (the bucket's prefix,
            ending in `/`).
        note_closed: called when a folder was read that its control files close, because they are malformed, too many
            or unreadable.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        site: SitePolicy,
        default_public: bool,
        default_licences: DefaultLicences,
        versions: Iterator[int],
        link_prefix: str = "",
        note_closed: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._site = site
        self._default_public = default_public
        self._default_licences = default_licences
        self._link_prefix = link_prefix
        self._note_closed = note_closed
        self._versions = versions
        self._reserved_names = ReservedNames()
        self._linked_rules = LinkedRules(self._unread)
        self.first_pages = FirstPages()

    async def load(self, path: ArtifactPath) -> Snapshot:
        """List a folder and read its control files.

        Raises:
            NotFound: no such folder.
            Moved: the store reports that the path leads through a link.
            StoreError: no answer, or a control file that is there cannot be read.
        """
        return await self._store.from_one(lambda store: self._load(store, path))

    async def load_with(self, file: ArtifactPath) -> tuple[FileInfo, Snapshot]:
        """Read a file's info and then its folder, from the same store. Raises as `load`."""

        async def look(store: ObjectStore) -> tuple[FileInfo, Snapshot]:
            info = await store.head(file)
            return info, await self._load(store, file.parent)

        return await self._store.from_one(look)

    async def _load(self, store: ObjectStore, path: ArtifactPath) -> Snapshot:
        started = perf_counter()
        try:
            listing = await self._listing(store, path)
        except ListingUnavailable:
            return self._unlisted(path)
        entries, names = await self._in_order(listing)
        rules_and_link = await self.read_rules_and_link(store, path, names)
        if listing.links:
            elsewhere = partial(self._elsewhere, store)
            rules_and_link = await self._linked_rules.add(rules_and_link, listing.links, elsewhere)
        _log.debug(
            "folder_read",
            folder=path.url,
            entries=len(entries),
            control_files=len(names.files),
            seconds=perf_counter() - started,
        )
        if listing.origin.startswith(REPLICA):
            _log.warning("folder_from_replica", folder=path.url, store=listing.origin)
        snapshot = Snapshot(
            path,
            entries,
            rules_and_link.rules,
            rules_and_link.link,
            fingerprint=rules_and_link.fingerprint,
            version=next(self._versions),
            origin=listing.origin,
        )
        self._reserved_names.note(snapshot)
        return snapshot

    async def _in_order(self, listing: Listing) -> tuple[EntryTable, ControlNames]:
        found = listing.entries
        entries = await run_aside(partial(_in_listing_order, found), entries=len(found))
        return entries, ControlNames(tuple(governing_files(entries)), listing.skipped, look_alikes(entries))

    def _unlisted(self, path: ArtifactPath) -> Snapshot:
        rules = rules_of_unlisted(path, site=self._site)
        return Snapshot(path, EntryTable.of(()), rules, None, b"", next(self._versions), is_listed=False)

    async def _elsewhere(self, store: ObjectStore, path: ArtifactPath) -> FolderRulesAndLink:
        """The rules of a folder that a link of another folder leads to. If they are not known, they open nothing."""
        try:
            _, names = await self._in_order(await store.list_folder(path))
            return await self.read_rules_and_link(store, path, names)
        except (NotFound, Moved, StoreError) as error:
            return self._unread(path, str(error))

    def _unread(self, path: ArtifactPath, reason: str = "the rules were not read") -> FolderRulesAndLink:
        fault = MalformedRules(display_name(path.text) or "/", 1, reason)
        return self._closed(path, fault, fingerprint=b"unreadable")

    def _closed(self, path: ArtifactPath, fault: MalformedRules, fingerprint: bytes) -> FolderRulesAndLink:
        rules = closed_rules(path, fault, site=self._site, default_public=self._default_public)
        return FolderRulesAndLink(rules, None, fingerprint)

    async def adopt(
        self, path: ArtifactPath, entries: EntryTable, origin: str, known: Snapshot | None
    ) -> Snapshot | None:
        """A snapshot of a folder that was listed elsewhere, from a storage without links.

        Args:
            entries: in listing order.
            origin: the store that they are from.
            known: the folder as it was read before. Its rules stay, if they were made from the same files.

        Returns:
            None if the rules would have to be read, and might come from another store than the entries.

        Raises:
            RulesUnreadable, StoreError: the control files cannot be read.
        """
        version = next(self._versions)
        if known is not None and known.origin == origin and is_made_from(known, governing_files(entries)):
            return known._replace(entries=entries, version=version)
        if not self._store.is_one:
            return None
        names = ControlNames(tuple(governing_files(entries)), (), look_alikes(entries))
        rules, link, fingerprint = await self.read_rules_and_link(self._store, path, names)
        snapshot = Snapshot(path, entries, rules, link, fingerprint, version, origin)
        self._reserved_names.note(snapshot)
        return snapshot

    async def _listing(self, store: ObjectStore, path: ArtifactPath) -> Listing:
        """List a folder. Its first entries are published to the tasks that wait for them, as long as it lasts."""
        if not store.has_first_pages:
            return await store.list_folder(path)
        watch = FirstPageWatch(self.first_pages, path, partial(self._read_first_page, store, path))
        try:
            return await store.list_folder(path, watch)
        finally:
            await watch.aclose()

    async def _read_first_page(
        self, store: ObjectStore, path: ArtifactPath, first_page: FirstPage
    ) -> Snapshot | None:
        """The first part of a folder with the rules of the whole; None if those cannot be known yet.

        Control files that may come later in the listing are read by name. Files for which such a name
        is not certain are left out.
        """
        names = tuple(governing_files(first_page.entries))
        wanted = {*control_files_to_read((*names, *first_page.skipped)), *unseen_control_names(first_page)}
        known = await read_those_there(store, path, sorted(wanted), names)
        if LINK_FILE in names or LINK_FILE in known:
            return None
        names = (*names, *(name for name in known if name not in names))
        seen = ControlNames(names, first_page.skipped, look_alikes(first_page.entries))
        rules_and_link = await self.read_rules_and_link(store, path, seen, known)
        certain = certain_entries(first_page, names, default_public=self._default_public)
        entries = EntryTable.of(certain).in_listing_order()
        return Snapshot(
            path, entries, rules_and_link.rules, None, rules_and_link.fingerprint, next(self._versions)
        )

    async def read_rules_and_link(
        self,
        store: ObjectStore,
        path: ArtifactPath,
        names: ControlNames,
        known: Mapping[str, ControlFile] = MappingProxyType({}),
    ) -> FolderRulesAndLink:
        """What governs a folder; closed rules where there are more control files than there may be.

        Args as `read_control_files`.

        Raises:
            RulesUnreadable, StoreError: as `read_control_files`.
        """
        if not (names.files or names.skipped or names.folders or known):
            return self._govern(path, (), NO_CONTROL_FILES)  # as most folders
        try:
            controls = await read_control_files(store, path, names, known)
        except RulesUnreadable:
            self._note_closed()
            raise
        except MalformedRules as error:
            self._note_closed()
            return self._closed(path, error, fingerprint=b"too-large")
        size = sum(len(control.content or b"") for control in controls.rules)
        governed = await run_aside(partial(self._govern, path, names.files, controls), size=size)
        if (fault := governed.rules.fault) is not None:
            _log.error(
                "control_file_malformed", folder=path.url, source=str(fault.source), reason=fault.reason
            )
            self._note_closed()
        return governed

    def _govern(
        self, path: ArtifactPath, names: Collection[str], controls: ControlFiles
    ) -> FolderRulesAndLink:
        rules = compose(
            path,
            names,
            controls.rules,
            site=self._site,
            default_public=self._default_public,
            default_licences=self._default_licences,
        )
        link = self._parse_link(controls.link, path) if controls.link else None
        return FolderRulesAndLink(rules, link, _fingerprint(controls))

    def _parse_link(self, control: ControlFile, folder: ArtifactPath) -> ArtifactPath | None:
        """The folder a link file names; None for one that leads nowhere, out of the tree, or to itself."""
        try:
            text = (control.content or b"").decode("utf-8").strip().removeprefix("/")
            target = ArtifactPath.from_text("/" + text.removeprefix(self._link_prefix)).as_folder
        except (UnicodeDecodeError, RequestError):
            target = folder
        if not target.segments or target.segments[: len(folder.segments)] == folder.segments:
            _log.warning("link_without_target", folder=folder.url)
            return None
        return target


def _in_listing_order(entries: Sequence[Entry]) -> EntryTable:
    if len(entries) < MANY_ENTRIES:
        return EntryTable.of(in_listing_order(entries))
    return EntryTable.of(entries).in_listing_order()


def _fingerprint(controls: ControlFiles) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for control in (*controls.rules, controls.link):
        if control is not None:
            size = None if control.content is None else len(control.content)
            digest.update(f"{control.name!r} {size} ".encode("ascii", "backslashreplace"))
            digest.update(control.content or b"")
    return digest.digest()
