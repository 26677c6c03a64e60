"""Which of the checksums beside an object is the SHA-256 of its bytes."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Any

import pytest

from app.storage.s3_checksums import stored_sha256

DIGEST = hashlib.sha256(b"content")
OTHER = hashlib.sha256(b"other").hexdigest()
BASE64 = b64encode(DIGEST.digest()).decode()
HEX = DIGEST.hexdigest()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({}, None),
        ({"ChecksumSHA256": BASE64}, HEX),
        ({"ChecksumSHA256": BASE64, "Metadata": {"sha256": OTHER}}, HEX),
        ({"Metadata": {"sha256": HEX}}, HEX),
        ({"Metadata": {"sha256": HEX.upper()}}, HEX),
        ({"ChecksumSHA256": f"{BASE64}-3"}, None),
        ({"ChecksumSHA256": f"{BASE64}-3", "Metadata": {"sha256": HEX}}, HEX),
        ({"ChecksumSHA256": BASE64[:20]}, None),
        ({"ChecksumSHA256": "=%="}, None),
        ({"ChecksumCRC32": "AAAAAA=="}, None),
        ({"Metadata": {"sha256": HEX[:-1]}}, None),
        ({"Metadata": {"sha256": HEX + "\n"}}, None),
        ({"Metadata": {"sha256": "x" * 64}}, None),
        ({"Metadata": {"md5": HEX}}, None),
    ],
)
def test_only_the_digest_of_the_whole_object_counts(answer: Any, expected: str | None) -> None:
    assert stored_sha256(answer) == expected
