"""Chooses how the bytes of a file go out: by a redirect to the store, by the nginx in front, or
through this server.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from app.cache.response_cache import RedirectCache
from app.catalog import OpenedFile
from app.domain.access import Principal
from app.domain.errors import ObjectArchived
from app.domain.paths import ArtifactPath
from app.http_semantics import (
    RangeResult,
    Span,
    UnsatisfiableRange,
    Validators,
    Verdict,
    digest_fields,
    evaluate_preconditions,
    if_range_holds,
    is_plain,
    multipart_plan,
    parse_range,
)
from app.policy.serving import DeliveryMode, ServingOptions, ServingRules
from app.responses.accel import accel_response
from app.responses.caching import FILE_VARY, NOT_STORED
from app.responses.file_headers import file_headers, is_rendered
from app.responses.file_stream import FileStream, OpenPart
from app.responses.headers import store_headers
from app.responses.listed_digests import ListedDigests
from app.responses.problems import problem_response
from app.responses.record import note_for_all, record_of
from app.responses.requester import Requester
from app.storage.store import SIGNED_FIELDS, ObjectStore, SignedUrl

LONGEST_TERM: Final = 1.2
"""How long a presigned URL holds at most, in multiples of `presign_seconds`."""
_NOT_MODIFIED_FIELDS: Final = ("ETag", "Last-Modified", "Cache-Control", "Vary", "Content-Security-Policy")
"""Fields that a 304 repeats (RFC 9110 section 15.4.5). A browser replaces the fields that it stored by those of a 304 (RFC 9111
section 3.2), so the policy must stay that of the file."""


class Delivery:
    """Sends files that the principal may have.

    Args:
        store: where the bytes are.
        redirects: caches redirects.
        digests: says what files beside a file say of it.
        serving: the operator's rules for single paths.
        mode: the operator's choice for all other paths. `accel` leaves files to the nginx in front; `auto` redirects if the store
            has URLs of its own.
        requester: knows whether an nginx is in front.
        presign_seconds: life of a presigned URL.
        clock: seconds since the epoch, UTC.
        site: as `accel_response` takes it.
    """

    def __init__(
        self,
        store: ObjectStore,
        redirects: RedirectCache,
        digests: ListedDigests,
        *,
        serving: ServingRules,
        mode: DeliveryMode,
        requester: Requester,
        presign_seconds: int,
        clock: Callable[[], float],
        site: str = "",
    ) -> None:
        self._site = site
        self._store = store
        self._redirects = redirects
        self._digests = digests
        self._serving = serving
        self._mode = mode
        self._requester = requester
        self._presign_seconds = presign_seconds
        self._clock = clock

    async def answer(
        self,
        request: Request,
        path: ArtifactPath,
        principal: Principal,
        opened: OpenedFile,
        *,
        stays: bool = False,
    ) -> ASGIApp:
        """Answer for a file.

        Preconditions and ranges are evaluated here first. Only a request that every sender answers in the same way is
        then left to the store or to the nginx in front.

        Args:
            path: as requested; a folder if the file stands for it.
            stays: whether the answer must come from this host.

        Raises:
            ObjectArchived: it must be restored first.
            As `ObjectStore.presign` and `ObjectStore.open_range`.
        """
        if opened.info.is_archived:
            raise ObjectArchived(opened.info.storage_class)
        record = record_of(request)
        record.is_download = request.method == "GET"
        note_for_all(request, principal)
        opened = await self._digests.completed(opened, principal)
        now = self._clock()
        validators = Validators(opened.info.e_tag, opened.info.modified)
        options = self._serving.options_for(opened.path)
        headers = file_headers(opened, options, validators, now)
        if (answer := _without_body(request, headers, validators, now)) is not None:
            return answer
        ranges = _ranges(request, opened.info.size, validators, now)
        if isinstance(ranges, UnsatisfiableRange):
            return _unsatisfiable(ranges)
        if is_plain(request.headers.getlist, ranges):
            mode = self._mode_for(opened, options, stays=stays or path.is_folder)
            left = await self._left_to_others(request, path, principal, opened, headers, mode)
            if left is not None:
                return left
        record.route = "file-stream"
        return await self._stream(opened, ranges, headers)

    async def _left_to_others(
        self,
        request: Request,
        path: ArtifactPath,
        principal: Principal,
        opened: OpenedFile,
        headers: dict[str, str],
        mode: DeliveryMode,
    ) -> Response | None:
        """The answer that makes the store or nginx send the bytes; None if this server sends them."""
        record = record_of(request)
        if self._may_redirect(mode, principal) and (signed := await self._presigned(opened, headers)):
            record.route = "file-redirect"
            return self._redirect(path, principal, opened, signed)
        if mode == "accel" and self._requester.is_by_proxy(request):
            record.route = "file-accel"
            signed = await self._presigned(opened, headers)
            return accel_response(opened.path, headers, signed, origin=opened.info.origin, site=self._site)
        return None

    def _mode_for(self, opened: OpenedFile, options: ServingOptions, *, stays: bool) -> DeliveryMode:
        """The delivery that is allowed for one file.

        Rendered files need our security policy, and links in an index are relative to its folder: neither may be redirected.
        """
        mode = options.delivery or self._mode
        stays = stays or is_rendered(opened, options)
        return "proxy" if stays and mode in ("auto", "redirect") else mode

    def _may_redirect(self, mode: DeliveryMode, principal: Principal) -> bool:
        """Whether a client may be sent to the store's own URL.

        Never with Authorization: wget sends it on to the redirect's target, and S3 refuses two credentials. And not by
        a link that ends before that URL would.
        """
        link = principal.link
        holds = link is None or self._clock() + self._presign_seconds * LONGEST_TERM <= link.until
        return mode in ("auto", "redirect") and not principal.sent_authorization and holds

    async def _presigned(self, opened: OpenedFile, headers: dict[str, str]) -> SignedUrl | None:
        return await self._store.presign(
            opened.path,
            fields={name: headers[name] for name in SIGNED_FIELDS if name in headers},
            expires=self._presign_seconds,
            origin=opened.info.origin,
        )

    def _redirect(
        self, path: ArtifactPath, principal: Principal, opened: OpenedFile, signed: SignedUrl
    ) -> Response:
        fields = {
            "Location": signed.url,
            **NOT_STORED,
            "Vary": FILE_VARY,
            **digest_fields(opened.info.digests),
            **store_headers(opened.info.origin),
        }
        # Whatever another path leads to is named in the answer, and a kept redirect would not name it.
        if opened.version is not None and opened.path == path:
            self._redirects.keep(path, principal, opened.version, fields, until=signed.until)
        return Response(None, 302, fields)

    async def _stream(
        self, opened: OpenedFile, spans: tuple[Span, ...] | None, headers: dict[str, str]
    ) -> ASGIApp:
        size = opened.info.size
        if spans is None:
            return await FileStream(
                200, headers, [self._part(opened, Span(0, size - 1))] if size else []
            ).open()
        if len(spans) == 1:
            headers["Content-Range"] = spans[0].content_range(size)
            headers["Content-Length"] = str(spans[0].length)
            return await FileStream(206, headers, [self._part(opened, spans[0])]).open()
        plan = multipart_plan(spans, size, headers["Content-Type"], secrets.token_hex(16))
        headers["Content-Type"] = plan.content_type
        headers["Content-Length"] = str(plan.content_length)
        parts = [piece for part in plan.parts for piece in (part.header, self._part(opened, part.span))]
        return await FileStream(206, headers, [*parts, plan.closing]).open()

    def _part(self, opened: OpenedFile, span: Span) -> OpenPart:
        return partial(self._store.open_range, opened.path, opened.info, span.first, span.length)


def _without_body(
    request: Request, headers: dict[str, str], validators: Validators, now: float
) -> Response | None:
    """The answer to a request whose preconditions fail, or to HEAD; None if bytes must be sent."""
    verdict = evaluate_preconditions(request.method, request.headers.getlist, validators, now=now)
    if verdict is Verdict.NOT_MODIFIED:
        return Response(None, 304, {name: headers[name] for name in _NOT_MODIFIED_FIELDS if name in headers})
    if verdict is Verdict.PRECONDITION_FAILED:
        detail = "the file does not match the request's conditions"
        return problem_response(412, "Precondition failed", detail, "precondition-failed")
    if request.method == "HEAD":
        # HEAD is never redirected: a URL signed for GET refuses HEAD. Range means
        # nothing to HEAD (RFC 9110 section 14.2).
        return Response(None, 200, headers)
    return None


def _ranges(request: Request, size: int, validators: Validators, now: float) -> RangeResult:
    if not if_range_holds(request.headers.getlist("if-range"), validators, now=now):
        return None
    return parse_range(request.headers.getlist("range"), size)


def _unsatisfiable(ranges: UnsatisfiableRange) -> Response:
    detail = f"the file has {ranges.size} bytes"
    answer = problem_response(416, "Range not satisfiable", detail, "range-not-satisfiable")
    answer.headers["Content-Range"] = ranges.content_range
    return answer
