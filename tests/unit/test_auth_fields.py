"""Who asks is read from declared request fields only, and all that depends on it follows from that table."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from app.auth.fields import ACCEPTANCES, CREDENTIALS, INDIFFERENT, READ, declared
from app.responses.caching import FILE_VARY, LISTING_VARY


def fields(name: str) -> Sequence[str]:
    return [name.upper()]


@pytest.mark.parametrize("name", sorted(READ))
def test_a_declared_field_can_be_read(name: str) -> None:
    assert declared(fields)(name) == [name.upper()]


@pytest.mark.parametrize("name", ["x-remote-groups", "x-forwarded-user", "user-agent"])
def test_no_other_field_can(name: str) -> None:
    with pytest.raises(LookupError, match=name):
        declared(fields)(name)


def test_no_field_that_says_who_asks_is_taken_for_one_that_does_not() -> None:
    assert not READ & INDIFFERENT
    assert all(name == name.lower() for name in READ | INDIFFERENT)


def test_vary_names_every_credential() -> None:
    assert set(CREDENTIALS) <= set(LISTING_VARY.split(", "))
    assert {*CREDENTIALS, ACCEPTANCES[0]} <= set(FILE_VARY.split(", "))
