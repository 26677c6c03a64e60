"""Sessions and sealed values: only ours, unaltered, in time, and small enough for a cookie."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response

from app.auth.cookies import secure_name
from app.auth.keys import KeyRing, Purpose
from app.auth.revocation import Revocations
from app.auth.sealing import seal, unseal
from app.auth.sessions import AHEAD_SECONDS, SESSION_COOKIE, LoginMethod, Session, SessionLives, Sessions
from app.domain.errors import LoginFailed

NOW = 1_700_000_000.0
KEYS = KeyRing(["a secret of some length"])
LIVES = SessionLives(whole=10_000, idle=2_000, refresh=500)
SESSIONS = Sessions(KEYS, LIVES, epoch=0)
SESSION = SESSIONS.start("alice", frozenset({"staff"}), LoginMethod.OIDC, NOW)
SEALED = seal(KEYS, Purpose.SESSION, {"a": 1})


def cookie(value: str, *, is_https: bool = False) -> list[str]:
    return [f"{secure_name(SESSION_COOKIE, is_https=is_https)}={value}"]


def read(value: str, now: float = NOW, sessions: Sessions = SESSIONS) -> Session | None:
    return sessions.read(cookie(value), now, is_https=False)


def test_what_was_sealed_comes_back_and_cannot_be_read() -> None:
    assert unseal(KEYS, Purpose.SESSION, SEALED) == {"a": 1}
    assert "alice" not in SESSIONS.write(SESSION)


@given(st.data())
def test_no_altered_value_is_unsealed(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(SEALED) - 1))
    other = data.draw(st.characters().filter(lambda ch: ch != SEALED[at]))
    changed = SEALED[:at] + other + SEALED[at + 1 :]
    # The last character of a part may have spare bits: another spelling of the same value is no other value.
    assert unseal(KEYS, Purpose.SESSION, changed) in (None, {"a": 1})
    assert unseal(KEYS, Purpose.SESSION, SEALED[:at]) is None


@given(st.text())
def test_garbage_is_not_unsealed(text: str) -> None:
    assert unseal(KEYS, Purpose.SESSION, text) is None
    assert read(text) is None


def test_a_value_is_for_one_purpose_and_of_one_kind() -> None:
    assert unseal(KEYS, Purpose.LOGIN, SEALED) is None
    assert unseal(KEYS, Purpose.SESSION, KEYS.sign(Purpose.SESSION, {"exp": NOW + 60})) is None
    assert unseal(KeyRing(["another secret"]), Purpose.SESSION, SEALED) is None


def test_keys_are_changed_without_logging_anybody_out() -> None:
    old, new = "a secret of some length", "its successor"
    value = SESSIONS.write(SESSION)
    assert read(value, sessions=Sessions(KeyRing([new, old]), LIVES, 0)) == SESSION
    assert read(value, sessions=Sessions(KeyRing([new]), LIVES, 0)) is None


def test_a_session_of_another_epoch_has_ended() -> None:
    assert read(SESSIONS.write(SESSION), sessions=Sessions(KEYS, LIVES, epoch=1)) is None


def test_a_session_ends_when_nobody_uses_it() -> None:
    value = SESSIONS.write(SESSION)
    assert read(value, NOW + LIVES.idle - 1) == SESSION
    assert read(value, NOW + LIVES.idle) is None


def test_a_session_ends_however_much_it_is_used() -> None:
    session, now = SESSION, NOW
    while now < NOW + LIVES.whole:
        assert read(SESSIONS.write(session), now) == session
        now += LIVES.refresh
        session = SESSIONS.renew(session, session.groups, now)
    assert read(SESSIONS.write(session), now) is None


def test_groups_count_for_a_while_only() -> None:
    assert not SESSIONS.is_due(SESSION, NOW + LIVES.refresh - 1)
    assert SESSIONS.is_due(SESSION, NOW + LIVES.refresh)
    assert SESSIONS.due_at(SESSION) == NOW + LIVES.refresh
    assert SESSION.is_new
    assert not SESSIONS.renew(SESSION, SESSION.groups, NOW + 1).is_new
    old = replace(SESSION, started=NOW - LIVES.whole + 1)
    assert SESSIONS.due_at(old) == NOW + 1


def test_a_session_is_either_revoked_or_holds(tmp_path: Path) -> None:
    listed = tmp_path / "revoked"
    listed.write_text(f"{SESSION.id}\n")
    revoking = Sessions(KEYS, LIVES, epoch=0, revocations=Revocations(listed))
    kept = SESSIONS.start("bob", frozenset(), LoginMethod.OIDC, NOW)
    for session, is_revoked in [(SESSION, True), (kept, False)]:
        fields = cookie(SESSIONS.write(session))
        assert revoking.read(fields, NOW, is_https=False) == (None if is_revoked else session)
        assert revoking.read_revoked(fields, NOW, is_https=False) == (session if is_revoked else None)
    assert revoking.read_revoked([], NOW, is_https=False) is None


def test_a_session_that_began_by_a_clock_which_was_set_back_has_ended() -> None:
    value = SESSIONS.write(SESSION)
    assert read(value, NOW - AHEAD_SECONDS) == SESSION, "the clock of another replica may be ahead"
    assert read(value, NOW - AHEAD_SECONDS - 1) is None
    assert SESSIONS.is_of_the_future(SESSION, NOW - AHEAD_SECONDS - 1)


def test_groups_that_were_refreshed_by_a_clock_which_was_set_back_are_refreshed_again() -> None:
    session = SESSIONS.renew(SESSION, SESSION.groups, NOW + 400)
    assert not SESSIONS.is_due(session, NOW + 400 - AHEAD_SECONDS)
    assert SESSIONS.is_due(session, NOW + 400 - AHEAD_SECONDS - 1)


def test_over_tls_only_the_protected_name_is_read() -> None:
    value = SESSIONS.write(SESSION)
    assert SESSIONS.read(cookie(value, is_https=True), NOW, is_https=True) == SESSION
    assert SESSIONS.read(cookie(value), NOW, is_https=True) is None
    assert cookie("", is_https=True)[0].startswith("__Host-")


WORDS = ("android", "kernel", "release", "board", "vendor", "build", "qa", "infra", "security", "lab", "boot")
ADR = Path(__file__).parents[2] / "docs/decisions/0016-sessions.md"


def cookie_field(groups: frozenset[str]) -> str:
    """The whole `Set-Cookie` of a session in these groups, as a browser gets it over TLS."""
    value = SESSIONS.write(SESSIONS.start("alice@example.org", groups, LoginMethod.OIDC, NOW))
    session = read(value)
    assert session is not None
    assert session.groups == groups
    answer = Response()
    name = secure_name(SESSION_COOKIE, is_https=True)
    answer.set_cookie(name, value, max_age=7200, path="/", httponly=True, samesite="lax", secure=True)
    return answer.headers["set-cookie"]


def names(count: int, *, by_id: bool) -> frozenset[str]:
    chosen, found = random.Random(count), set[str]()
    while len(found) < count:
        words = f"team-{chosen.choice(WORDS)}-{chosen.choice(WORDS)}-{chosen.randint(1, 99)}"
        found.add(str(UUID(int=chosen.getrandbits(128))) if by_id else words)
    return frozenset(found)


def test_hundreds_of_groups_fit_into_a_cookie_of_the_size_that_is_documented() -> None:
    rows = re.findall(r"^  \| ([0-9]+) \| ([0-9,]+) \| ([0-9,]+|refused) \|$", ADR.read_text(), re.MULTILINE)
    assert [int(count) for count, _, _ in rows] == [0, 10, 50, 100, 300, 500]
    for count, *documented in rows:
        for said, by_id in zip(documented, (False, True), strict=True):
            groups = names(int(count), by_id=by_id)
            if said == "refused":
                with pytest.raises(LoginFailed):
                    cookie_field(groups)
                continue
            size = len(cookie_field(groups))
            assert size < 4096
            assert size == pytest.approx(int(said.replace(",", "")), rel=0.03), (count, by_id)


def test_more_than_fits_is_refused_and_not_cut() -> None:
    groups = frozenset(f"{random.Random(n).getrandbits(128):032x}" for n in range(400))
    with pytest.raises(LoginFailed) as caught:
        SESSIONS.write(SESSIONS.start("alice", groups, LoginMethod.OIDC, NOW))
    assert caught.value.code == "too-many-groups"


@pytest.mark.parametrize(
    "changed", [{"sub": None}, {"groups": 7}, {"method": "guessing"}, {"iat": "soon"}, {"epoch": 1}]
)
def test_a_session_of_another_version_has_ended(changed: dict[str, Any]) -> None:
    claims = {
        "sub": "alice",
        "groups": [],
        "method": "oidc",
        "sid": "1",
        "iat": NOW,
        "renewed": NOW,
        "epoch": 0,
    }
    assert read(seal(KEYS, Purpose.SESSION, claims)) is not None
    changed_claims = {k: v for k, v in (claims | changed).items() if v is not None}
    assert read(seal(KEYS, Purpose.SESSION, changed_claims)) is None


def test_each_login_is_a_new_session() -> None:
    again = SESSIONS.start("alice", SESSION.groups, LoginMethod.OIDC, NOW)
    assert again.id != SESSION.id
    assert SESSIONS.renew(SESSION, frozenset(), NOW + 1).id == SESSION.id
