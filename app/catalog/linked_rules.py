"""The rules of what the links of a folder lead to: only those who may know of that see the links."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import structlog

from app.cache.memory_size import size_with_parts
from app.domain.entries import Link
from app.domain.paths import ArtifactPath
from app.policy.rules import Hop, Rules

FOLDERS_AT_ONCE: Final = 8
"""Most folders whose rules are read at the same time for the links of one folder."""
MAX_FOLDERS: Final = 256
"""Most folders whose rules are read for the links of one folder."""
MAX_BYTES: Final = 8 * 1024 * 1024
"""Most bytes that those rules may take. They are kept in memory with the folder."""

_log = structlog.get_logger(__name__)


class FolderRulesAndLink(NamedTuple):
    """What the control files of a folder come to.

    Attributes:
        rules: what governs it.
        link: the folder that this one stands for, or None.
        fingerprint: digest of the control files.
    """

    rules: Rules
    link: ArtifactPath | None
    fingerprint: bytes


Read = Callable[[ArtifactPath], Awaitable[FolderRulesAndLink]]


class LinkedRules:
    """Adds them to the rules of folders.

    Args:
        closed: what governs a folder whose rules are not read: it opens nothing.
    """

    def __init__(self, closed: Callable[[ArtifactPath], FolderRulesAndLink]) -> None:
        self._closed = closed
        self._logged: set[ArtifactPath] = set()

    async def add(self, own: FolderRulesAndLink, links: Sequence[Link], read: Read) -> FolderRulesAndLink:
        """The rules of a folder, and the rules that decide who may know the targets of its links.

        Those rules are read together with the folder, and so are never older than its own. There is a budget for
        them, for the links in order of their names. A link that leads beyond it is listed for nobody but those to whom
        closed rules are open.

        Args:
            own: what the folder's own control files come to.
            links: among its entries.
            read: gives what governs another folder.
        """
        links = sorted(links)
        wanted = dict.fromkeys(path for link in links for path in _governing(link, own.rules))
        found = await _read_within_budget(wanted, read)
        self._note(own.rules.folder, len(wanted) - len(found))
        known = {own.rules.folder: own, **{path: found.get(path) or self._closed(path) for path in wanted}}
        hops = {link.name: tuple(_hop(path, known) for path in link.hops) for link in links}
        return own._replace(
            rules=replace(own.rules, links=hops), fingerprint=_fingerprint(own.fingerprint, links, known)
        )

    def _note(self, folder: ArtifactPath, beyond: int) -> None:
        """Log a folder whose links lead to more than is read; once, until they do no longer."""
        if beyond and folder not in self._logged:
            limit = f"at most {MAX_FOLDERS} folders and {MAX_BYTES} bytes of rules"
            effect = "links that lead there are left out of the listing"
            _log.warning("links_beyond_budget", folder=folder.url, beyond=beyond, limit=limit, effect=effect)
            self._logged.add(folder)
        elif not beyond:
            self._logged.discard(folder)


def _governing(link: Link, own: Rules) -> Iterator[ArtifactPath]:
    """The folders whose rules say who may know of a link's hops, beside the folder of the link."""
    for hop in link.hops:
        if hop.parent == own.folder:
            continue  # that a sub-folder is there is for the folder itself to show
        yield hop.parent
        if hop.is_folder and hop != own.folder:
            yield hop


def _hop(path: ArtifactPath, known: Mapping[ArtifactPath, FolderRulesAndLink]) -> Hop:
    own = known.get(path) if path.is_folder else None
    return Hop(path, known[path.parent].rules, own.rules if own else None)


async def _read_within_budget(
    paths: Collection[ArtifactPath], read: Read
) -> dict[ArtifactPath, FolderRulesAndLink]:
    """What governs the first of some folders, as many as the budget has room for."""
    found: dict[ArtifactPath, FolderRulesAndLink] = {}
    taken: dict[ArtifactPath, int] = {}
    waiting = deque(list(paths)[:MAX_FOLDERS])
    in_order = list(waiting)

    async def read_on() -> None:
        while waiting and sum(taken.values()) <= MAX_BYTES:
            path = waiting.popleft()
            found[path] = await read(path)
            taken[path] = size_with_parts(found[path].rules.control)

    await asyncio.gather(*(read_on() for _ in range(min(FOLDERS_AT_ONCE, len(waiting)))))
    # Which was read first is chance; which are kept is not.
    total = 0
    for place, path in enumerate(in_order):
        total += taken.get(path, 0)
        if path not in found or total > MAX_BYTES:
            return {path: found[path] for path in in_order[:place]}
    return found


def _fingerprint(
    own: bytes, links: Sequence[Link], known: Mapping[ArtifactPath, FolderRulesAndLink]
) -> bytes:
    digest = hashlib.blake2b(own, digest_size=16)
    for link in links:
        digest.update(repr(link).encode("utf-8", "backslashreplace"))
    for path, rules in sorted(known.items(), key=lambda item: item[0].text):
        digest.update(repr(path.text).encode("utf-8", "backslashreplace") + rules.fingerprint)
    return digest.digest()
