"""What the audit log tells: one class for each event, whose attributes are the fields of its line.

No field is a secret: tokens, sessions and links are named by their ids, which open nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final


@dataclass(frozen=True)
class AuditEvent:
    """An event for the audit log.

    Attributes:
        event: what the line calls it.
    """

    event: ClassVar[str]


@dataclass(frozen=True)
class LoggedIn(AuditEvent):
    """A new session begins. A refresh of groups is not a login.

    Attributes:
        id: of the session.
        method: oidc, ldap or demo.
    """

    event: ClassVar[str] = "login"
    id: str
    method: str


@dataclass(frozen=True)
class LoginRejected(AuditEvent):
    """Somebody could not log in.

    Attributes:
        code: why, as in the answer.
    """

    event: ClassVar[str] = "login_failed"
    code: str


@dataclass(frozen=True)
class LoggedOut(AuditEvent):
    """Somebody has logged out.

    Attributes:
        id: of the session.
    """

    event: ClassVar[str] = "logout"
    id: str


@dataclass(frozen=True)
class AccessRefused(AuditEvent):
    """Somebody with credentials was answered 401 or 403.

    Attributes:
        id: of the token or session; empty where the credentials are invalid.
        path: the requested path, percent-encoded, without query.
        status: of the answer.
        code: why, as in the answer.
    """

    event: ClassVar[str] = "refused"
    id: str
    path: str
    status: int
    code: str


@dataclass(frozen=True)
class LicenceAccepted(AuditEvent):
    """Somebody has accepted a licence.

    Attributes:
        path: of the file behind it, percent-encoded.
        digest: MD5 of its text. Scripts name it by this.
        sha256: of its text.
        means: `form`, or `header` for each download of a script that names it.
    """

    event: ClassVar[str] = "licence_accepted"
    path: str
    digest: str
    sha256: str
    means: str


@dataclass(frozen=True)
class TokenMinted(AuditEvent):
    """Somebody has made a token for themselves.

    Attributes:
        id: of the token.
        groups: that it has.
        expires: seconds since the epoch, UTC.
    """

    event: ClassVar[str] = "token_minted"
    id: str
    groups: tuple[str, ...]
    expires: int


@dataclass(frozen=True)
class LinkMade(AuditEvent):
    """A member has made a link.

    Attributes:
        id: of the link.
        path: that it opens, percent-encoded.
        expires: seconds since the epoch, UTC.
    """

    event: ClassVar[str] = "link_made"
    id: str
    path: str
    expires: int


@dataclass(frozen=True)
class LinkUsed(AuditEvent):
    """A file was requested by a link.

    Attributes:
        id: of the link.
        path: that it opens, percent-encoded.
        method: of the request.
    """

    event: ClassVar[str] = "link_used"
    id: str
    path: str
    method: str


@dataclass(frozen=True)
class RevokedUsed(AuditEvent):
    """A token, session or link was used after it was revoked.

    Attributes:
        kind: token, session or link.
        id: its id.
        path: the requested path, percent-encoded, without query.
    """

    event: ClassVar[str] = "revoked_used"
    kind: str
    id: str
    path: str


@dataclass(frozen=True)
class TokenCreated(AuditEvent):
    """An operator has created a token by a command.

    Attributes:
        id: of the token.
        groups: that it has.
        expires: seconds since the epoch, UTC.
        scopes: what it may do beside reading.
        operator: the account on the host.
    """

    event: ClassVar[str] = "token_created"
    id: str
    groups: tuple[str, ...]
    expires: int
    scopes: tuple[str, ...]
    operator: str


@dataclass(frozen=True)
class LinkCreated(AuditEvent):
    """An operator has created a link by a command.

    Attributes:
        id: of the link.
        path: that it opens, percent-encoded.
        expires: seconds since the epoch, UTC.
        operator: the account on the host.
    """

    event: ClassVar[str] = "link_created"
    id: str
    path: str
    expires: int
    operator: str


@dataclass(frozen=True)
class Revoked(AuditEvent):
    """An operator has revoked a token, session or link by a command.

    Attributes:
        id: of it.
        note: the reason; empty where none was given.
        operator: the account on the host.
    """

    event: ClassVar[str] = "revoked"
    id: str
    note: str
    operator: str


EVENTS: Final[tuple[type[AuditEvent], ...]] = (
    LoggedIn,
    LoginRejected,
    LoggedOut,
    AccessRefused,
    LicenceAccepted,
    TokenMinted,
    LinkMade,
    LinkUsed,
    RevokedUsed,
    TokenCreated,
    LinkCreated,
    Revoked,
)
"""All of them. A test compares `docs/operations.md` with it."""
