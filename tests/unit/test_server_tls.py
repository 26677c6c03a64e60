"""Certificates: what is read of them, and which one a client sees."""

from __future__ import annotations

import ssl
import subprocess
import time
from pathlib import Path

import pytest

from app.server.certificate_fields import fields_of
from app.server.tls import Certificates, TlsFiles
from tests.support.certificates import make_certificate

DAY = 86_400


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TlsFiles]:
    directory = tmp_path_factory.mktemp("certificates")

    def files_of(name: str, days: int) -> TlsFiles:
        chain, key = make_certificate(directory, name, days)
        return TlsFiles(chain.read_bytes(), key.read_bytes())

    return {"first": files_of("first", 90), "second": files_of("second", 36_500)}


def shake_hands(context: ssl.SSLContext, client: ssl.SSLContext) -> ssl.SSLObject:
    """A handshake in memory. Returns what the client has of it."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    served = context.wrap_bio(to_server, to_client, server_side=True)
    asked = client.wrap_bio(to_client, to_server)
    sides, left = (asked, served), {asked, served}
    for turn in range(20):
        side = sides[turn % 2]
        try:
            side.do_handshake()
            left.discard(side)
        except ssl.SSLWantReadError:
            continue
    assert not left
    return asked


def client(**settings: object) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    for name, value in settings.items():
        setattr(context, name, value)
    return context


def seen(context: ssl.SSLContext) -> bytes:
    certificate = shake_hands(context, client()).getpeercert(binary_form=True)
    assert certificate
    return ssl.DER_cert_to_PEM_cert(certificate).encode()


def test_another_certificate_is_shown_from_then_on(made: dict[str, TlsFiles]) -> None:
    certificates = Certificates(made["first"])
    context = certificates.context
    assert seen(context) == made["first"].chain
    certificates.use(made["second"])
    assert certificates.context is context
    assert seen(context) == made["second"].chain
    with pytest.raises(ValueError, match="not a certificate with its key"):
        certificates.use(TlsFiles(made["first"].chain, made["second"].key))
    assert seen(context) == made["second"].chain


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions_that_are_spoken(made: dict[str, TlsFiles], version: ssl.TLSVersion) -> None:
    only = client(maximum_version=version, minimum_version=version)
    asked = shake_hands(made["first"].context(), only)
    assert asked.version() == version.name.replace("_", ".")
    assert asked.selected_alpn_protocol() == "http/1.1"


def test_nothing_older_is_spoken_and_nothing_negotiated_anew(made: dict[str, TlsFiles]) -> None:
    context = made["first"].context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION


def test_a_key_with_a_password_is_refused_without_asking_for_it(
    made: dict[str, TlsFiles], tmp_path: Path
) -> None:
    (tmp_path / "plain").write_bytes(made["first"].key)
    subprocess.run(
        [
            "openssl",
            "pkey",
            "-in",
            tmp_path / "plain",
            "-aes256",
            "-passout",
            "pass:x",
            "-out",
            tmp_path / "key",
        ],
        check=True,
        timeout=60,
    )
    with pytest.raises(ValueError, match="the key needs a password"):
        TlsFiles(made["first"].chain, (tmp_path / "key").read_bytes()).context()


def test_a_part_that_is_not_there_is_named(made: dict[str, TlsFiles]) -> None:
    chain, key = made["first"]
    with pytest.raises(ValueError, match="there is no certificate in PEM"):
        TlsFiles(key, key).context()
    with pytest.raises(ValueError, match="there is no private key in PEM"):
        TlsFiles(chain, chain).context()


@pytest.mark.parametrize(("name", "days"), [("first", 90), ("second", 36_500)])
def test_when_it_expires(made: dict[str, TlsFiles], name: str, days: int) -> None:
    """Years from 2050 on are written in another form (RFC 5280 section 4.1.2.5)."""
    assert made[name].expires() - time.time() == pytest.approx(days * DAY, abs=DAY)


def test_every_certificate_of_a_file_is_read(made: dict[str, TlsFiles]) -> None:
    both = fields_of(b"a comment\n" + made["first"].chain + made["second"].chain)
    assert [each.subject == each.issuer for each in both] == [True, True]
    assert [b"first" in each.subject for each in both] == [True, False]
    assert both[1] == fields_of(made["second"].chain)[0]


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"\xff",
        b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nMA\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\n",
    ],
)
def test_what_is_no_certificate(pem: bytes) -> None:
    with pytest.raises(ValueError, match="not a certificate in PEM"):
        fields_of(pem)
