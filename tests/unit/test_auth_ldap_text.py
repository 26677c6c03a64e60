"""Filters and names of entries as text."""

from __future__ import annotations

import pytest

from app.auth.ldap_text import common_name, compared_attributes, filled


@pytest.mark.parametrize(
    ("template", "values", "asked"),
    [
        ("(uid={user})", {"user": "alice"}, "(uid=alice)"),
        ("(uid={user})", {"user": "*)(uid=\\\0"}, "(uid=\\2a\\29\\28uid=\\5c\\00)"),
        ("(|(uid={user})(mail={user}))", {"user": "a*"}, "(|(uid=a\\2a)(mail=a\\2a))"),
        ("(member={dn})", {"dn": "cn=a (b),dc=x"}, "(member=cn=a \\28b\\29,dc=x)"),
        ("(|(m={dn})(u={user}))", {"dn": "cn={user}", "user": "{dn}"}, "(|(m=cn={user})(u={dn}))"),
    ],
)
def test_what_is_filled_in_stays_what_it_is(template: str, values: dict[str, str], asked: str) -> None:
    assert filled(template, values) == asked


@pytest.mark.parametrize(
    ("template", "attributes"),
    [
        ("(uid={user})", ("uid",)),
        ("(|(uid={user})(&(mail={user})(x=y)))", ("uid", "mail")),
        ("(mail={user}@example.org)", ()),
        ("(cn=*{user})", ()),
    ],
)
def test_which_attributes_are_compared_with_a_name(template: str, attributes: tuple[str, ...]) -> None:
    assert compared_attributes(template) == attributes


@pytest.mark.parametrize(
    ("dn", "name"),
    [
        ("cn=staff,ou=groups,dc=example", "staff"),
        ("CN=Release Team,DC=example", "Release Team"),
        ("cn=readers\\, all,dc=example", "readers, all"),
        ("cn=readers\\2C all,dc=example", "readers, all"),
        ("cn=K\\C3\\BChe,dc=example", "Kühe"),
        ("cn=a\\\\b\\+c,dc=example", "a\\b+c"),
    ],
)
def test_a_group_is_named_by_its_entry(dn: str, name: str) -> None:
    assert common_name(dn) == name
