"""Login by a real directory."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from ldap3 import Connection
from structlog.testing import capture_logs

from app.auth.keys import KeyRing
from app.auth.ldap import IDLE_SECONDS, MAX_QUESTIONS, LdapDirectory
from app.auth.passwords import REMEMBERED_SECONDS
from app.auth.people import Person
from app.auth.revocation import NOTHING_REVOKED
from app.domain.errors import LoginFailed, LoginUnavailable
from app.telemetry import Metrics
from app.wiring import SiteWiring
from app.wiring.login import build_login
from tests.support.answers import SCRIPT
from tests.support.clocks import Clock
from tests.support.live_server import live_server, policy_from, settings_for
from tests.support.memory_store import MemoryStore
from tests.support.site_policies import MEMBERS
from tests.support.slapd import ADMIN, PASSWORD, PEOPLE, Slapd, slapd

KEYS = KeyRing(["a secret"])
GROUPS = frozenset({"staff", "board", "builders"})


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    with slapd(tmp_path_factory.mktemp("slapd")) as running:
        yield running


def log_in(settings: dict[str, Any], user: str, password: str = PASSWORD) -> Person:
    login = build_login(settings_for(**settings), KEYS, NOTHING_REVOKED)

    async def ask() -> Person:
        try:
            return await login.log_in(user, password)
        finally:
            await login.aclose()

    return asyncio.run(ask())


def find(settings: dict[str, Any], subject: str) -> Person | None:
    directory = build_login(settings_for(**settings), KEYS, NOTHING_REVOKED).directory
    assert directory is not None

    async def ask() -> Person | None:
        try:
            return await directory.find(subject)
        finally:
            await directory.aclose()

    return asyncio.run(ask())


def test_groups_of_all_three_kinds_count(directory: Slapd) -> None:
    assert log_in(directory.settings(), "alice") == Person("alice", GROUPS)


def test_the_primary_group_of_a_person_counts(directory: Slapd) -> None:
    assert log_in(directory.settings(), "dave").groups == {"builders"}
    everywhere = directory.settings(ldap_group_base=PEOPLE.partition(",")[2])
    assert log_in(everywhere, "dave").groups == {"builders"}  # and no person with this number
    without = directory.settings(ldap_group_filter="(|(member={dn})(memberUid={user}))")
    assert log_in(without, "dave").groups == frozenset()


def test_a_name_may_hold_what_filters_and_entries_are_made_of(directory: Slapd) -> None:
    assert log_in(directory.settings(), "bob, jr") == Person("bob, jr", frozenset({"others"}))


def test_groups_may_be_named_by_the_entry_of_a_person(directory: Slapd) -> None:
    assert log_in(directory.settings(ldap_group_base=None), "carol").groups == {"readers, all"}


def test_a_name_that_looks_like_a_place_in_a_filter_is_a_name(directory: Slapd) -> None:
    """The entry of Carol is named `{user}`: filled in twice, the filter would look for the groups of another entry."""
    assert log_in(directory.settings(), "carol").groups == {"readers, all"}
    assert log_in(directory.settings(), "{user}").groups == {"readers, all"}


@pytest.mark.parametrize(
    ("user_filter", "user", "subject"),
    [
        ("(mail={user})", "carol@example.test", "carol@example.test"),
        ("(MAIL={user})", "CAROL@example.test", "carol@example.test"),
        ("(|(uid={user})(mail={user}))", "carol@example.test", "carol"),
        ("(&(cn={user})(sn=C))", "carol", "Carol"),
        ("(mail={user}@example.test)", "carol", "carol"),
    ],
)
def test_a_person_is_found_again_by_whatever_they_log_in_with(
    directory: Slapd, user_filter: str, user: str, subject: str
) -> None:
    """Or they would be logged out when their groups are asked for again."""
    settings = directory.settings(ldap_user_filter=user_filter)
    person = log_in(settings, user)
    assert person.subject == subject
    assert find(settings, subject) == person


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("alice", "wrong"),
        ("alice", ""),
        ("alice", " "),
        ("alice", "\u00ad"),
        ("alice", "\0"),
        ("alice", "correct horse\x01"),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("*", PASSWORD),
        ("al*", PASSWORD),
        ("alice)(uid=*", PASSWORD),
        ("alice\0", PASSWORD),
        ("*)(|(uid=alice", PASSWORD),
    ],
)
def test_nobody_else_gets_in(directory: Slapd, user: str, password: str) -> None:
    with pytest.raises(LoginFailed) as caught:
        log_in(directory.settings(), user, password)
    assert caught.value.code == "password"


def test_groups_are_found_again_without_the_password(directory: Slapd) -> None:
    assert find(directory.settings(), "alice") == Person("alice", GROUPS)
    assert find(directory.settings(), "nobody") is None


# Where the name in a certificate is another, the library leaves the socket to the garbage collector, which closes it.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket")
def test_the_certificate_is_verified(directory: Slapd) -> None:
    by_tls = directory.settings(ldap_url=f"ldaps://127.0.0.1:{directory.tls_port}")
    assert log_in(by_tls | {"ldap_ca_file": directory.ca_file}, "alice").groups == GROUPS
    with pytest.raises(LoginUnavailable):
        log_in(by_tls, "alice")
    with pytest.raises(LoginUnavailable):
        log_in(
            by_tls
            | {"ldap_ca_file": directory.ca_file, "ldap_url": f"ldaps://localhost:{directory.tls_port}"},
            "alice",
        )


def test_beyond_this_host_nothing_is_said_in_the_clear(directory: Slapd) -> None:
    elsewhere = directory.settings(ldap_url=f"ldap://127.0.0.2:{directory.port}")
    assert log_in(elsewhere | {"ldap_ca_file": directory.ca_file}, "alice").groups == GROUPS
    with pytest.raises(LoginUnavailable):
        log_in(elsewhere, "alice")


def test_a_directory_that_refuses_or_is_not_there_is_unavailable(directory: Slapd) -> None:
    for wrong, reason in (
        ({"ldap_bind_password": "wrong"}, "invalidCredentials"),
        ({"ldap_user_base": f"ou=nowhere,{PEOPLE}"}, "noSuchObject"),
        ({"ldap_url": "ldap://127.0.0.1:1"}, "Connection refused"),
    ):
        with capture_logs() as logged, pytest.raises(LoginUnavailable):
            log_in(directory.settings(**wrong), "alice")
        (line,) = logged
        assert line["event"] == "directory_failed"
        assert reason in line["reason"]


def test_connections_for_searches_are_used_again(directory: Slapd, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    really_open = LdapDirectory._open

    def note(self: LdapDirectory, dn: str, password: str) -> Connection:
        opened.append(dn)
        return really_open(self, dn, password)

    monkeypatch.setattr(LdapDirectory, "_open", note)
    login = build_login(settings_for(**directory.settings()), KEYS, NOTHING_REVOKED)
    assert isinstance(login.directory, LdapDirectory)
    idle = login.directory._idle

    async def ask() -> None:
        assert (await login.log_in("alice", PASSWORD)).groups == GROUPS
        with pytest.raises(LoginFailed):
            await login.log_in("alice", "wrong")
        assert (await login.log_in("alice", PASSWORD)).groups == GROUPS
        alice = f"uid=alice,{PEOPLE}"
        assert opened == [ADMIN, alice, alice, alice]
        ((connection, since),) = idle
        connection.socket.shutdown(socket.SHUT_RDWR)  # as a directory that was restarted, or a firewall
        assert (await login.log_in("alice", PASSWORD)).groups == GROUPS
        assert opened[4:] == [ADMIN, alice]
        ((connection, since),) = idle
        idle[0] = (connection, since - IDLE_SECONDS)
        assert (await login.log_in("alice", PASSWORD)).groups == GROUPS
        assert opened[6:] == [ADMIN, alice]
        await asyncio.gather(*(login.log_in("alice", PASSWORD) for _ in range(12)))
        assert len(idle) <= MAX_QUESTIONS
        await login.aclose()
        assert not idle

    asyncio.run(ask())


def test_scripts_may_send_name_and_password(directory: Slapd) -> None:
    store = MemoryStore()
    store.put("members/plan.txt", b"content")
    clock = Clock()
    wiring = SiteWiring(settings_for(**directory.settings()), policy_from(MEMBERS))
    site = wiring.open(store, Metrics(), clock=clock)

    def ask(password: str) -> tuple[int, str]:
        answer = httpx.get(url, auth=("alice", password), headers=SCRIPT, trust_env=False)
        return answer.status_code, answer.text if answer.status_code == 200 else answer.json().get("code", "")

    with live_server(site.front_door) as server:
        url = f"{server.url}/members/plan.txt"
        assert ask(PASSWORD) == (200, "content")
        assert ask("wrong") == (401, "password")
        with directory.password_of("alice", "battery staple"):
            assert ask("battery staple") == (200, "content")
            assert ask(PASSWORD) == (200, "content")  # for a minute yet
            clock.now += REMEMBERED_SECONDS
            assert ask(PASSWORD) == (401, "password")
        assert ask(PASSWORD) == (200, "content")
    asyncio.run(site.login.aclose())


def test_the_event_loop_goes_on_while_a_directory_hangs(tmp_path: Path) -> None:
    async def ask_a_hanging_one() -> int:
        async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        turns = 0
        async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            settings = {"ldap_url": f"ldap://127.0.0.1:{port}", "ldap_user_base": PEOPLE}
            login = build_login(settings_for(**settings), KEYS, NOTHING_REVOKED)
            asking = asyncio.create_task(login.log_in("alice", PASSWORD))
            while not asking.done():
                await asyncio.sleep(0.01)
                turns += 1
            with pytest.raises(LoginUnavailable):
                asking.result()
            await login.aclose()
        return turns

    assert asyncio.run(ask_a_hanging_one()) > 10
