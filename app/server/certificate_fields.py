"""What a certificate says: until when it is valid, whose it is, and who has signed it (X.690; RFC 5280 section 4.1)."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_END: Final = "-----END CERTIFICATE-----"
_UTC_TIME: Final = 0x17
_VERSION: Final = 0xA0


class CertificateFields(NamedTuple):
    """Of one certificate.

    Attributes:
        issuer: the name of who has signed it, as it is encoded.
        subject: the name of whose it is, as it is encoded.
        not_after: when it expires, in seconds since the epoch.
    """

    issuer: bytes
    subject: bytes
    not_after: float


def fields_of(pem: bytes) -> list[CertificateFields]:
    """The fields of every certificate of a file, in its order.

    Raises:
        ValueError: there is none, or one is no certificate.
    """
    parts = pem.decode("ascii", "replace").split(_BEGIN)[1:]
    try:
        found = [
            _fields(ssl.PEM_cert_to_DER_cert(f"{_BEGIN}{part.partition(_END)[0]}{_END}")) for part in parts
        ]
    except (ValueError, IndexError, StopIteration) as error:
        raise ValueError("not a certificate in PEM") from error
    if not found:
        raise ValueError("not a certificate in PEM")
    return found


def _fields(der: bytes) -> CertificateFields:
    (_, certificate), *_ = _elements(der)
    (_, signed), *_ = _elements(certificate)
    fields = [element for element in _elements(signed) if element[0] != _VERSION]
    _serial, _algorithm, (_, issuer), (_, validity), (_, subject), *_ = fields
    _, (tag, text) = _elements(validity)
    form = "%y%m%d%H%M%SZ" if tag == _UTC_TIME else "%Y%m%d%H%M%SZ"
    not_after = datetime.strptime(text.decode("ascii"), form).replace(tzinfo=UTC).timestamp()
    return CertificateFields(issuer, subject, not_after)


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """The tag and the content of each element of a sequence."""
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(der[at : at + size]), at + size
        yield tag, der[at : at + length]
        at += length
