"""Lets nginx send a file: the answer names the place of the bytes, and nginx sends them to the client.

An answer with `X-Accel-Redirect` makes nginx answer from an internal location instead
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
"""Followed by the site's name, of several, the name of a store, and a path in it. A reserved path, so that it hides no file of a tree."""
BUCKETS: Final = "/-/accel/s3"
"""The same for every bucket: nginx decodes paths, but a signed URL must be sent unchanged."""
URL_FIELD: Final = "X-Pierhead-Accel-Url"
"""The file's URL in S3. nginx removes it from the answer, like nearly every field."""

_OF_THE_BODY: Final = frozenset({"Content-Length", "Accept-Ranges"})
"""Header fields that the sender of the bytes sets."""


def accel_response(
    path: ArtifactPath,
    headers: Mapping[str, str],
    signed: SignedUrl | None,
    *,
    origin: str,
    site: str = "",
) -> Response:
    """The answer to nginx.

    Args:
        path: of a file that the client may have; the real path, without links.
        headers: of a 200.
        signed: its URL in a bucket; None for a directory.
        origin: the one of several stores that has it; empty if there is only one.
        site: the one of several sites that it is of; empty for the one outside all tables.
    """
    fields = {name: value for name, value in headers.items() if name not in _OF_THE_BODY}
    if signed is None:
        fields["X-Accel-Redirect"] = "/".join(
            part for part in (DIRECTORIES, site, f"{origin or PRIMARY}{path.url}") if part
        )
    else:
        fields |= {"X-Accel-Redirect": BUCKETS, URL_FIELD: signed.url}
    return Response(None, 200, fields)
