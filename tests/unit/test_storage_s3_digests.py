"""Which of what is stored beside an object is a digest of its bytes."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from app.domain.entries import Digest
from app.storage.s3.digests import stored_digests

SHA256 = Digest("sha-256", hashlib.sha256(b"x").digest())
SHA1 = Digest("sha", hashlib.sha1(b"x", usedforsecurity=False).digest())
MD5 = Digest("md5", hashlib.md5(b"x", usedforsecurity=False).digest())
CRC32C = Digest("crc32c", b"\1\2\3\4")


def b64(digest: Digest) -> str:
    return base64.b64encode(digest.value).decode()


def digests(metadata: dict[str, str] | None = None, **fields: Any) -> tuple[Digest, ...]:
    answer: Any = {"Metadata": metadata or {}, **fields}
    return stored_digests(answer)


def test_checksums_of_s3_are_shown_under_their_names_in_http() -> None:
    found = digests(
        ChecksumSHA256=b64(SHA256),
        ChecksumSHA1=b64(SHA1),
        ChecksumCRC32C=b64(CRC32C),
        ChecksumType="FULL_OBJECT",
    )
    assert found == (SHA256, SHA1, CRC32C)


def test_checksums_that_have_no_name_in_http_are_not_shown() -> None:
    assert digests(ChecksumCRC32="AAAAAA==", ChecksumCRC64NVME="AAAAAAAAAAA=") == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"ChecksumSHA256": b64(SHA256) + "-3"},
        {"ChecksumSHA256": b64(SHA256) + "-3", "ChecksumType": "COMPOSITE"},
        {"ChecksumSHA256": b64(SHA256), "ChecksumType": "COMPOSITE"},
        {"ChecksumSHA256": b64(SHA1)},
        {"ChecksumSHA256": "not base64"},
        {"ChecksumSHA256": ""},
    ],
)
def test_what_is_no_digest_of_the_object_is_passed_over(fields: dict[str, str]) -> None:
    assert digests(None, **fields) == ()


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"sha256": SHA256.value.hex()}, (SHA256,)),
        ({"Sha256": SHA256.value.hex().upper()}, (SHA256,)),
        ({"md5chksum": b64(MD5)}, (MD5,)),
        ({"s3cmd-attrs": f"atime:1/gid:0/gname:root/md5:{MD5.value.hex()}/mode:33188/mtime:1"}, (MD5,)),
        ({"s3cmd-attrs": f"md5:{MD5.value.hex()}"}, (MD5,)),
        ({"s3cmd-attrs": f"gname:md5:{MD5.value.hex()}"}, ()),
        ({"s3cmd-attrs": "gid:0"}, ()),
        ({"sha256": "nonsense"}, ()),
        ({"sha256": SHA1.value.hex()}, ()),
        ({"md5chksum": MD5.value.hex()}, ()),
        ({"other": SHA256.value.hex()}, ()),
    ],
)
def test_digests_that_tools_keep_as_metadata(metadata: dict[str, str], expected: tuple[Digest, ...]) -> None:
    assert digests(metadata) == expected


def test_what_s3_has_verified_goes_before_what_somebody_says() -> None:
    assert digests({"sha256": "00" * 32}, ChecksumSHA256=b64(SHA256)) == (SHA256,)


def test_what_somebody_says_stands_in_for_a_checksum_of_checksums() -> None:
    fields = {"ChecksumSHA256": b64(SHA256) + "-3", "ChecksumType": "COMPOSITE"}
    assert digests({"sha256": SHA256.value.hex()}, **fields) == (SHA256,)
