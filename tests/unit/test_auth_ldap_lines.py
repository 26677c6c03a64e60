"""What goes over the connections to a directory, and what is made of its answers. The library is replaced: nothing is sent."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ldap3 import BASE, SUBTREE, Server
from ldap3.core.exceptions import LDAPSocketOpenError
from structlog.testing import capture_logs

from app.auth import ldap
from app.auth.ldap import LdapDirectory, LdapSettings
from app.auth.login_groups import GroupNames
from app.auth.people import Person
from app.domain.errors import LoginFailed, LoginUnavailable

PEOPLE, GROUPS, SERVICE, ALICE = "ou=people", "ou=groups", "cn=service", "uid=alice,ou=people"
SETTINGS = LdapSettings(
    "ldaps://directory.example", PEOPLE, "(|(mail={user})(uid={user}))", "", "", SERVICE, "s3cret", ""
)
WITH_GROUPS = SETTINGS._replace(group_base=GROUPS, group_filter="(|(member={dn})(memberUid={user}))")


def entry(dn: str, **attributes: object) -> dict[str, Any]:
    return {"type": "searchResEntry", "dn": dn, "attributes": attributes}


def outcome(code: int) -> dict[str, Any]:
    return {"result": code, "description": f"code {code}"}


class Socket:
    def __init__(self) -> None:
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


class Line:
    """A connection of the library: what it was made with, and what went over it."""

    def __init__(self, world: World, server: Server, options: Mapping[str, Any]) -> None:
        self._world, self.server, self.options = world, server, options
        self.said: list[Any] = []
        self.socket = Socket()
        self.result: dict[str, Any] = {}
        self.response: list[dict[str, Any]] = []

    def open(self) -> None:
        self._say("open")

    def _say(self, what: str) -> None:
        self.said.append(what)
        if self._world.breaks_at == what:
            raise LDAPSocketOpenError

    def start_tls(self) -> bool:
        self._say("start_tls")
        return self._world.has_tls

    def bind(self) -> bool:
        self._say("bind")
        is_right: bool = self._world.passwords.get(self.options["user"]) == self.options["password"]
        self.result = outcome(0 if is_right else self._world.refusal)
        return is_right

    def search(
        self, base: str, asked: str, scope: str, *, attributes: list[str], size_limit: int = 0
    ) -> None:
        if not self._world.is_alive:
            raise LDAPSocketOpenError
        self.said.append((base, asked, scope, tuple(attributes), size_limit))
        self.response, code = self._world.found.get(base, ([], 0))
        self.result = outcome(code)

    def unbind(self) -> None:
        self.said.append("unbind")


class World:
    """The directory.

    Attributes:
        passwords: by the name that binds.
        refusal: the code of a bind that is refused.
        breaks_at: where every line breaks off.
        found: by the base of a search, what is there, and the code of the answer.
        lines: all connections that were made.
    """

    def __init__(self) -> None:
        self.passwords: dict[str | None, str | None] = {SERVICE: "s3cret", ALICE: "correct horse"}
        self.refusal = 49
        self.has_tls = self.is_alive = True
        self.breaks_at = ""
        alice = entry(ALICE, uid=[b"alice"], mail=["alice@example"], memberOf=["cn=staff,ou=groups"])
        reference = {"type": "searchResRef", "uri": ["ldap://elsewhere.example"]}
        self.found: dict[str, tuple[list[dict[str, Any]], int]] = {
            PEOPLE: ([alice, reference], 0),
            GROUPS: ([entry("cn=board,ou=groups", cn=["board", "second name"])], 0),
        }
        self.lines: list[Line] = []

    def connect(self, server: Server, **options: object) -> Line:
        self.lines.append(Line(self, server, options))
        return self.lines[-1]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(ldap, "Connection", world.connect)
    return world


def directory(settings: LdapSettings = SETTINGS) -> LdapDirectory:
    return LdapDirectory(settings, GroupNames(["*"]))


async def log_in(settings: LdapSettings = SETTINGS, password: str = "correct horse") -> Person:
    asked = directory(settings)
    try:
        return await asked.log_in("alice", password)
    finally:
        await asked.aclose()


async def test_a_person_logs_in_over_a_line_of_their_own(world: World) -> None:
    asked = directory(WITH_GROUPS)
    alice = Person("alice@example", frozenset({"staff", "board"}))
    assert await asked.log_in("alice@example", "correct horse") == alice
    assert await asked.find("alice@example") == alice
    of_service, of_alice = world.lines
    assert of_alice.said == ["open", "bind", "unbind"]
    assert of_alice.socket.is_closed
    name = "(|(mail=alice@example)(uid=alice@example))"
    person = (PEOPLE, name, SUBTREE, ("mail", "uid", "sAMAccountName", "gidNumber", "memberOf"), 2)
    groups = (GROUPS, f"(|(member={ALICE})(memberUid=alice))", SUBTREE, ("cn",), 2000)
    is_alive = ("", "(objectClass=*)", BASE, ("1.1",), 0)
    assert of_service.said == ["open", "bind", person, groups, is_alive, person, groups]
    await asked.aclose()
    assert of_service.said[-1] == "unbind"
    assert of_service.socket.is_closed
    with pytest.raises(RuntimeError):
        await asked.find("alice@example")


async def test_what_a_line_is_made_with(world: World, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    await log_in(SETTINGS._replace(ca_file=str(tmp_path / "ca.pem")))
    of_service, of_alice = (line.options for line in world.lines)
    assert of_service == {
        "user": SERVICE,
        "password": "s3cret",
        "authentication": "SIMPLE",
        "auto_referrals": False,
        "receive_timeout": 5,
        "read_only": True,
    }
    assert (of_alice["user"], of_alice["password"]) == (ALICE, "correct horse")
    server = world.lines[0].server
    assert (server.host, server.port, server.ssl) == ("directory.example", 636, True)
    assert (server.tls.validate, server.tls.ca_certs_file) == (ssl.CERT_REQUIRED, str(tmp_path / "ca.pem"))
    assert server.connect_timeout == 5


async def test_searches_may_be_anonymous(world: World) -> None:
    world.passwords[None] = None
    await log_in(SETTINGS._replace(bind_dn="", bind_password=""))
    options = world.lines[0].options
    assert (options["user"], options["password"], options["authentication"]) == (None, None, "ANONYMOUS")


@pytest.mark.parametrize(
    ("url", "port", "is_encrypted_first"),
    [
        ("ldap://directory.example", 389, True),
        ("ldap://directory.example:1389", 1389, True),
        ("ldap://localhost", 389, False),
        ("ldap://127.0.0.1", 389, False),
        ("ldap://[::1]", 389, False),
        ("ldaps://directory.example:1636", 1636, False),
    ],
)
async def test_a_line_that_leaves_this_host_is_encrypted_before_anything_is_said(
    world: World, url: str, port: int, is_encrypted_first: bool
) -> None:
    await log_in(SETTINGS._replace(url=url))
    for line in world.lines:
        assert line.server.port == port
        assert line.said[:2] == ["open", "start_tls" if is_encrypted_first else "bind"]


async def test_without_encryption_nothing_is_said(world: World) -> None:
    world.has_tls = False
    with pytest.raises(LoginUnavailable):
        await log_in(SETTINGS._replace(url="ldap://directory.example"))
    (line,) = world.lines
    assert line.said == ["open", "start_tls", "unbind"]
    assert line.socket.is_closed


async def test_a_directory_that_refuses_the_service_is_unavailable(world: World) -> None:
    del world.passwords[SERVICE]
    with capture_logs() as log, pytest.raises(LoginUnavailable):
        await log_in()
    assert world.lines[0].said == ["open", "bind", "unbind"]
    assert [(line["event"], line["reason"]) for line in log] == [
        ("directory_failed", "LDAPException: code 49")
    ]


@pytest.mark.parametrize("what", ["open", "start_tls", "bind"])
async def test_a_line_that_breaks_is_closed(world: World, what: str) -> None:
    world.breaks_at = what
    with pytest.raises(LoginUnavailable):
        await log_in(SETTINGS._replace(url="ldap://directory.example"))
    (line,) = world.lines
    assert line.said[-2:] == [what, "unbind"]
    assert line.socket.is_closed


async def test_a_wrong_password_fails_and_the_search_goes_on_over_the_same_line(world: World) -> None:
    asked = directory()
    for _ in range(2):
        with pytest.raises(LoginFailed):
            await asked.log_in("alice", "wrong")
    of_service, *of_alice = world.lines
    assert "unbind" not in of_service.said
    assert [line.said[-1] for line in of_alice] == ["unbind", "unbind"]
    await asked.aclose()


async def test_an_empty_password_is_never_tried(world: World) -> None:
    """Many directories take it for an anonymous bind, which succeeds (RFC 4513 section 5.1.2)."""
    world.passwords[ALICE] = None
    with pytest.raises(LoginFailed):
        await log_in(password="")
    assert len(world.lines) == 1


async def test_a_bind_that_fails_for_another_reason_says_nothing_of_the_password(world: World) -> None:
    world.refusal = 53
    with pytest.raises(LoginUnavailable):
        await log_in(password="wrong")
    assert [line.said[-1] for line in world.lines] == ["unbind", "unbind"]


@pytest.mark.parametrize(("entries", "code"), [(0, 0), (2, 0), (2, 4)])
async def test_a_name_of_none_or_several_is_nobodys(world: World, entries: int, code: int) -> None:
    world.found[PEOPLE] = [entry(ALICE, uid="alice")] * entries, code
    with pytest.raises(LoginFailed):
        await log_in()
    asked = directory()
    assert await asked.find("alice") is None
    await asked.aclose()


async def test_an_entry_may_lack_every_name(world: World) -> None:
    world.found[PEOPLE] = [entry(ALICE)], 0
    assert await log_in(WITH_GROUPS) == Person("alice", frozenset({"board"}))


@pytest.mark.parametrize(("base", "code"), [(PEOPLE, 32), (GROUPS, 32), (GROUPS, 4)])
async def test_a_search_that_fails_or_is_cut_makes_no_person_of_fewer_groups(
    world: World, base: str, code: int
) -> None:
    world.found[base] = world.found[base][0], code
    with pytest.raises(LoginUnavailable):
        await log_in(WITH_GROUPS)
    assert world.lines[0].said[-1] == "unbind"


@pytest.mark.parametrize(("number", "asked"), [({"gidNumber": [b"1000"]}, "1000"), ({}, "-1")])
async def test_the_group_of_a_person_is_asked_for_by_its_number(
    world: World, number: dict[str, object], asked: str
) -> None:
    world.found[PEOPLE] = [entry(ALICE, uid="alice", **number)], 0
    await log_in(WITH_GROUPS._replace(group_filter="(gidNumber={gid})"))
    searches = [said for said in world.lines[0].said if said[0] == GROUPS]
    assert searches == [(GROUPS, f"(gidNumber={asked})", SUBTREE, ("cn",), 2000)]


async def test_groups_without_a_name_are_none(world: World) -> None:
    world.found[GROUPS] = [entry("ou=x")], 0
    assert (await log_in(WITH_GROUPS)).groups == {"staff"}


@pytest.mark.parametrize("reason", ["it has waited too long", "nobody is there any more"])
async def test_a_line_that_is_of_no_use_any_more_is_closed(
    world: World, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    asked = directory()
    await asked.find("alice")
    if reason == "it has waited too long":
        monkeypatch.setattr(ldap, "IDLE_SECONDS", 0.0)
        assert await asked.find("alice")
    else:
        world.is_alive = False
        with pytest.raises(LoginUnavailable):
            await asked.find("alice")
    first, _ = world.lines
    assert first.said[-1] == "unbind"
    assert first.socket.is_closed
    await asked.aclose()
