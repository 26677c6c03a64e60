"""Who asks, and what the answer is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final, NamedTuple, overload

from app.domain.entries import Entry, File, LockedFile
from app.domain.paths import ArtifactPath

_NO_NAMES: Final = frozenset({"licence", "license", "eula", "default"})


def licence_phrase(name: str) -> str:
    """How a sentence names a licence: "the licence samsung", and not "the licence licence".

    Args:
        name: what listings call it.
    """
    folded = name.casefold()
    if folded in _NO_NAMES:
        return "the licence"
    return name if "licen" in folded or "eula" in folded else f"the licence {name}"


@dataclass(frozen=True)
class Licence:
    """A text that must be accepted before a file is handed out.

    Attributes:
        text: exactly the text that the digests are taken over (UTF-8).
        name: what listings call it: a theme or the name the site policy gives.
    """

    text: str
    name: str = "licence"

    @property
    def digest(self) -> str:
        """Lower-case hex MD5 of the text: the name clients store for it. It names, it does not secure."""
        return self._digests[0]

    @property
    def sha256(self) -> str:
        """Lower-case hex SHA-256 of the text, accepted wherever `digest` is."""
        return self._digests[1]

    @property
    def is_unnamed(self) -> bool:
        """Whether the name only says that it is a licence."""
        return self.name.casefold() in _NO_NAMES

    def is_accepted(self, digests: frozenset[str]) -> bool:
        """Whether one of this licence's digests is among those accepted."""
        return not digests.isdisjoint(self._digests)

    @cached_property
    def _digests(self) -> tuple[str, str]:
        # Both at once: what composes a folder's rules asks for one, in a thread where the text is long.
        content = self.text.encode("utf-8", "surrogateescape")
        return hashlib.md5(content, usedforsecurity=False).hexdigest(), hashlib.sha256(content).hexdigest()


class Visibility(StrEnum):
    """What a stranger learns of a private path."""

    UNLISTED = "unlisted"
    """Left out of listings; asking for it by name says that a login is needed."""
    LISTED = "listed"
    """Shown in listings with a lock."""
    HIDDEN = "hidden"
    """Left out of listings; asking for it by name is a 404 like any other."""


class Access(StrEnum):
    """The tier a path belongs to, as listings show it."""

    PUBLIC = "public"
    EULA = "eula"
    PRIVATE = "private"
    CLOSED = "closed"
    """Nobody may have it: its folder's rules do not cover it, or cannot be understood."""


class Source(NamedTuple):
    """Where a rule stands.

    Attributes:
        name: file name, as the operator knows it (`releases/BUILD-INFO.txt`, `policy.toml`, `DEFAULT_TIER`).
        line: 1-based line number, or None where the whole file (or a setting) is meant.
    """

    name: str
    line: int | None = None

    def __str__(self) -> str:
        return self.name if self.line is None else f"{self.name}, line {self.line}"


class Permission(StrEnum):
    """What a token may do beside reading what its groups may read."""

    REFRESH = "refresh"
    """Have a folder read again, by `Cache-Control: no-cache`."""
    INVALIDATE = "invalidate"
    """Tell the server what has changed in the storage."""


@dataclass(frozen=True)
class PathScope:
    """The part of the tree a token is limited to.

    Attributes:
        globs: path globs, matched as site policy globs are; empty means the whole tree.
    """

    globs: tuple[str, ...] = ()


class FileLink(NamedTuple):
    """A link that stands for membership of the groups that one file needs.

    Attributes:
        path: of the file.
        until: seconds since the epoch, UTC.
    """

    path: ArtifactPath
    until: float


@dataclass(frozen=True)
class Principal:
    """Who asks.

    Attributes:
        subject: user or robot name; None for anonymous.
        groups: names of the groups it is a member of.
        scope: where those memberships count.
        accepted: digests of the licences it has accepted.
        trusted: whether it asks from a trusted network.
        permissions: what it may do beside reading.
        sent_authorization: whether the request carried an Authorization header (such a request is never
            redirected to another host).
        link: what opens one file to it beside its groups; None for none.
    """

    subject: str | None = None
    groups: frozenset[str] = frozenset()
    scope: PathScope = field(default_factory=PathScope)
    accepted: frozenset[str] = frozenset()
    trusted: bool = False
    permissions: frozenset[Permission] = frozenset()
    sent_authorization: bool = False
    link: FileLink | None = None

    @property
    def is_anonymous(self) -> bool:
        return self.subject is None


ANONYMOUS = Principal()


@dataclass(frozen=True)
class Allow:
    """Go ahead."""


@dataclass(frozen=True)
class NeedsLogin:
    """Anonymous, and membership of a group is needed."""


@dataclass(frozen=True)
class NeedsLicence:
    """These licences, in this order, must be accepted first.

    Attributes:
        licences: at least one, none of them accepted yet.
    """

    licences: tuple[Licence, ...]


@dataclass(frozen=True)
class Forbidden:
    """Known and not let in; or nobody is let in.

    Attributes:
        groups: any one of these would help, sorted; empty when nothing would (not covered, malformed).
        reason: for people.
    """

    groups: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Hidden:
    """To be answered with the same bytes as a path that does not exist."""


Decision = Allow | NeedsLogin | NeedsLicence | Forbidden | Hidden


class VisibleEntry(NamedTuple):
    """An entry that one principal may see in a listing.

    Attributes:
        path: its full path.
        entry: the file or folder; without its size, time and validator if it is locked.
        access: its tier.
        licences: the licences that stand before it, accepted or not; empty unless EULA-protected.
        locked: whether it is shown only to say that it exists (private, `listed`, asker not a member).
        is_open: whether the decision for this principal is Allow: they can have it now and without more ado. Of a
            folder in a walk: whether the walk has entered it.
    """

    path: ArtifactPath
    entry: Entry | LockedFile
    access: Access
    licences: tuple[Licence, ...] = ()
    locked: bool = False
    is_open: bool = True


class VisibleFiles(Sequence[VisibleEntry]):
    """Files of one folder that were judged alike, so that they need not be told one by one.

    Attributes:
        folder: that they are in.
        files: themselves.
        access, licences, is_open: of each, as in `VisibleEntry`. None is locked.
    """

    __slots__ = ("access", "files", "folder", "is_open", "licences")

    def __init__(
        self,
        folder: ArtifactPath,
        files: Sequence[File],
        access: Access,
        licences: tuple[Licence, ...],
        *,
        is_open: bool,
    ) -> None:
        self.folder = folder
        self.files = files
        self.access = access
        self.licences = licences
        self.is_open = is_open

    def __len__(self) -> int:
        return len(self.files)

    @overload
    def __getitem__(self, index: int) -> VisibleEntry: ...
    @overload
    def __getitem__(self, index: slice) -> VisibleFiles: ...
    def __getitem__(self, index: int | slice) -> VisibleEntry | VisibleFiles:
        if isinstance(index, slice):
            return VisibleFiles(
                self.folder, self.files[index], self.access, self.licences, is_open=self.is_open
            )
        return self._entry(self.files[index])

    def __iter__(self) -> Iterator[VisibleEntry]:
        return map(self._entry, self.files)

    def _entry(self, file: File) -> VisibleEntry:
        path = self.folder.child(file.name)
        return VisibleEntry(path, file, self.access, self.licences, is_open=self.is_open)
