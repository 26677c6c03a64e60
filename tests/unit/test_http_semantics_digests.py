from __future__ import annotations

import hashlib

from app.domain.entries import Digest
from app.http_semantics import digest_fields

HELLO = b'{"hello": "world"}\n'


def test_the_example_of_the_rfc_comes_out_as_it_says() -> None:
    """RFC 9530 appendix B.1."""
    fields = digest_fields([Digest("sha-256", hashlib.sha256(HELLO).digest())])
    assert fields["Repr-Digest"] == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
    assert fields["X-Checksum-Sha256"] == hashlib.sha256(HELLO).hexdigest()


def test_several_are_one_dictionary() -> None:
    fields = digest_fields([Digest("crc32c", b"\0\1\2\3"), Digest("sha-256", bytes(32))])
    assert fields == {
        "Repr-Digest": "crc32c=:AAECAw==:, sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:",
        "X-Checksum-Sha256": "00" * 32,
    }


def test_without_sha_256_there_is_no_field_of_its_own() -> None:
    assert digest_fields([Digest("md5", bytes(16))]) == {"Repr-Digest": "md5=:AAAAAAAAAAAAAAAAAAAAAA==:"}


def test_without_any_there_is_no_field() -> None:
    assert digest_fields([]) == {}
