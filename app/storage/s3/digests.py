"""The digests that are stored with an object, read from the answer to a HEAD. No I/O.

Checksums that S3 itself has verified are the `Checksum*` fields (Amazon S3 User Guide, "Checking object integrity").
Objects uploaded without one may carry a digest as user metadata, which is what the uploader claims.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from app.domain.entries import Digest

if TYPE_CHECKING:
    from types_aiobotocore_s3.type_defs import HeadObjectOutputTypeDef

_CHECKSUMS: Final = {"ChecksumSHA256": "sha-256", "ChecksumSHA1": "sha", "ChecksumCRC32C": "crc32c"}
"""The other algorithms of S3 (CRC-32, CRC-64/NVME) have no name in HTTP."""

_BYTES: Final = {"sha-256": 32, "sha": 20, "crc32c": 4, "md5": 16}

_MD5_OF_S3CMD: Final = re.compile(r"(?:^|/)md5:([0-9a-fA-F]{32})(?:/|$)")


def stored_digests(answer: HeadObjectOutputTypeDef) -> tuple[Digest, ...]:
    """Every digest of the whole object, one for each algorithm; S3's own before that of the metadata.

    Checksums of checksums, from multipart uploads, are left out: they are marked as such, or end in the
    number of parts. Values of the wrong length are ignored.
    """
    found: dict[str, Digest] = {}
    for algorithm, value in (*_checksums(answer), *_of_metadata(answer.get("Metadata", {}))):
        if len(value) == _BYTES[algorithm]:
            found.setdefault(algorithm, Digest(algorithm, value))
    return tuple(found.values())


def _checksums(answer: HeadObjectOutputTypeDef) -> Iterator[tuple[str, bytes]]:
    if answer.get("ChecksumType") == "COMPOSITE":
        return
    for field, algorithm in _CHECKSUMS.items():
        yield algorithm, _from_base64(str(answer.get(field, "")))


def _of_metadata(metadata: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    fields = {name.lower(): value.strip() for name, value in metadata.items()}
    for name, algorithm, read in _METADATA:
        if name in fields:
            yield algorithm, read(fields[name])


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _from_s3cmd(text: str) -> bytes:
    found = _MD5_OF_S3CMD.search(text)
    return bytes.fromhex(found[1]) if found else b""


_METADATA: Final[tuple[tuple[str, str, Callable[[str], bytes]], ...]] = (
    ("sha256", "sha-256", _from_hex),
    ("md5chksum", "md5", _from_base64),  # rclone, for uploads in parts
    ("s3cmd-attrs", "md5", _from_s3cmd),  # s3cmd: attribute:value pairs, divided by slashes
)
"""Names behind `x-amz-meta-`, and how their values are read."""
