"""People and groups of an LDAP directory (RFC 4511).

The library blocks, so every query runs in a thread of a small pool. Searches share connections that are bound as the
service. A password is tried over a connection of its own: one that is bound as one user is never used for another.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

import structlog
from ldap3 import BASE, SUBTREE, Connection, Server, Tls
from ldap3.core.exceptions import LDAPException, LDAPSASLPrepError

from app.auth.ldap_text import common_name, compared_attributes, filled, first_of, texts_of
from app.auth.login_groups import GroupNames
from app.auth.people import Person
from app.auth.sessions import LoginMethod
from app.domain.errors import LoginFailed, LoginUnavailable

TIMEOUT_SECONDS: Final = 5
"""For a connection, and for each answer."""
QUERY_SECONDS: Final = 10
"""For a whole login or search for groups, with the time that it waits for others."""
MAX_QUESTIONS: Final = 4
"""Queries at the same time; others wait."""
IDLE_SECONDS: Final = 60.0
"""How long a connection waits for the next search."""
MAX_GROUPS: Final = 2000
MAX_REASON_LENGTH: Final = 256
"""Of what the log says of a failure."""

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_UNIX_NAMES: Final = ("uid", "sAMAccountName")
_NO_GID: Final = "-1"
"""A number that no group has: chown(2) takes it for none."""
_INVALID_CREDENTIALS: Final = 49
"""RFC 4511 appendix A.1."""

_FAILURES: Final = (LDAPException, OSError, LookupError, TypeError, ValueError)
"""How the library fails. By the last three, where an answer is not of LDAP, or a bind is answered with a referral."""

_Answer = TypeVar("_Answer")
_log = structlog.get_logger(__name__)


class LdapSettings(NamedTuple):
    """The directory, and how to find people and groups in it.

    Attributes:
        url: `ldaps://HOST`, or `ldap://HOST`, where the connection is encrypted by StartTLS unless it stays on this
            host.
        user_filter: with `{user}` for the name from the login form.
        group_base: empty if the person's entry names the groups (`memberOf`).
        group_filter: with `{dn}` for the entry of a person, `{user}` for its user name and `{gid}` for the number of its
            primary group (RFC 2307).
        bind_dn: for searches; empty for an anonymous one.
        ca_file: CA certificates for the directory; empty for those of the system.
    """

    url: str
    user_base: str
    user_filter: str
    group_base: str
    group_filter: str
    bind_dn: str
    bind_password: str
    ca_file: str


class _Entry(NamedTuple):
    """A person's entry in the directory.

    Attributes:
        subject: the name by which the filter for people finds it again.
        user: the name that groups have for it.
        gid: the number of its primary group; `_NO_GID` without one.
    """

    dn: str
    subject: str
    user: str
    gid: str
    member_of: tuple[str, ...]


class LdapDirectory:
    """Asks an LDAP directory.

    Args:
        settings: how to reach and search it.
        names: chooses and renames groups.
    """

    method = LoginMethod.LDAP

    def __init__(self, settings: LdapSettings, names: GroupNames) -> None:
        self._settings = settings
        self._names = names
        self._subject_names = compared_attributes(settings.user_filter)
        self._threads = ThreadPoolExecutor(MAX_QUESTIONS, thread_name_prefix="ldap")
        self._idle: deque[tuple[Connection, float]] = deque()

    async def log_in(self, user: str, password: str) -> Person:
        """See `Directory`. The entry is searched for first, and then its own password tried."""
        return await self._ask(lambda: self._log_in(user, password))

    async def find(self, subject: str) -> Person | None:
        """See `Directory`."""
        return await self._ask(lambda: self._find(subject))

    async def aclose(self) -> None:
        """See `Directory`."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        while self._idle:
            await asyncio.to_thread(_close, self._idle.pop()[0])

    async def _ask(self, question: Callable[[], _Answer]) -> _Answer:
        try:
            async with asyncio.timeout(QUERY_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._threads, question)
        except _FAILURES as error:
            _log.warning("directory_failed", reason=_reason(error))
            raise LoginUnavailable from error

    def _log_in(self, user: str, password: str) -> Person:
        with self._search_connection() as connection:
            entry = self._entry(connection, user)
            if entry is None or not password:
                raise LoginFailed("password")
            self._check_password(entry, password)
            return self._person(connection, entry)

    def _find(self, subject: str) -> Person | None:
        with self._search_connection() as connection:
            entry = self._entry(connection, subject)
            return None if entry is None else self._person(connection, entry)

    def _check_password(self, entry: _Entry, password: str) -> None:
        connection = self._open(entry.dn, password)
        try:
            if connection.bind():
                return
            if connection.result["result"] == _INVALID_CREDENTIALS:
                raise LoginFailed("password")
            raise LDAPException(connection.result["description"])
        except LDAPSASLPrepError as error:  # with characters that no password has (RFC 4013 section 2.3)
            raise LoginFailed("password") from error
        finally:
            _close(connection)

    @contextmanager
    def _search_connection(self) -> Iterator[Connection]:
        """A connection that is bound as the service: one that has waited, or a new one.

        There are no more of them than questions at once. One that something went wrong with is not used again.
        """
        connection = self._waiting_connection() or self._bound_connection()
        try:
            yield connection
        except LoginFailed:
            self._idle.append((connection, time.monotonic()))
            raise
        except BaseException:
            _close(connection)
            raise
        self._idle.append((connection, time.monotonic()))

    def _waiting_connection(self) -> Connection | None:
        with suppress(IndexError):  # another thread may take the last one
            while True:
                connection, since = self._idle.pop()
                if time.monotonic() - since < IDLE_SECONDS and _is_alive(connection):
                    return connection
                _close(connection)
        return None

    def _bound_connection(self) -> Connection:
        connection = self._open(self._settings.bind_dn, self._settings.bind_password)
        is_bound = False
        try:
            is_bound = connection.bind()
        finally:
            if not is_bound:
                _close(connection)
        if not is_bound:
            raise LDAPException(connection.result["description"])
        return connection

    def _open(self, dn: str, password: str) -> Connection:
        """A connection that is encrypted, if it leaves this host, before anything secret goes over it."""
        url = urlsplit(self._settings.url)
        connection = Connection(
            self._server(),
            user=dn or None,
            password=password or None,
            authentication="SIMPLE" if dn else "ANONYMOUS",
            auto_referrals=False,  # the password would be sent to a host that the operator did not name
            receive_timeout=TIMEOUT_SECONDS,
            read_only=True,
        )
        is_safe = False
        try:
            connection.open()
            # Nothing may be sent in the clear, so a directory that refuses TLS is an error.
            is_safe = url.scheme == "ldaps" or url.hostname in _LOOPBACK or connection.start_tls()
        finally:
            if not is_safe:
                _close(connection)
        if not is_safe:
            raise LDAPException("no StartTLS")
        return connection

    def _server(self) -> Server:
        url = urlsplit(self._settings.url)
        is_ldaps = url.scheme == "ldaps"
        return Server(
            url.hostname or "",
            port=url.port or (636 if is_ldaps else 389),
            use_ssl=is_ldaps,
            tls=Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=self._settings.ca_file or None),
            get_info="NO_INFO",
            connect_timeout=TIMEOUT_SECONDS,
        )

    def _entry(self, connection: Connection, user: str) -> _Entry | None:
        """The only entry of a name. If there are several, nobody is found."""
        asked = filled(self._settings.user_filter, {"user": user})
        wanted = dict.fromkeys((*self._subject_names, *_UNIX_NAMES, "gidNumber", "memberOf"))
        found = _search(connection, self._settings.user_base, asked, tuple(wanted), size_limit=2)
        if len(found) != 1:
            return None
        dn, attributes = found[0]
        subject = first_of(attributes, self._subject_names) or user
        name, gid = first_of(attributes, _UNIX_NAMES) or user, first_of(attributes, ("gidNumber",)) or _NO_GID
        return _Entry(dn, subject, name, gid, attributes.get("memberof", ()))

    def _person(self, connection: Connection, entry: _Entry) -> Person:
        groups = {common_name(dn) for dn in entry.member_of}
        if self._settings.group_base:
            of_person = {"dn": entry.dn, "user": entry.user, "gid": entry.gid}
            asked = filled(self._settings.group_filter, of_person)
            found = _search(connection, self._settings.group_base, asked, ("cn",), size_limit=MAX_GROUPS)
            groups |= {name for _, attributes in found for name in attributes.get("cn", ())[:1]}
        return Person(entry.subject, self._names.choose(groups))


def _reason(error: Exception) -> str:
    """What went wrong, for the log. What else a library puts into an error may be what it was given, so it is left out."""
    is_of_directory = isinstance(error, LDAPException | OSError)
    return f"{type(error).__name__}: {error}"[:MAX_REASON_LENGTH] if is_of_directory else type(error).__name__


def _is_alive(connection: Connection) -> bool:
    """Whether anybody is at the other end still: a question about the server itself, whatever the answer is."""
    try:
        connection.search("", "(objectClass=*)", BASE, attributes=["1.1"])
    except _FAILURES:
        return False
    return True


def _close(connection: Connection) -> None:
    with suppress(*_FAILURES):  # it may be broken, which is why it is closed
        connection.unbind()
    if connection.socket is not None:  # the library leaves it open where TLS has failed
        connection.socket.close()


def _search(
    connection: Connection, base: str, asked: str, attributes: tuple[str, ...], *, size_limit: int
) -> list[tuple[str, dict[str, tuple[str, ...]]]]:
    """The entries that a filter finds: name, and attributes by their names in lower case.

    Raises:
        LDAPException: the directory refuses, or finds more groups than it gives.
    """
    connection.search(base, asked, SUBTREE, attributes=list(attributes), size_limit=size_limit)
    code, description = connection.result["result"], connection.result["description"]
    if code not in (0, 4) or (code == 4 and size_limit == MAX_GROUPS):
        raise LDAPException(description)
    return [
        (entry["dn"], {name.lower(): texts_of(values) for name, values in entry["attributes"].items()})
        for entry in connection.response or ()
        if entry["type"] == "searchResEntry"
    ]
