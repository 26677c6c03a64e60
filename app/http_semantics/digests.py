"""Header fields with the digests of a file (RFC 9530)."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from app.domain.entries import Digest
from app.domain.paths import encode_name


def digest_fields(digests: Sequence[Digest]) -> dict[str, str]:
    """`Repr-Digest`, and `X-Checksum-Sha256` for clients that read hex; empty without digests. `X-Pierhead-Digest-Source`
    names the files that say them, percent-encoded, where they are not stored with the file itself.

    They are of the whole representation, even if an answer has only a part of it (RFC 9530 section 3).
    """
    if not digests:
        return {}
    # A Dictionary of Byte Sequences (RFC 8941 sections 3.2 and 3.3.5).
    members = (f"{name}=:{base64.b64encode(value).decode('ascii')}:" for name, value, _ in digests)
    fields = {"Repr-Digest": ", ".join(members)}
    for name, value, _ in digests:
        if name == "sha-256":
            fields["X-Checksum-Sha256"] = value.hex()
    if sources := dict.fromkeys(encode_name(digest.source) for digest in digests if digest.source):
        fields["X-Pierhead-Digest-Source"] = ", ".join(sources)
    return fields
