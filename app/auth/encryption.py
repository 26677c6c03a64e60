"""Encryption of short values with a shared key (RFC 7516).

Apart from `sealing`, so that a site without logins does not load the library.
"""

from __future__ import annotations

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey


def encrypt(header: dict[str, str], payload: bytes, key: bytes, algorithms: list[str]) -> str:
    """Encrypt and authenticate.

    Args:
        header: names the key and the algorithms; all may read it.
        algorithms: no others are allowed.
    """
    return jwe.encrypt_compact(header, payload, OctKey.import_key(key), algorithms=algorithms)


def decrypt(sealed: str, key: bytes, algorithms: list[str]) -> bytes | None:
    """What was encrypted; None if it was altered, or encrypted with another key.

    Args:
        algorithms: no others are allowed.
    """
    try:
        return jwe.decrypt_compact(sealed, OctKey.import_key(key), algorithms=algorithms).plaintext
    except (JoseError, ValueError):
        return None
