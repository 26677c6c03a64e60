"""Answers that several routes give."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from app.domain.access import Principal
from app.http_semantics import Validators, Verdict, choose_encoding, evaluate_preconditions
from app.pages.problem import PROBLEM_MEDIA_TYPE, problem_json
from app.responses.compression import ENCODINGS, MIN_COMPRESSED_BYTES, compressed

LISTING_VARY: Final = "Accept, Accept-Encoding, Authorization, Cookie"


def problem_response(status: int, title: str, detail: str, slug: str, **extensions: object) -> Response:
    """An error as scripts read it (RFC 9457)."""
    body = problem_json(status, title, detail, slug, **extensions)
    return Response(body, status, {"Cache-Control": "no-store"}, media_type=PROBLEM_MEDIA_TYPE)


def internal_error() -> Response:
    """The server itself failed. What went wrong is for the log alone."""
    return problem_response(500, "Internal error", "the server failed to answer", "internal-error")


def rendered(
    request: Request,
    body: bytes,
    media_type: str,
    principal: Principal,
    more_headers: Mapping[str, str] | None = None,
    *,
    also_validated: str = "",
) -> Response:
    """A page or list: compressed as the client likes, with a strong validator, or 304 where it has it already.

    Args:
        body: the identity-encoded body.
        media_type: with its charset.
        principal: who asks; only what everybody sees may be kept by shared caches.
        more_headers: beside those that any such answer has.
        also_validated: what of the headers is part of what is said, so that the validator changes with it.
    """
    encoding = "identity"
    if len(body) >= MIN_COMPRESSED_BYTES:
        encoding = choose_encoding(request.headers.getlist("accept-encoding"), ENCODINGS)
    # Taken before compression, and another one for each encoding: as `FolderPages` does.
    e_tag = hashlib.blake2b(body + also_validated.encode(), digest_size=16).hexdigest() + (
        "" if encoding == "identity" else f"-{encoding}"
    )
    headers = {
        "ETag": f'"{e_tag}"',
        "Vary": LISTING_VARY,
        "Cache-Control": cache_control(principal),
        "Content-Type": media_type,
        **(more_headers or {}),
    }
    if is_not_modified(request, e_tag):
        return Response(None, 304, headers)
    if encoding != "identity":
        headers["Content-Encoding"] = encoding
        body = compressed(body, encoding)
    return Response(body, 200, headers)


def is_not_modified(request: Request, e_tag: str) -> bool:
    """Whether the client has this very body. A rendered page has no time of its own, so only tags count."""

    def tags_only(name: str) -> list[str]:
        return request.headers.getlist(name) if name == "if-none-match" else []

    verdict = evaluate_preconditions(request.method, tags_only, Validators(e_tag, 0.0), now=0.0)
    return verdict is Verdict.NOT_MODIFIED


class CacheHeaders:
    """What answers say of how long they may be kept, and by whom (RFC 9111 section 3, RFC 5861).

    Args:
        ttl: seconds for which a folder is served as it was read; 0 for not at all.
        grace: seconds after that for which it is served while it is read again.
        max_stale: age in seconds up to which it is served if it cannot be read.
    """

    def __init__(self, ttl: int, grace: int, max_stale: int) -> None:
        lives = f"max-age={ttl}, stale-while-revalidate={grace}, stale-if-error={max(0, max_stale - ttl)}"
        folder = f"public, {lives}" if ttl else REVALIDATE
        self._ttl = ttl
        self._public = (b"cache-control", folder.encode("ascii"))
        self._private = (b"cache-control", NOT_KEPT.encode("ascii"))
        self._age_fields = lru_cache(1024)(self._make_age_fields)

    def of_folder(self, principal: Principal) -> tuple[bytes, bytes]:
        """For a folder's page, whose age counts from when the folder was read; a raw field."""
        return self._public if _is_everybody(principal) else self._private

    def of_age(self, age: float, *, is_stale: bool) -> Sequence[tuple[bytes, bytes]]:
        """How old a page is that others may keep (RFC 9111 section 5.1); raw fields.

        nginx pays no heed to Age, and would keep for the whole ttl what is old already. What is left of it is
        told by its own field, which it believes before Cache-Control and passes on to nobody.
        """
        return self._age_fields(int(age), is_stale)

    def _make_age_fields(self, age: int, is_stale: bool) -> Sequence[tuple[bytes, bytes]]:
        left = 0 if is_stale else max(0, self._ttl - age)
        fields = ((b"age", b"%d" % age), (b"x-accel-expires", b"%d" % left))
        return (*fields, _STALE) if is_stale else fields


_STALE: Final = (b"cache-status", b"pierhead; hit; detail=stale")
"""RFC 9211 section 2."""
REVALIDATE: Final = "no-cache"
"""May be kept by anybody, and is asked for again each time."""
NOT_KEPT: Final = "private, no-store"


def cache_control(principal: Principal) -> str:
    """For what has no age of its own: only what everybody sees may be kept."""
    return REVALIDATE if _is_everybody(principal) else NOT_KEPT


def _is_everybody(principal: Principal) -> bool:
    return principal.is_anonymous and not principal.trusted


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
