"""Pages and lists that are made for each request."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from app.domain.access import Principal
from app.domain.turns import run_aside
from app.http_semantics import Validators, Verdict, choose_encoding, evaluate_preconditions
from app.responses.caching import LISTING_VARY, kept_for
from app.responses.compression import ENCODINGS, MIN_COMPRESSED_BYTES, compressed


async def rendered(
    request: Request,
    body: bytes,
    media_type: str,
    principal: Principal,
    more_headers: Mapping[str, str] | None = None,
    *,
    also_validated: str = "",
) -> Response:
    """A page or list, compressed as the client prefers, with a strong validator; or 304 if the client has it.

    Args:
        body: the identity-encoded body.
        media_type: with its charset.
        principal: who asks. Shared caches may keep only answers that everybody sees.
        more_headers: in addition to those of every such answer.
        also_validated: parts of the headers that the validator must cover.
    """
    encoding = "identity"
    if len(body) >= MIN_COMPRESSED_BYTES:
        encoding = choose_encoding(request.headers.getlist("accept-encoding"), ENCODINGS)
    # Made before compression, with a different one for each encoding, as in `FolderPages`.
    validated = body + also_validated.encode()
    tag = await run_aside(lambda: hashlib.blake2b(validated, digest_size=16), size=len(body))
    e_tag = tag.hexdigest() + ("" if encoding == "identity" else f"-{encoding}")
    headers = {
        "ETag": f'"{e_tag}"',
        "Vary": LISTING_VARY,
        **kept_for(principal),
        "Content-Type": media_type,
        **(more_headers or {}),
    }
    if is_not_modified(request, e_tag):
        return Response(None, 304, headers)
    if encoding != "identity":
        headers["Content-Encoding"] = encoding
        body = await run_aside(partial(compressed, body, encoding), size=len(body))
    return Response(body, 200, headers)


def is_not_modified(request: Request, e_tag: str) -> bool:
    """Whether the client has this body. A rendered page has no time, so only tags count."""
    if "if-none-match" not in request.headers:
        return False

    def tags_only(name: str) -> list[str]:
        return request.headers.getlist(name) if name == "if-none-match" else []

    verdict = evaluate_preconditions(request.method, tags_only, Validators(e_tag, 0.0), now=0.0)
    return verdict is Verdict.NOT_MODIFIED
