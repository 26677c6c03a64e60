"""A file left to nginx: the answer says where the bytes are, and nginx sends them to the client.

An answer with `X-Accel-Redirect` makes nginx answer from an internal location in place of what it was given
(https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ignore_headers). Those that are named here are in
`containers/nginx-accel.conf`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from app.domain.paths import ArtifactPath
from app.storage.store import PRIMARY, SignedUrl

DIRECTORIES: Final = "/-/accel/file"
"""Followed by the name of a store, and by a path in it. A reserved path: no file of a tree is hidden by it."""
BUCKETS: Final = "/-/accel/s3"
"""Whatever the bucket: nginx decodes paths, and what was signed has to be what is sent."""
URL_FIELD: Final = "X-Pierhead-Accel-Url"
"""Where in S3 the file is. nginx takes it out of the answer, as it does with nearly every field."""

_OF_THE_BODY: Final = frozenset({"Content-Length", "Accept-Ranges"})
"""Header fields that the sender of the bytes sets."""


def accel_response(
    path: ArtifactPath, headers: Mapping[str, str], signed: SignedUrl | None, origin: str
) -> Response:
    """The answer from which nginx makes that to the client.

    Args:
        path: of a file that the client may have; real, so that no link is followed on the way to it.
        headers: what a 200 says of it.
        signed: its URL in a bucket; None for a directory.
        origin: which of several stores it is in; empty where there is one alone.
    """
    fields = {name: value for name, value in headers.items() if name not in _OF_THE_BODY}
    if signed is None:
        fields["X-Accel-Redirect"] = f"{DIRECTORIES}/{origin or PRIMARY}{path.url}"
    else:
        fields |= {"X-Accel-Redirect": BUCKETS, URL_FIELD: signed.url}
    return Response(None, 200, fields)
