"""The rules of what the links of a folder lead to: only those who may know of that see the links."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from app.domain.entries import Link
from app.domain.paths import ArtifactPath
from app.policy.rules import Hop, Rules

FOLDERS_AT_ONCE: Final = 8
"""Most folders whose rules are read at the same time for the links of one folder."""


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


async def with_links(own: FolderRulesAndLink, links: Sequence[Link], read: Read) -> FolderRulesAndLink:
    """The rules of a folder, and the rules that decide who may know the targets of its links.

    Those rules are read together with the folder, and so are never older than its own.

    Args:
        own: what the folder's own control files come to.
        links: among its entries.
        read: gives what governs another folder.
    """
    known = {own.rules.folder: own}
    known |= await _read_all({path for link in links for path in _governing(link, own.rules)}, read)
    hops = {link.name: tuple(_hop(path, known) for path in link.hops) for link in links}
    return own._replace(
        rules=replace(own.rules, links=hops), fingerprint=_fingerprint(own.fingerprint, links, known)
    )


def _governing(link: Link, own: Rules) -> set[ArtifactPath]:
    """The folders whose rules say who may know of a link's hops, beside the folder of the link."""
    above = {hop.parent for hop in link.hops}
    # That a sub-folder is there is for the folder itself to show.
    apart = {hop for hop in link.hops if hop.is_folder and hop.parent != own.folder}
    return (above | apart) - {own.folder}


def _hop(path: ArtifactPath, known: Mapping[ArtifactPath, FolderRulesAndLink]) -> Hop:
    own = known.get(path) if path.is_folder else None
    return Hop(path, known[path.parent].rules, own.rules if own else None)


async def _read_all(paths: set[ArtifactPath], read: Read) -> dict[ArtifactPath, FolderRulesAndLink]:
    found: dict[ArtifactPath, FolderRulesAndLink] = {}
    waiting = deque(paths)

    async def read_on() -> None:
        while waiting:
            path = waiting.popleft()
            found[path] = await read(path)

    await asyncio.gather(*(read_on() for _ in range(min(FOLDERS_AT_ONCE, len(waiting)))))
    return found


def _fingerprint(
    own: bytes, links: Sequence[Link], known: Mapping[ArtifactPath, FolderRulesAndLink]
) -> bytes:
    digest = hashlib.blake2b(own, digest_size=16)
    for link in sorted(links):
        digest.update(repr(link).encode("utf-8", "backslashreplace"))
    for path, rules in sorted(known.items(), key=lambda item: item[0].text):
        digest.update(repr(path.text).encode("utf-8", "backslashreplace") + rules.fingerprint)
    return digest.digest()
