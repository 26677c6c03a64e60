"""Everything that can go wrong, in one tree. Import every error from here.

`routes/statuses.py` alone knows which status each one becomes.

PierheadError
├── RequestError                the request itself cannot be answered
│   ├── ImpossiblePath          no tree can hold this path
│   ├── PathTooLong
│   ├── PathAboveRoot
│   └── BadParameter            a query parameter, header or form field is malformed
├── TooManyRequests             the client sends too many requests
│   └── TooManyLogins           a client or user tries to log in too often
├── NotFound                    nothing there, or hidden: both look the same everywhere
├── AmbiguousPattern            a wildcard that matches several files
├── Moved                       the path is a link; ask for its target
├── MalformedRules              a control file or site policy that cannot be parsed
├── AuthenticationFailed        credentials were sent and are invalid
│   └── RevokedToken            the token was revoked
├── AuditUnavailable            what is requested cannot be recorded, so it is not done
├── RevocationsUnknown          the list of revoked tokens cannot be read
├── SessionDue                  logged in, but the groups must be refreshed first
├── LoginFailed                 a login failed
├── LoginUnavailable            the identity provider or directory does not answer
│   └── IssuerUnavailable       the issuer of a token does not say which keys are its own
├── AccessDenied                the decision was not Allow
│   ├── LoginRequired           anonymous, where a group is needed
│   ├── LicenceRequired         a licence must be accepted first
│   ├── LicenceDeclined         the licence was shown and declined
│   ├── FormRefused             the form may come from another site
│   ├── GroupRequired           logged in, but in none of the groups
│   ├── MetricsForbidden        metrics on the public port are for trusted networks
│   ├── PermissionRequired      the token may read, but not do this
│   └── Refused                 no rule opens the path to anybody
└── StoreError                  the storage did not answer as it should
    ├── StoreUnavailable        refused, timed out, throttled or broken: worth a retry later
    │   └── RulesUnreadable     a control file exists, but the store cannot read it
    ├── StoreDenied             our own credentials do not suffice: an operator must act
    ├── ListingUnavailable      files are given by their exact paths only
    ├── ObjectArchived          it must be restored before anybody can read it
    ├── ObjectEncrypted         with a key that this server cannot use
    └── ObjectChanged           the object was replaced or removed meanwhile
"""

from __future__ import annotations

from app.domain.errors.access import (
    AccessDenied,
    FormRefused,
    GroupRequired,
    LicenceDeclined,
    LicenceRequired,
    LoginRequired,
    MetricsForbidden,
    PermissionRequired,
    Refused,
)
from app.domain.errors.base import PierheadError
from app.domain.errors.login import (
    AuditUnavailable,
    AuthenticationFailed,
    IssuerUnavailable,
    LoginFailed,
    LoginUnavailable,
    RevocationsUnknown,
    RevokedToken,
    SessionDue,
)
from app.domain.errors.request import (
    BadParameter,
    ImpossiblePath,
    PathAboveRoot,
    PathTooLong,
    RequestError,
    TooManyLogins,
    TooManyRequests,
)
from app.domain.errors.storage import (
    ListingUnavailable,
    ObjectArchived,
    ObjectChanged,
    ObjectEncrypted,
    RulesUnreadable,
    StoreDenied,
    StoreError,
    StoreUnavailable,
)
from app.domain.errors.tree import AmbiguousPattern, MalformedRules, Moved, NotFound

__all__ = [
    "AccessDenied",
    "AmbiguousPattern",
    "AuditUnavailable",
    "AuthenticationFailed",
    "BadParameter",
    "FormRefused",
    "GroupRequired",
    "ImpossiblePath",
    "IssuerUnavailable",
    "LicenceDeclined",
    "LicenceRequired",
    "ListingUnavailable",
    "LoginFailed",
    "LoginRequired",
    "LoginUnavailable",
    "MalformedRules",
    "MetricsForbidden",
    "Moved",
    "NotFound",
    "ObjectArchived",
    "ObjectChanged",
    "ObjectEncrypted",
    "PathAboveRoot",
    "PathTooLong",
    "PermissionRequired",
    "PierheadError",
    "Refused",
    "RequestError",
    "RevocationsUnknown",
    "RevokedToken",
    "RulesUnreadable",
    "SessionDue",
    "StoreDenied",
    "StoreError",
    "StoreUnavailable",
    "TooManyLogins",
    "TooManyRequests",
]
