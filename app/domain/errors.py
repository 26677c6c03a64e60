"""Everything that can go wrong, in one tree. `routes/errors.py` alone knows which status each one becomes.

PierheadError
├── RequestError                the request itself cannot be answered
│   ├── ImpossiblePath          no tree can hold this path
│   ├── PathTooLong
│   ├── PathAboveRoot
│   └── BadParameter            a query parameter, header or form field is malformed
├── NotFound                    nothing there, or hidden: both look the same everywhere
├── AmbiguousPattern            a wildcard that matches several files
├── Moved                       the path is a link; ask for its target
├── AuthenticationFailed        credentials were sent and are invalid
├── RevocationsUnknown          the list of revoked tokens cannot be read
├── TooManyRequests             the client has asked too often
├── SessionDue                  logged in, but the groups have to be asked for again
├── LoginFailed                 a login failed
├── LoginUnavailable            the identity provider or directory does not answer
├── AccessDenied                the decision was not Allow
│   ├── LoginRequired
│   ├── LicenceRequired
│   ├── LicenceDeclined
│   ├── FormRefused
│   ├── GroupRequired
│   ├── PermissionRequired      the token may read, but not do this
│   └── Refused                 no rule opens the path, whoever asks
├── MalformedRules              a control file or site policy that cannot be parsed
└── StoreError                  the storage did not answer as it should
    ├── StoreUnavailable        refused, timed out, throttled or broken: worth a retry later
    │   └── RulesUnreadable     a control file that is there, but that the store does not give
    ├── StoreDenied             our own credentials do not suffice: an operator must act
    └── ObjectChanged           the object is no longer the one that was asked for
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.domain.access import Licence
    from app.domain.paths import ArtifactPath


class PierheadError(Exception):
    """Root of the tree. Its text may be shown to the client: it names no secret and no host path."""


class RequestError(PierheadError):
    """The request cannot be answered as it stands."""


class ImpossiblePath(RequestError):
    """No tree can hold this path."""


class PathTooLong(RequestError):
    """The path is longer than any tree's.

    Args:
        limit: the most bytes a path may have.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"a path has at most {limit} bytes")


class PathAboveRoot(RequestError):
    """The dot segments of a path lead out of the site."""

    def __init__(self) -> None:
        super().__init__("the path leads above the root of the site")


class BadParameter(RequestError):
    """A query parameter, header or form field is malformed.

    Args:
        name: what was wrong.
        allowed: what is allowed, to complete "must be ...".
    """

    def __init__(self, name: str, allowed: str) -> None:
        super().__init__(f"{name} must be {allowed}")
        self.name = name


class NotFound(PierheadError):
    """Nothing is there, or this principal may not know of it."""

    def __init__(self) -> None:
        super().__init__("nothing is published at this path")


class AmbiguousPattern(PierheadError):
    """A wildcard matched several files.

    Args:
        names: the names that matched, in listing order.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(f"several files match this pattern: {', '.join(names)}")
        self.names = names


class Moved(PierheadError):
    """The path is a link.

    Args:
        target: the real path, with its own rules.
    """

    def __init__(self, target: ArtifactPath) -> None:
        super().__init__(f"this is a link to {target.url}")
        self.target = target


class AuthenticationFailed(PierheadError):
    """Credentials were sent and are invalid (RFC 6750 section 3.1, `invalid_token`).

    Args:
        code: machine-readable reason, such as `token-expired`.
        reason: the same for people.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class RevocationsUnknown(PierheadError):
    """The list of revoked tokens cannot be read, so no token counts: worth a retry later."""

    def __init__(self) -> None:
        super().__init__("tokens and logins cannot be checked at the moment")


class SessionDue(PierheadError):
    """The user is logged in, but the groups must be refreshed before they count."""

    def __init__(self) -> None:
        super().__init__("this session must be renewed: open the page in the browser again, or send a token")


class TooManyRequests(PierheadError):
    """A client or user does something more often than it may.

    Args:
        seconds: after which it may be tried again.
    """

    def __init__(self, seconds: int) -> None:
        super().__init__(f"this was requested too often; try again in {seconds} seconds")
        self.seconds = seconds


class LoginFailed(PierheadError):
    """A login failed.

    Args:
        code: machine-readable reason, such as `nonce`; a key of `LOGIN_FAILURES`.
    """

    def __init__(self, code: str) -> None:
        super().__init__(LOGIN_FAILURES[code])
        self.code = code


class LoginUnavailable(PierheadError):
    """The identity provider or directory does not answer as it should: worth a retry later."""

    def __init__(self) -> None:
        super().__init__("the service that knows the users does not answer at the moment")


LOGIN_FAILURES = {
    "password": "the user name or the password is wrong",
    "attempt": "this login was not started in this browser, or too long ago; log in again",
    "issuer": "this answer comes from another login service; log in again",
    "denied": "the login service says that you did not log in or may not use this site",
    "refused": "the login service rejected this site's request; the operator of this site finds the reason in the log",
    "token": "the login service sent an invalid token; the operator of this site finds the reason in the log",
    "nonce": "the login service sent a token for another login; log in again",
    "no-user": "the login service does not say who you are; the operator of this site can name the claim in the "
    "setting OIDC_USER_CLAIM",
    "groups-form": "the login service does not name your groups as text; the operator of this site can name another "
    "claim in the setting OIDC_GROUPS_CLAIM",
    "groups-left-out": "you are in more groups than the login service puts into a token; its operator can have it name "
    "only those that are assigned to this site",
    "too-many-groups": "you are in more groups than fit into a session; the operator of this site can choose the groups "
    "that count in the setting LOGIN_GROUPS",
}
"""What went wrong at a login, for people: what happened, and who can do what about it."""


class AccessDenied(PierheadError):
    """The decision for this path and principal was not Allow."""


class LoginRequired(AccessDenied):
    """Anonymous, where membership of a group is needed."""

    def __init__(self) -> None:
        super().__init__("this path is for members")


class LicenceRequired(AccessDenied):
    """One or more licences must be accepted first.

    Args:
        licences: those not yet accepted, in the order in which to show them.
    """

    def __init__(self, licences: tuple[Licence, ...]) -> None:
        super().__init__("a licence must be accepted before this file can be downloaded")
        self.licences = licences


class LicenceDeclined(AccessDenied):
    """The licence was shown and not accepted.

    Args:
        path: of the file that is behind it.
    """

    def __init__(self, path: ArtifactPath) -> None:
        super().__init__("you cannot download the file without accepting its licence")
        self.path = path


class FormRefused(AccessDenied):
    """A form that was not provably sent from one of our own pages."""

    def __init__(self) -> None:
        super().__init__("the form is not from this site or is too old; open the file again")


class GroupRequired(AccessDenied):
    """Known, but not a member.

    Args:
        groups: names of the groups of which one is needed.
    """

    def __init__(self, groups: tuple[str, ...]) -> None:
        if len(groups) == 1:
            text = f"you need to be a member of the group {groups[0]}"
        else:
            text = f"you need to be a member of one of the groups {', '.join(groups[:-1])} or {groups[-1]}"
        super().__init__(text)
        self.groups = groups


class PermissionRequired(AccessDenied):
    """Known, but without the permission for this.

    Args:
        permission: the word that the token's scope must have.
    """

    def __init__(self, permission: str) -> None:
        super().__init__(f"this needs a token with the scope {permission}")
        self.permission = permission


class Refused(AccessDenied):
    """No rule opens this path to anybody (not covered by its folder's rules, or those are malformed).

    Args:
        reason: which of these it is, for people.
    """


class MalformedRules(PierheadError):
    """A rules file that cannot be parsed. It never opens anything.

    Args:
        source: the file's name.
        line: 1-based line number of the first fault.
        reason: what was wrong and what is allowed.
    """

    def __init__(self, source: str, line: int, reason: str) -> None:
        super().__init__(f"{source}, line {line}: {reason}")
        self.source = source
        self.line = line
        self.reason = reason


class StoreError(PierheadError):
    """The storage did not answer as it should.

    Attributes:
        explanation: why, and what to do, for operators alone; empty where the store does not know.
    """

    explanation = ""


class StoreUnavailable(StoreError):
    """Refused, timed out, throttled or broken: the same request may succeed later.

    Args:
        reason: short, stable words such as `timeout` or `throttled`, used as a metric label too.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the storage does not answer at the moment ({reason})")
        self.reason = reason


class RulesUnreadable(StoreUnavailable):
    """A folder has a control file that cannot be read. Another store's rules never stand in for it."""

    def __init__(self) -> None:
        super().__init__("rules-unreadable")


class StoreDenied(StoreError):
    """The storage refuses the server's own credentials; a retry does not help."""

    def __init__(self) -> None:
        super().__init__("the storage rejects this server's credentials")


class ObjectChanged(StoreError):
    """The object was replaced or removed between two requests for it."""

    def __init__(self) -> None:
        super().__init__("the file was replaced while it was being read")
