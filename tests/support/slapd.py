"""A real LDAP directory, OpenLDAP's slapd, on the loopback."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.waiting import free_port, wait_until

START_SECONDS = 180
PASSWORD = "correct horse"
SUFFIX = "dc=example,dc=test"
PEOPLE, GROUPS = f"ou=people,{SUFFIX}", f"ou=groups,{SUFFIX}"
ADMIN, ADMIN_PASSWORD = f"cn=admin,{SUFFIX}", "admin password"

_CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
pidfile {directory}/slapd.pid
TLSCACertificateFile {directory}/ca.pem
TLSCertificateFile {directory}/ca.pem
TLSCertificateKeyFile {directory}/key.pem
database mdb
suffix "{suffix}"
rootdn "{admin}"
rootpw "{admin_password}"
directory {directory}/db
maxsize 67108864
overlay memberof
access to attrs=userPassword by self write by anonymous auth by * none
access to * by users read by anonymous none
"""

_ENTRIES = """
dn: {suffix}
objectClass: domain
dc: example

dn: {people}
objectClass: organizationalUnit
ou: people

dn: {groups}
objectClass: organizationalUnit
ou: groups

dn: uid=alice,{people}
objectClass: inetOrgPerson
uid: alice
cn: Alice (the first)
sn: A
userPassword: {password}

dn: uid=bob\\2C jr,{people}
objectClass: inetOrgPerson
uid: bob, jr
cn: Bob
sn: B
userPassword: {password}

dn: uid={{user}},{people}
objectClass: inetOrgPerson
uid: carol
uid: {{user}}
cn: Carol
sn: C
mail: carol@example.test
userPassword: {password}
memberOf: cn=readers\\, all,ou=elsewhere,{suffix}

dn: cn=staff,{groups}
objectClass: groupOfNames
cn: staff
member: uid=alice,{people}

dn: cn=board,{groups}
objectClass: groupOfUniqueNames
cn: board
uniqueMember: uid=alice,{people}

dn: uid=dave,{people}
objectClass: inetOrgPerson
objectClass: posixAccount
uid: dave
cn: dave
sn: D
uidNumber: 1004
gidNumber: 1000
homeDirectory: /
userPassword: {password}

dn: cn=builders,{groups}
objectClass: posixGroup
cn: builders
gidNumber: 1000
memberUid: alice

dn: cn=others,{groups}
objectClass: groupOfNames
cn: others
member: uid=bob\\2C jr,{people}

dn: cn=secret,{groups}
objectClass: groupOfNames
cn: secret
member: uid=carol,{people}
"""


class Slapd(NamedTuple):
    """Attributes:
    port, tls_port: where it listens on 127.0.0.1, and on 127.0.0.2 as well.
    ca_file: its certificate.
    """

    port: int
    tls_port: int
    ca_file: Path
    process: subprocess.Popen[bytes]

    def settings(self, **changed: Any) -> dict[str, Any]:
        """Settings of a site whose people are in it."""
        return {
            "ldap_url": f"ldap://127.0.0.1:{self.port}",
            "ldap_user_base": PEOPLE,
            "ldap_group_base": GROUPS,
            "ldap_bind_dn": ADMIN,
            "ldap_bind_password": ADMIN_PASSWORD,
        } | changed

    @contextmanager
    def password_of(self, user: str, password: str) -> Iterator[None]:
        """Give somebody another password until the block ends."""
        self._set_password(user, password)
        try:
            yield
        finally:
            self._set_password(user, PASSWORD)

    def _set_password(self, user: str, password: str) -> None:
        change = (
            f"dn: uid={user},{PEOPLE}\nchangetype: modify\nreplace: userPassword\nuserPassword: {password}\n"
        )
        command = [
            "ldapmodify",
            "-x",
            "-H",
            f"ldap://127.0.0.1:{self.port}",
            "-D",
            ADMIN,
            "-w",
            ADMIN_PASSWORD,
        ]
        subprocess.run(command, input=change.encode(), check=True, stdout=subprocess.DEVNULL)


@contextmanager
def slapd(directory: Path) -> Iterator[Slapd]:
    """A directory that runs until the block ends."""
    names = {"suffix": SUFFIX, "people": PEOPLE, "groups": GROUPS, "password": PASSWORD, "admin": ADMIN}
    (directory / "db").mkdir()
    _make_certificate(directory)
    configuration = _CONFIGURATION.format(directory=directory, admin_password=ADMIN_PASSWORD, **names)
    (directory / "slapd.conf").write_text(configuration)
    entries = _ENTRIES.format(**names).strip().encode()
    subprocess.run(["slapadd", "-q", "-f", directory / "slapd.conf"], input=entries, check=True)
    port, tls_port = free_port(), free_port()
    where = [f"ldap://127.0.0.1:{port}", f"ldap://127.0.0.2:{port}", f"ldaps://127.0.0.1:{tls_port}"]
    command = ["slapd", "-d", "0", "-f", str(directory / "slapd.conf"), "-h", " ".join(where)]
    process = subprocess.Popen(command)
    try:
        assert wait_until(lambda: _listens(tls_port), START_SECONDS), "slapd did not start"
        yield Slapd(port, tls_port, directory / "ca.pem", process)
    finally:
        process.terminate()
        process.wait(20)


def _make_certificate(directory: Path) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-subj", "/CN=directory.test", "-days", "2"),
            *("-addext", "subjectAltName=IP:127.0.0.1,IP:127.0.0.2"),
            *("-keyout", directory / "key.pem", "-out", directory / "ca.pem"),
        ],
        check=True,
        capture_output=True,
    )


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
