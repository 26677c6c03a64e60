"""What a script can do about an error: in words, in members of the problem, as a command, and as links."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from app.domain.access import Licence
from app.domain.errors import (
    AmbiguousPattern,
    AuthenticationFailed,
    GroupRequired,
    LicenceRequired,
    LoginFailed,
    LoginRequired,
    ObjectArchived,
    PermissionRequired,
    PierheadError,
    SessionDue,
    StoreUnavailable,
)

_BEARER: Final = "Bearer TOKEN"
_OF_A_MEMBER: Final = "a token of a member"
_CURL: Final = "curl --fail-with-body -LO"


class NextStep(NamedTuple):
    """What to do next.

    Attributes:
        advice: ends the sentence that says what happened; empty where there is nothing to add.
        members: of the problem (RFC 9457 section 3.2).
        links: URLs by their relation (RFC 8288).
    """

    advice: str = ""
    members: Mapping[str, object] = MappingProxyType({})
    links: tuple[tuple[str, str], ...] = ()


def next_step(error: PierheadError, here: str, text_url: Callable[[Licence], str]) -> NextStep:
    """What a script can do about an error.

    Args:
        here: the requested URL.
        text_url: gives the URL of the text of a licence.
    """
    match error:
        case LicenceRequired(licences=licences):
            return _accept(licences, here, text_url)
        case LoginRequired() | SessionDue():
            return _send_token(_OF_A_MEMBER, {})
        case GroupRequired(groups=groups):
            return _send_token(_OF_A_MEMBER, {"groups": list(groups)})
        case AuthenticationFailed(code=code):
            return _send_token("a valid token", {"code": code})
        case LoginFailed(code=code):
            return NextStep(members={"code": code})
        case PermissionRequired(permission=permission):
            return NextStep(members={"scope": permission})
        case AmbiguousPattern(names=names):
            return NextStep(members={"matches": list(names)})
        case StoreUnavailable(reason=reason):
            return NextStep(members={"reason": reason})
        case ObjectArchived(storage_class=storage_class):
            return NextStep(members={"storage_class": storage_class})
        case _:
            return NextStep()


def _accept(licences: tuple[Licence, ...], here: str, text_url: Callable[[Licence], str]) -> NextStep:
    digests = " ".join(licence.digest for licence in licences)
    described = [
        {
            "name": licence.name,
            "digest": licence.digest,
            "sha256": licence.sha256,
            "text_url": text_url(licence),
        }
        for licence in licences
    ]
    return NextStep(
        f"; read it, and send 'License-Accepted: {digests}' to accept it",
        {
            "licences": described,
            "accept_with": {"License-Accepted": digests},
            "hint": f"{_CURL} -H 'License-Accepted: {digests}' {shlex.quote(here)}",
        },
        tuple((text_url(licence), "license") for licence in licences),
    )


def _send_token(which: str, members: dict[str, object]) -> NextStep:
    """Nothing here repeats the request: existing and absent names must be answered alike, byte for byte."""
    return NextStep(
        f"; send {which} as 'Authorization: {_BEARER}'",
        {
            **members,
            "send_with": {"Authorization": _BEARER},
            "hint": f"{_CURL} -H 'Authorization: {_BEARER}' URL",
        },
    )
