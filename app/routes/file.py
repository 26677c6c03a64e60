"""A file: by way of the store's own URL, by the nginx in front, or through this server."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from app.catalog import OpenedFile
from app.domain.access import Access, Principal
from app.domain.paths import ArtifactPath
from app.http_semantics import (
    RangeResult,
    Span,
    UnsatisfiableRange,
    Validators,
    Verdict,
    content_disposition,
    digest_fields,
    disposition_kind,
    evaluate_preconditions,
    if_range_holds,
    media_type_for,
    multipart_plan,
    parse_range,
)
from app.responses.accel import is_plain, left_to_nginx
from app.responses.headers import store_headers
from app.responses.line_stream import FileStream, OpenPart
from app.responses.problems import problem_response
from app.responses.record import record_of
from app.routes.services import Services
from app.storage.store import ObjectStore, SignedUrl

DOWNLOAD_VARY: Final = "Accept, Authorization, Cookie, License-Accepted"
CONTENT_SECURITY_POLICY: Final = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""Published files come from many hands: one that a browser shows in place can run nothing."""

_NOT_MODIFIED_FIELDS: Final = ("ETag", "Last-Modified", "Cache-Control", "Vary")
"""What a 304 repeats (RFC 9110 section 15.4.5)."""


async def download(request: Request, path: ArtifactPath, principal: Principal, services: Services) -> ASGIApp:
    """Answer for a file: by a redirect to the store, by leaving it to nginx, or with the bytes themselves.

    Preconditions are evaluated where the bytes are: a redirect ignores them (RFC 9110 section 13.2.1), and
    the store behind it honours them by the same validators.

    Raises:
        As `Catalog.open_file`, `ObjectStore.presign` and `ObjectStore.open_range`.
    """
    record = record_of(request)
    record.route = "file"
    opened = await services.catalog.open_file(path, principal)
    validators = Validators(opened.info.e_tag, opened.info.modified)
    headers = _headers(opened, validators, services.clock())
    if request.method == "GET":
        record.is_download = True
        if _may_redirect(request, principal, services) and (
            signed := await _presigned(opened, headers, services)
        ):
            record.route = "file-redirect"
            return _redirect(path, principal, opened, signed, services)
    verdict = evaluate_preconditions(
        request.method, request.headers.getlist, validators, now=services.clock()
    )
    if verdict is Verdict.NOT_MODIFIED:
        return Response(None, 304, {name: headers[name] for name in _NOT_MODIFIED_FIELDS})
    if verdict is Verdict.PRECONDITION_FAILED:
        detail = "the file is not the one that the request's conditions name"
        return problem_response(412, "Precondition failed", detail, "precondition-failed")
    if request.method == "HEAD":
        # Answered here and never by a redirect: a URL signed for GET is refused to HEAD. Range means
        # nothing to HEAD (RFC 9110 section 14.2).
        return Response(None, 200, headers)
    ranges = _ranges(request, opened.info.size, validators, services.clock())
    if isinstance(ranges, UnsatisfiableRange):
        return _unsatisfiable(ranges)
    if services.may_leave_files(request) and is_plain(request, ranges):
        record.route = "file-accel"
        signed = await _presigned(opened, headers, services)
        return left_to_nginx(opened.path, headers, signed, opened.info.origin)
    record.route = "file-stream"
    return await _stream(opened, ranges, headers, services.store)


def _headers(opened: OpenedFile, validators: Validators, now: float) -> dict[str, str]:
    """Everything a 200 says about the file."""
    media_type = opened.info.content_type or media_type_for(opened.path.name)
    is_public = opened.access is Access.PUBLIC
    return {
        "Content-Type": media_type,
        "Content-Length": str(opened.info.size),
        "Content-Disposition": content_disposition(opened.path.name, disposition_kind(media_type)),
        "ETag": validators.etag,
        "Last-Modified": validators.last_modified(now),
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-cache" if is_public else "private, no-store",
        "Vary": DOWNLOAD_VARY,
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        **store_headers(opened.info.origin),
        **digest_fields(opened.info.digests),
    }


def _may_redirect(request: Request, principal: Principal, services: Services) -> bool:
    """Whether the store's own URL would serve this client as well as we can.

    Never with Authorization: wget sends it on to the redirect's target, and S3 refuses two credentials.
    Never for several ranges: S3 knows one, and answers with the first or with the whole file.
    """
    wants_several_ranges = any("," in line for line in request.headers.getlist("range"))
    redirects = services.delivery in ("auto", "redirect")
    return redirects and not principal.sent_authorization and not wants_several_ranges


async def _presigned(opened: OpenedFile, headers: dict[str, str], services: Services) -> SignedUrl | None:
    return await services.store.presign(
        opened.path,
        content_type=headers["Content-Type"],
        disposition=headers["Content-Disposition"],
        expires=services.presign_seconds,
        origin=opened.info.origin,
    )


def _redirect(
    path: ArtifactPath, principal: Principal, opened: OpenedFile, signed: SignedUrl, services: Services
) -> Response:
    fields = {
        "Location": signed.url,
        "Cache-Control": "no-store",
        "Vary": DOWNLOAD_VARY,
        **digest_fields(opened.info.digests),
        **store_headers(opened.info.origin),
    }
    if opened.version is not None:
        services.redirects.keep(path, principal, opened.version, fields, until=signed.until)
    return Response(None, 302, fields)


def _ranges(request: Request, size: int, validators: Validators, now: float) -> RangeResult:
    if not if_range_holds(request.headers.getlist("if-range"), validators, now=now):
        return None
    return parse_range(request.headers.getlist("range"), size)


def _unsatisfiable(ranges: UnsatisfiableRange) -> Response:
    detail = f"the file has {ranges.size} bytes"
    answer = problem_response(416, "Range not satisfiable", detail, "range-not-satisfiable")
    answer.headers["Content-Range"] = ranges.content_range
    return answer


async def _stream(
    opened: OpenedFile, spans: tuple[Span, ...] | None, headers: dict[str, str], store: ObjectStore
) -> ASGIApp:
    size = opened.info.size
    open_span = partial(_span_of, store, opened)
    if spans is None:
        return await FileStream(200, headers, [open_span(Span(0, size - 1))] if size else []).open()
    if len(spans) == 1:
        headers["Content-Range"] = spans[0].content_range(size)
        headers["Content-Length"] = str(spans[0].length)
        return await FileStream(206, headers, [open_span(spans[0])]).open()
    plan = multipart_plan(spans, size, headers["Content-Type"], secrets.token_hex(16))
    headers["Content-Type"] = plan.content_type
    headers["Content-Length"] = str(plan.content_length)
    parts = [piece for part in plan.parts for piece in (part.header, open_span(part.span))]
    return await FileStream(206, headers, [*parts, plan.closing]).open()


def _span_of(store: ObjectStore, opened: OpenedFile, span: Span) -> OpenPart:
    return partial(store.open_range, opened.path, opened.info, span.first, span.length)
