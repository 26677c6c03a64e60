"""The only table from domain errors to HTTP statuses."""

from __future__ import annotations

from typing import Final, NamedTuple

from app.domain.errors import (
    AmbiguousPattern,
    AuditUnavailable,
    AuthenticationFailed,
    BadParameter,
    FormRefused,
    GroupRequired,
    ImpossiblePath,
    IssuerUnavailable,
    LicenceDeclined,
    LicenceRequired,
    ListingUnavailable,
    LoginFailed,
    LoginRequired,
    LoginUnavailable,
    MalformedRules,
    MetricsForbidden,
    NotFound,
    ObjectArchived,
    ObjectChanged,
    ObjectEncrypted,
    PathAboveRoot,
    PathTooLong,
    PermissionRequired,
    PierheadError,
    Refused,
    RevocationsUnknown,
    RevokedToken,
    RulesUnreadable,
    SessionDue,
    StoreDenied,
    StoreUnavailable,
    TooManyLogins,
    TooManyRequests,
)


class Status(NamedTuple):
    code: int
    slug: str
    title: str


TABLE: Final[dict[type[PierheadError], Status]] = {
    # A path that no tree can hold does not exist; the reason would not help the client.
    ImpossiblePath: Status(404, "not-found", "Not found"),
    PathAboveRoot: Status(400, "path-above-root", "Bad request"),
    NotFound: Status(404, "not-found", "Not found"),
    AmbiguousPattern: Status(404, "ambiguous-pattern", "Several files match"),
    PathTooLong: Status(414, "path-too-long", "Path too long"),
    BadParameter: Status(400, "bad-parameter", "Bad request"),
    AuthenticationFailed: Status(401, "authentication-failed", "Authentication failed"),
    RevokedToken: Status(401, "authentication-failed", "Authentication failed"),
    AuditUnavailable: Status(503, "audit-unavailable", "Audit log unavailable"),
    RevocationsUnknown: Status(503, "revocations-unknown", "Tokens cannot be checked"),
    TooManyRequests: Status(429, "too-many-requests", "Too many requests"),
    TooManyLogins: Status(429, "too-many-requests", "Too many requests"),
    SessionDue: Status(401, "session-due", "Session must be renewed"),
    LoginFailed: Status(403, "login-failed", "Login failed"),
    LoginUnavailable: Status(503, "login-unavailable", "Login unavailable"),
    IssuerUnavailable: Status(503, "issuer-unavailable", "Token cannot be checked"),
    LoginRequired: Status(401, "login-required", "Login required"),
    LicenceRequired: Status(403, "licence-required", "Licence required"),
    LicenceDeclined: Status(403, "licence-declined", "Licence not accepted"),
    FormRefused: Status(403, "form-refused", "Form refused"),
    GroupRequired: Status(403, "group-required", "Members only"),
    PermissionRequired: Status(403, "insufficient-scope", "Insufficient scope"),
    MetricsForbidden: Status(403, "metrics-forbidden", "Forbidden"),
    Refused: Status(403, "refused", "Forbidden"),
    MalformedRules: Status(403, "refused", "Forbidden"),
    StoreUnavailable: Status(503, "storage-unavailable", "Storage unavailable"),
    RulesUnreadable: Status(503, "storage-unavailable", "Storage unavailable"),
    StoreDenied: Status(502, "storage-denied", "Storage denied access"),
    ListingUnavailable: Status(403, "listing-unavailable", "Folders are not listed"),
    ObjectArchived: Status(409, "file-archived", "File is archived"),
    ObjectEncrypted: Status(403, "file-encrypted", "File is encrypted"),
    ObjectChanged: Status(503, "file-changed", "File changed"),
}
