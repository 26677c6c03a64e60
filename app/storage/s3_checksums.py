"""The checksum that S3 or a publisher stored with an object. Pure."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types_aiobotocore_s3.type_defs import HeadObjectOutputTypeDef

METADATA_NAME: Final = "sha256"
"""`x-amz-meta-sha256`: where publishing tools put the digest of a file that S3 keeps no checksum of."""

_HEX: Final = re.compile("[0-9a-f]{64}")


def stored_sha256(answer: HeadObjectOutputTypeDef) -> str | None:
    """The SHA-256 of a whole object in lower-case hex, from a HeadObject answer with `ChecksumMode=ENABLED`.

    A checksum of checksums, as multipart uploads have it, is none of the object's bytes (Amazon S3 User
    Guide, "Checking object integrity"): it ends in `-` and the number of parts. What S3 has checked goes
    before what somebody wrote beside the object.
    """
    try:
        digest = b64decode(answer.get("ChecksumSHA256", ""), validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) == 32:
        return digest.hex()
    written = answer.get("Metadata", {}).get(METADATA_NAME, "").lower()
    return written if _HEX.fullmatch(written) else None
