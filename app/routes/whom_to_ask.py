"""Whom people ask about an error, and what they do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from app.domain.errors import (
    AuditUnavailable,
    GroupRequired,
    IssuerUnavailable,
    LicenceDeclined,
    LicenceRequired,
    LoginUnavailable,
    ObjectArchived,
    ObjectChanged,
    ObjectEncrypted,
    PermissionRequired,
    PierheadError,
    Refused,
    RevocationsUnknown,
    RulesUnreadable,
    StoreDenied,
    StoreUnavailable,
)


class Help(NamedTuple):
    """What there is to do about an error.

    Attributes:
        ask: what to write to the contact of the site, as a button says it.
        passes: whether it may be over in a moment, so that trying again is the next step.
    """

    ask: str
    passes: bool = False


RETRY_AFTER_SECONDS: Final = 5
"""After which what passes may be over."""
_REPORT: Final = "Tell the operator"
_PASSING: Final = Help(_REPORT, passes=True)

HELP: Final[Mapping[type[PierheadError], Help]] = {
    LicenceRequired: Help("Ask about the licence"),
    LicenceDeclined: Help("Ask about the licence"),
    GroupRequired: Help("Ask for access"),
    PermissionRequired: Help("Ask for access"),
    Refused: Help("Ask for access"),
    ObjectArchived: Help("Ask for the file"),
    ObjectEncrypted: Help("Ask for the file"),
    StoreDenied: Help(_REPORT),
    StoreUnavailable: _PASSING,
    RulesUnreadable: _PASSING,
    ObjectChanged: _PASSING,
    LoginUnavailable: _PASSING,
    IssuerUnavailable: _PASSING,
    RevocationsUnknown: _PASSING,
    AuditUnavailable: _PASSING,
}
"""By the type of the error. Nobody need be asked about any other: the answer says all that there is to do."""


def is_passing(error: PierheadError) -> bool:
    """Whether it may be over in a moment."""
    found = HELP.get(type(error))
    return found is not None and found.passes


def waiting_advice(error: PierheadError) -> str:
    """Ends the sentence that says what happened: to wait, if that is what there is to do."""
    return f"; try again in {RETRY_AFTER_SECONDS} seconds" if is_passing(error) else ""


def ways_out(error: PierheadError, here: str, contact: str) -> tuple[tuple[str, str], ...]:
    """What a page offers, as labels with URLs: to try again, and to ask somebody.

    Args:
        here: URL path of what was requested; empty where that cannot be requested again by a link.
        contact: URL of whom to ask; empty if there is nobody.
    """
    found = HELP.get(type(error))
    if found is None:
        return ()
    again = (("Try again", here),) if found.passes and here else ()
    return (*again, (found.ask, contact)) if contact else again
