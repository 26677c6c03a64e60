"""A directory that answers wrongly or not at all. What a real one answers is in `tests/system/test_ldap.py`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest

from app.auth import ldap
from app.auth.ldap import MAX_QUESTIONS, LdapDirectory, LdapSettings
from app.auth.login_groups import GroupNames
from app.domain.errors import LoginUnavailable
from tests.support.waiting import PATIENCE

# A bind response (RFC 4511 section 4.2.2): referral, with `ldap://evil.example` (section 4.1.10).
REFERRAL = bytes.fromhex("3023020101611e0a010a04000400a31504136c6461703a2f2f6576696c2e6578616d706c65")
CUT_OFF = bytes.fromhex("300c02010161070aff") + b"\xff" * 5


class Fake(NamedTuple):
    """A directory at a server that gives one answer to everybody.

    Attributes:
        connections: one item for each that was made.
    """

    directory: LdapDirectory
    connections: list[str]


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[Fake]:
    """Such a server, until the block ends. Empty: it says nothing."""
    connections: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append("made")
        await reader.read(1)
        writer.write(answer)
        await (writer.drain() if answer else is_over.wait())
        writer.close()

    is_over = asyncio.Event()
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        settings = LdapSettings(f"ldap://127.0.0.1:{port}", "dc=test", "(uid={user})", "", "", "", "", "")
        directory = LdapDirectory(settings, GroupNames(["*"]))
        try:
            yield Fake(directory, connections)
        finally:
            is_over.set()
            await directory.aclose()


@pytest.mark.parametrize(
    "answer",
    [REFERRAL, CUT_OFF, b"\x30\x00", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00" * 50, b"\xff"],
    ids=["referral", "cut off", "empty", "http", "zeros", "one byte"],
)
def test_what_is_no_answer_is_no_login(answer: bytes) -> None:
    """A referral is one of these: nobody's password is taken elsewhere."""

    async def ask() -> None:
        async with answering(answer) as fake:
            for asked in (fake.directory.log_in("alice", "correct horse"), fake.directory.find("alice")):
                with pytest.raises(LoginUnavailable):
                    await asked

    asyncio.run(ask())


def test_many_who_wait_for_a_directory_that_hangs_wait_no_longer_than_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ldap, "QUERY_SECONDS", 0.1)
    monkeypatch.setattr(ldap, "TIMEOUT_SECONDS", int(PATIENCE))

    async def ask() -> None:
        async with answering(b"") as fake:
            asked = (fake.directory.log_in("alice", "correct horse") for _ in range(3 * MAX_QUESTIONS))
            async with asyncio.timeout(PATIENCE / 2):
                failed = await asyncio.gather(*asked, return_exceptions=True)
            assert {type(error) for error in failed} == {LoginUnavailable}
            assert len(fake.connections) <= MAX_QUESTIONS

    asyncio.run(ask())
