"""Licence acceptances and form tokens."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth.forms import FORM_SECONDS, check_form_token, issue_form_token
from app.auth.keys import KeyRing, Purpose
from app.auth.licences import (
    ACCEPTANCE_COOKIE,
    ACCEPTANCE_SECONDS,
    MAX_ACCEPTANCES,
    grant_acceptance,
    header_acceptances,
    read_acceptances,
)
from app.auth.sessions import AHEAD_SECONDS

NOW = 1_700_000_000.5
KEYS = KeyRing(["secret"])
A, B = "a" * 32, "b" * 32


def md5(n: int) -> str:
    return hashlib.md5(str(n).encode(), usedforsecurity=False).hexdigest()


def test_an_acceptance_is_remembered_for_a_day() -> None:
    cookie = grant_acceptance(KEYS, None, [A], NOW)
    assert read_acceptances(KEYS, cookie, NOW) == {A}
    assert read_acceptances(KEYS, cookie, NOW + 86_400 - 1) == {A}
    assert read_acceptances(KEYS, cookie, NOW + 86_400) == frozenset()


def test_an_acceptance_of_a_clock_that_was_set_back_does_not_last_longer_for_it() -> None:
    cookie = grant_acceptance(KEYS, None, [A], NOW)
    assert read_acceptances(KEYS, cookie, NOW - AHEAD_SECONDS) == {A}, "another replica may be ahead"
    assert read_acceptances(KEYS, cookie, NOW - AHEAD_SECONDS - 2) == frozenset()


def test_a_second_licence_does_not_prolong_the_first() -> None:
    first = grant_acceptance(KEYS, None, [A], NOW)
    both = grant_acceptance(KEYS, first, [B], NOW + 3600)
    assert read_acceptances(KEYS, both, NOW + 3600) == {A, B}
    assert read_acceptances(KEYS, both, NOW + ACCEPTANCE_SECONDS) == {B}
    again = grant_acceptance(KEYS, both, [A], NOW + 7200)
    assert read_acceptances(KEYS, again, NOW + ACCEPTANCE_SECONDS + 3600) == {A}


@pytest.mark.parametrize(
    "cookie", [None, "", "anything", A, KEYS.sign(Purpose.ACCESS, {"exp": NOW + 60, "until": {A: 9e9}})]
)
def test_what_was_not_signed_for_this_accepts_nothing(cookie: str | None) -> None:
    assert read_acceptances(KEYS, cookie, NOW) == frozenset()
    assert read_acceptances(KEYS, grant_acceptance(KEYS, cookie, [B], NOW), NOW) == {B}


@pytest.mark.parametrize("until", [None, [], "x", {A: "9999999999"}, {A: None}])
def test_a_signed_cookie_of_another_form_accepts_nothing(until: object) -> None:
    cookie = KEYS.sign(Purpose.ACCEPTANCE, {"exp": NOW + 60, "until": until})
    assert read_acceptances(KEYS, cookie, NOW) == frozenset()


def test_the_cookie_never_outgrows_a_browser() -> None:
    cookie: str | None = None
    for n in range(MAX_ACCEPTANCES + 20):
        cookie = grant_acceptance(KEYS, cookie, [md5(n)], NOW + n)
    assert cookie is not None
    assert len(f"{ACCEPTANCE_COOKIE}={cookie}; Max-Age=86400; Path=/; HttpOnly; Secure; SameSite=Lax") < 4096
    newest = {md5(n) for n in range(20, MAX_ACCEPTANCES + 20)}
    assert read_acceptances(KEYS, cookie, NOW + 100) == newest


@pytest.mark.parametrize("digest", ["", "x", A.upper(), "a" * 64, A + "\n"])
def test_only_names_of_licences_are_remembered(digest: str) -> None:
    with pytest.raises(ValueError, match="MD5"):
        grant_acceptance(KEYS, None, [digest], NOW)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], set()),
        ([f"{A} {B}"], {A, B}),
        ([f"  {A}\t{B.upper()} "], {A, B}),
        ([f"{A},{B}"], {A, B}),  # as intermediaries join two lines
        ([A, "c" * 64], {A, "c" * 64}),
        (["yes, I accept", "a" * 31, "a" * 33, "g" * 32], set()),
    ],
)
def test_header(lines: list[str], expected: set[str]) -> None:
    assert header_acceptances(lines) == expected
    assert header_acceptances([], lines) == expected


def test_both_spellings_count() -> None:
    assert header_acceptances([A], [B]) == {A, B}


def test_a_form_token_is_bound_to_its_client() -> None:
    token = issue_form_token(KEYS, "nonce", NOW)
    assert check_form_token(KEYS, "nonce", token, NOW + FORM_SECONDS - 1)
    assert not check_form_token(KEYS, "other", token, NOW)
    assert not check_form_token(KEYS, "nonce", token, NOW + FORM_SECONDS)
    assert not check_form_token(KeyRing(["x"]), "nonce", token, NOW)
    assert not check_form_token(KEYS, None, token, NOW)
    assert not check_form_token(KEYS, "nonce", None, NOW)
    assert not check_form_token(KEYS, "", issue_form_token(KEYS, "", NOW), NOW)


def test_a_form_token_does_not_show_the_cookie() -> None:
    claims = KEYS.verify(Purpose.FORM, issue_form_token(KEYS, "nonce", NOW), NOW)
    assert claims["nonce"] != "nonce"


@pytest.mark.parametrize("nonce", [None, 1, "", "é"])
def test_a_form_token_of_another_form_is_refused(nonce: object) -> None:
    assert not check_form_token(
        KEYS, "nonce", KEYS.sign(Purpose.FORM, {"exp": NOW + 60, "nonce": nonce}), NOW
    )


@given(st.text(st.characters()), st.text(st.characters()))
def test_garbage_is_no_form_token(nonce: str, token: str) -> None:
    assert not check_form_token(KEYS, nonce, token, NOW)
