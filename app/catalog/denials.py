"""From a decision to the error that says it."""

from __future__ import annotations

from app.domain.access import Allow, Decision, Forbidden, Hidden, NeedsLicence, NeedsLogin
from app.domain.errors import GroupRequired, LicenceRequired, LoginRequired, NotFound, Refused


def raise_denial(decision: Decision) -> None:
    """Raise what a decision denies; return where it denies nothing.

    Raises:
        LoginRequired, LicenceRequired, GroupRequired, Refused, NotFound: by the decision.
    """
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


def deny_if_existence_is_secret(decision: Decision) -> None:
    """Raise a denial by which the asker may not even learn if the file exists; return for any other decision.

    Raises:
        LoginRequired, GroupRequired, NotFound: by the decision.
    """
    match decision:
        case NeedsLogin() | Hidden():
            raise_denial(decision)
        case Forbidden(groups) if groups:
            raise_denial(decision)
