"""Answers that several routes give."""

from __future__ import annotations

import gzip
import hashlib
from typing import Any, Final

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from app.domain.access import Principal
from app.http_semantics import Validators, Verdict, choose_encoding, evaluate_preconditions
from app.pages.problem import PROBLEM_MEDIA_TYPE, problem_json

MIN_COMPRESSED_BYTES: Final = 1024
"""Below this, an answer fits the first packets anyway."""

LISTING_VARY: Final = "Accept, Accept-Encoding, Authorization, Cookie"


def problem_response(status: int, title: str, detail: str, slug: str, **extensions: object) -> Response:
    """An error as scripts read it (RFC 9457)."""
    body = problem_json(status, title, detail, slug, **extensions)
    return Response(body, status, {"Cache-Control": "no-store"}, media_type=PROBLEM_MEDIA_TYPE)


def rendered(request: Request, body: bytes, media_type: str, principal: Principal) -> Response:
    """A page or list: compressed as the client likes, with a strong validator, or 304 where it has it already.

    Args:
        body: the identity-encoded body.
        media_type: with its charset.
        principal: who asks; only what everybody sees may be kept by shared caches.
    """
    encoding = "identity"
    if len(body) >= MIN_COMPRESSED_BYTES:
        encoding = choose_encoding(request.headers.getlist("accept-encoding"), ("gzip",))
    # The validator is taken before compression, so that replicas with another zlib agree on it; a strong
    # one differs between encodings (RFC 9110 section 8.8.3.3).
    e_tag = hashlib.blake2b(body, digest_size=16).hexdigest() + ("-gz" if encoding == "gzip" else "")
    headers = {
        "ETag": f'"{e_tag}"',
        "Vary": LISTING_VARY,
        "Cache-Control": cache_control(principal),
        "Content-Type": media_type,
    }
    if _is_not_modified(request, e_tag):
        return Response(None, 304, headers)
    if encoding == "gzip":
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, compresslevel=5, mtime=0)
    return Response(body, 200, headers)


def _is_not_modified(request: Request, e_tag: str) -> bool:
    """Whether the client has this very body. A rendered page has no time of its own, so only tags count."""

    def tags_only(name: str) -> list[str]:
        return request.headers.getlist(name) if name == "if-none-match" else []

    verdict = evaluate_preconditions(request.method, tags_only, Validators(e_tag, 0.0), now=0.0)
    return verdict is Verdict.NOT_MODIFIED


def cache_control(principal: Principal) -> str:
    """`no-cache` (kept, but asked for again) for what everybody sees; nothing else may be kept at all."""
    return "no-cache" if principal.is_anonymous and not principal.trusted else "private, no-store"


class Problem(BaseModel):
    """RFC 9457. Further members, such as `licences` or `groups`, tell the next step."""

    type: str
    title: str
    status: int
    detail: str


def problem_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI descriptions of error answers."""
    content = {PROBLEM_MEDIA_TYPE: {"schema": Problem.model_json_schema()}}
    return {status: {"description": "Problem", "content": content} for status in statuses}
