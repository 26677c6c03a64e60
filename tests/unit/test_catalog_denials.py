"""Each denial is an error of its own, except where nobody may know."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import pytest

from app.catalog.denials import deny_if_existence_is_secret, require_access
from app.domain.access import ANONYMOUS, Principal
from app.domain.errors import (
    GroupRequired,
    LicenceRequired,
    LoginRequired,
    NotFound,
    PierheadError,
    Refused,
)
from app.domain.paths import ArtifactPath
from app.policy.decide import Rules
from tests.support.policy import FOLDER, build_info_rules, folder_rules, member_of

FILE: Final = FOLDER.child("f")
PRIVATE: Final = '[[rule]]\npath = "releases"\ntier = "private"\ngroups = ["staff"]\n'
OUTSIDER: Final = member_of("others")
HIDDEN: Final = folder_rules({}, site=PRIVATE + 'visibility = "hidden"\n')
CLOSED: Final = folder_rules({})
LICENSED: Final = build_info_rules("Files-Pattern: *", "License-Type: protected", "License-Text: own")
KNOWN: Final = folder_rules({}, site=PRIVATE)


def raised(
    check: Callable[[ArtifactPath, Rules, Principal], None], rules: Rules, principal: Principal
) -> type[PierheadError] | None:
    """The error of a check of the file, if there is one."""
    try:
        check(FILE, rules, principal)
    except PierheadError as error:
        return type(error)
    return None


@pytest.mark.parametrize(
    ("rules", "principal", "error", "is_secret"),
    [
        (KNOWN, ANONYMOUS, LoginRequired, True),
        (KNOWN, OUTSIDER, GroupRequired, True),
        (KNOWN, member_of("staff"), None, False),
        (HIDDEN, ANONYMOUS, NotFound, True),
        (HIDDEN, OUTSIDER, NotFound, True),
        (CLOSED, ANONYMOUS, Refused, False),
        (LICENSED, ANONYMOUS, LicenceRequired, False),
    ],
)
def test_what_is_raised_of_a_file(
    rules: Rules, principal: Principal, error: type[PierheadError] | None, is_secret: bool
) -> None:
    assert raised(require_access, rules, principal) is error
    assert raised(deny_if_existence_is_secret, rules, principal) is (error if is_secret else None)


def test_a_licence_does_not_stand_before_what_needs_none() -> None:
    assert raised(partial(require_access, with_licences=False), LICENSED, ANONYMOUS) is None
