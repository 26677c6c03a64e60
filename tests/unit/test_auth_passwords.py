"""Names and passwords that come with every request: what is remembered of them, for how long, and how they are counted."""

from __future__ import annotations

import asyncio
import gc

import pytest

from app.auth.passwords import (
    MAX_PASSWORD_LENGTH,
    MAX_USER_LENGTH,
    REMEMBERED_SECONDS,
    Passwords,
    password_id,
)
from app.auth.people import Person
from app.auth.revocation import parse_revoked
from app.auth.unchecked import Unchecked
from app.domain.errors import AuthenticationFailed, LoginUnavailable, TooManyRequests
from tests.support.fake_directory import FakeDirectory

GOOD = "correct horse"
ALICE = Person("alice", frozenset({"staff"}))


class Desk:
    """Asks as the server does, and notes whose attempts are counted."""

    def __init__(self) -> None:
        self.directory = FakeDirectory()
        self.passwords = Passwords(self.directory)
        self.counted: list[str] = []
        self.is_closed = False

    async def ask(self, user: str = "alice", password: str = GOOD, now: float = 0.0) -> Person:
        try:
            return self.passwords.find(user, password, now)[0]
        except Unchecked as unchecked:
            await unchecked.ask(self.count)
        return self.passwords.find(user, password, now)[0]

    def count(self, user: str) -> None:
        if self.is_closed:
            raise TooManyRequests(10)
        self.counted.append(user)


def test_what_was_right_is_remembered_for_a_while() -> None:
    async def run() -> None:
        desk = Desk()
        for now in (0.0, 1.0, REMEMBERED_SECONDS - 1):
            assert await desk.ask(now=now) == ALICE
        assert desk.directory.times_asked == 1
        assert desk.passwords.find("alice", GOOD, 1.0)[1] == REMEMBERED_SECONDS
        await desk.ask(now=REMEMBERED_SECONDS)
        assert desk.directory.times_asked == 2
        await desk.ask(now=0.0)  # the clock went back
        assert desk.directory.times_asked == 3
        assert desk.counted == ["alice"]

    asyncio.run(run())


def test_a_changed_password_and_a_lost_group_count_no_longer_than_that() -> None:
    async def run() -> None:
        desk = Desk()
        await desk.ask()
        desk.directory.groups = frozenset()
        assert await desk.ask(now=REMEMBERED_SECONDS - 1) == ALICE
        assert (await desk.ask(now=REMEMBERED_SECONDS)).groups == frozenset()
        desk.directory.passwords["alice"] = "another"
        with pytest.raises(AuthenticationFailed):
            await desk.ask(now=2 * REMEMBERED_SECONDS)
        with pytest.raises(Unchecked):
            desk.passwords.find("alice", GOOD, 0.0)  # forgotten

    asyncio.run(run())


def test_wrong_ones_are_counted_and_not_remembered() -> None:
    async def run() -> None:
        desk = Desk()
        for _ in range(2):
            with pytest.raises(AuthenticationFailed) as caught:
                await desk.ask(password="another")
            assert caught.value.code == "password"
        assert desk.counted == ["alice", "alice"]
        desk.directory.passwords["alice"] = "another"
        assert await desk.ask(password="another") == ALICE

    asyncio.run(run())


def test_guesses_of_others_do_not_stop_who_was_right_before() -> None:
    async def run() -> None:
        desk = Desk()
        await desk.ask()
        desk.is_closed = True
        with pytest.raises(TooManyRequests):
            await desk.ask(password="a guess")
        assert desk.directory.times_asked == 1  # a guess too many does not get there
        assert await desk.ask(now=REMEMBERED_SECONDS) == ALICE

    asyncio.run(run())


def test_many_at_once_ask_and_count_once() -> None:
    async def run() -> None:
        desk = Desk()
        desk.directory.is_free.clear()
        asking = [asyncio.create_task(desk.ask()) for _ in range(50)]
        while not desk.directory.times_asked:
            await asyncio.sleep(0)
        desk.directory.is_free.set()
        assert set(await asyncio.gather(*asking)) == {ALICE}
        assert (desk.directory.times_asked, desk.counted) == (1, ["alice"])

    asyncio.run(run())


def test_while_the_directory_is_down_nothing_new_is_believed() -> None:
    async def run() -> None:
        desk = Desk()
        await desk.ask()
        desk.directory.is_down = True
        assert await desk.ask(now=REMEMBERED_SECONDS - 1) == ALICE
        for _ in range(2):
            with pytest.raises(LoginUnavailable):
                await desk.ask(now=REMEMBERED_SECONDS)
        desk.directory.is_down = False
        assert await desk.ask(now=REMEMBERED_SECONDS) == ALICE

    asyncio.run(run())


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("", GOOD),
        ("alice", ""),
        ("a" * (MAX_USER_LENGTH + 1), GOOD),
        ("alice", "x" * (MAX_PASSWORD_LENGTH + 1)),
    ],
)
def test_what_nobody_can_have_is_not_asked_for(user: str, password: str) -> None:
    async def run() -> None:
        desk = Desk()
        with pytest.raises(AuthenticationFailed):
            await desk.ask(user, password)
        assert desk.directory.times_asked == 0

    asyncio.run(run())


def test_no_more_than_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.auth.passwords.MAX_REMEMBERED", 2)

    async def run() -> None:
        desk = Desk()
        desk.directory.passwords = dict.fromkeys(("alice", "bob", "carol"), GOOD)
        for user in ("alice", "bob", "alice", "carol"):
            await desk.ask(user)
        assert desk.directory.times_asked == 3
        await desk.ask("alice")
        assert desk.directory.times_asked == 3
        await desk.ask("bob")
        assert desk.directory.times_asked == 4

    asyncio.run(run())


def test_no_password_is_kept() -> None:
    async def run() -> None:
        desk = Desk()
        password = "".join(["a secret that is ", "nowhere else"])
        desk.directory.passwords["alice"] = "x"
        desk.directory.passwords = {"alice": password}
        await desk.ask(password=password)
        desk.directory.passwords.clear()
        gc.collect()
        kept = repr((desk.passwords._checked, vars(desk.passwords._asking)))
        assert password not in kept
        assert "alice" in kept

    asyncio.run(run())


@pytest.mark.parametrize(
    ("user", "identifier"),
    [
        ("alice.smith", "password:alice.smith"),
        ("bob, jr", "password:bob,%20jr"),
        ("é@example.org", "password:é@example.org"),
        ("a%20b", "password:a%2520b"),
        ("a\u00a0b", "password:a%C2%A0b"),
    ],
)
def test_all_passwords_of_a_user_have_one_id_without_spaces(user: str, identifier: str) -> None:
    assert password_id(user) == identifier
    assert parse_revoked(f"{identifier} left the company".encode()) == {identifier: "left the company"}
