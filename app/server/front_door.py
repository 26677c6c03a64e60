"""The front door: every request and every answer passes through here.

It dispatches between the tree and the reserved paths, sets the headers that all answers share, and writes
one log line and one metric per request.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import structlog
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.auth.fields import PREFIX
from app.auth.root_paths import RootPaths
from app.domain.errors import BadParameter, PathAboveRoot, StoreError
from app.domain.mounts import mount_of
from app.domain.paths import canonical_path, has_misleading_links
from app.domain.reserved import is_reserved
from app.responses.caching import REVALIDATED, Variation
from app.responses.cross_origin import CrossOrigin, origin_of
from app.responses.headers import shared_headers
from app.responses.problems import problem_response
from app.responses.record import (
    CLIENT_GONE,
    FAILED,
    SCOPE_KEY,
    SERVER_STOPPED,
    RequestRecord,
    broken_by_store,
)
from app.responses.redirects import redirect
from app.routes.errors import ErrorAnswers
from app.server.fast_path import FastPath
from app.server.fast_request import MAX_LOGGED_TEXT, logged_text
from app.server.framing import fault_of_head
from app.server.outgoing import OutgoingAnswer
from app.server.refusals import MISDIRECTED
from app.telemetry import AccessLine, AccessLog, Metrics
from app.telemetry.trace import Trace, trace_of, traced

if TYPE_CHECKING:
    from app.telemetry.tracing import RequestSpan, Tracing

QUIET: Final = frozenset({"/healthz", "/readyz", "/readyz/storage", "/metrics"})
"""Probes. They are neither logged nor traced, because they would flood both."""

CLIENT_CLOSED_REQUEST: Final = 499
"""For log and metrics, as in nginx: the client went away before a status was sent."""

_log = structlog.get_logger("pierhead.access")


class FrontDoor:
    """The ASGI application.

    Attributes:
        fast_path: answers from memory. The server's protocol calls it directly.

    Args:
        tree: answers every path of the published tree.
        reserved: answers the server's own paths, and the lifespan.
        errors: make answers to requests that get to neither, and to those that fail.
        fast_path: answers from memory.
        root_paths: tell below which path a request asks for the site.
        variation: says on what else answers depend.
        cross_origin: says which other sites may read what anybody gets.
        is_own_host: whether a Host field is one that is answered; called with None where there is none.
        metrics: where requests are counted.
        access_log: takes a line for each; None for no lines.
        tracing: makes a span of each; None for no spans.
        replica_id: named in every answer and log line.
    """

    def __init__(
        self,
        tree: ASGIApp,
        reserved: ASGIApp,
        *,
        errors: ErrorAnswers,
        fast_path: FastPath,
        root_paths: RootPaths,
        variation: Variation,
        cross_origin: CrossOrigin,
        is_own_host: Callable[[bytes | None], bool],
        metrics: Metrics,
        access_log: AccessLog | None,
        tracing: Tracing | None,
        replica_id: str,
    ) -> None:
        self._root_paths = root_paths
        self._variation = variation
        self._cross_origin = cross_origin
        self._is_own_host = is_own_host
        self._tree = tree
        self._reserved = reserved
        self._errors = errors
        self.fast_path = fast_path
        self._metrics = metrics
        self._access_log = access_log
        self._tracing = tracing
        self._replica_id = replica_id
        self._shared_headers = shared_headers(replica_id)

    def for_other_hosts(self, access_log: AccessLog | None) -> FrontDoor:
        """A door that answers probes, and refuses everything else as meant for a host that is not served here."""
        door = copy(self)
        door._is_own_host = lambda host: False
        door._access_log = access_log
        return door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._reserved(scope, receive, send)
            return
        record = RequestRecord(is_head=scope["method"] == "HEAD", has_misleading_links=_resolve(scope))
        request = None
        if not record.has_misleading_links:
            request, is_answered = await self.fast_path.answer_by_asgi(scope, send)
            if is_answered:
                return
        for_all = self._cross_origin.fields(origin_of(Headers(scope=scope)))
        trace = trace_of(scope["headers"])
        span = None if self._tracing is None else self._tracing.begin(trace)
        if span is not None:
            trace = span.trace
        answer = OutgoingAnswer(send, self._shared_headers, self._variation, for_all, record, trace)
        scope[SCOPE_KEY] = record
        if request is not None:
            record.parsed = request.asked.parsed
            record.identity = request.asked.parsed.identity
        with traced(trace):
            try:
                await self._answer(scope, receive, record, answer)
            finally:
                self._finish(scope, record, answer, trace, span)

    async def _answer(
        self, scope: Scope, receive: Receive, record: RequestRecord, answer: OutgoingAnswer
    ) -> None:
        """Answer a request, whatever happens."""
        try:
            await self._dispatch(scope, record)(scope, receive, answer.send)
        except StoreError as error:
            # Reached only when the body broke off: earlier errors get an answer. Returning
            # without the last message makes the server cut the connection, so that no client takes the
            # partial body for a complete one.
            record.ended = broken_by_store(error)
        except ClientDisconnect:
            record.ended = CLIENT_GONE
            answer.status = answer.status or CLIENT_CLOSED_REQUEST
        except asyncio.CancelledError:
            # Only a stopping server cancels a request, after waiting for it. It
            # ends here: the log above would report it as a failure of the application.
            record.ended = SERVER_STOPPED
        except Exception:  # noqa: BLE001 - the last line of defence: no stack trace ever goes to a client
            record.ended = FAILED
            _log.exception("request_failed", path=_path(scope))
            if not answer.status:
                await self._errors.failure(Request(scope))(scope, receive, answer.send)

    def _dispatch(self, scope: Scope, record: RequestRecord) -> ASGIApp:
        try:
            below = self._below_root_path(scope, record)
        except BadParameter as error:
            return self._errors.other(
                Request(scope), HTTPStatus.BAD_REQUEST, "Bad request", str(error), "bad-parameter"
            )
        if below:
            _set_path(scope, below)
        if record.parsed is not None:
            return self._tree  # the fast path reads only well-formed requests for the tree
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if (refusal := fault_of_head(scope["headers"], hosts, scope["http_version"])) is not None:
            return self._errors.other(Request(scope), *refusal)
        # Probes come by addresses. No page: it would name a site that the client did not ask for.
        if not self._is_own_host(hosts[0] if hosts else None) and scope["path"] not in QUIET:
            return problem_response(*MISDIRECTED)
        if scope["method"] == "OPTIONS":
            preflight = self._cross_origin.preflight(Headers(scope=scope))
            if preflight is not None:
                return preflight
        if not below:
            record.is_for_all = True
            return _to_start_page(scope, record.root_path)
        first_segment = scope["path"].split("/", 2)[1] if scope["path"].startswith("/") else ""
        if not is_reserved(first_segment) or mount_of(scope["raw_path"]).prefix:
            return self._tree
        return self._reserved

    def _below_root_path(self, scope: Scope, record: RequestRecord) -> bytes:
        """Note the root path of a request, and give the rest of its path; empty where there is not even a slash."""
        forwarded, peer = Headers(scope=scope).getlist(PREFIX), _peer(scope)
        record.root_path = self._root_paths.of(forwarded, peer)
        return self._root_paths.below(scope["raw_path"], forwarded, peer)

    def _finish(
        self,
        scope: Scope,
        record: RequestRecord,
        answer: OutgoingAnswer,
        trace: Trace,
        span: RequestSpan | None,
    ) -> None:
        seconds = time.perf_counter() - record.started
        self._measure(record, answer, seconds)
        if scope["path"] in QUIET or (self._access_log is None and span is None):
            return
        identity = record.identity
        line = AccessLine(
            method=scope["method"],
            path=_path(scope),
            status=answer.status,
            bytes=answer.body_bytes,
            seconds=seconds,
            route=record.route,
            client=str(identity.client) if identity and identity.client else _peer(scope),
            subject=identity.principal.subject if identity else None,
            agent=logged_text(dict(scope["headers"]).get(b"user-agent")),
            replica=self._replica_id,
            cache=record.cache,
            broken=record.ended.reason,
            request_id=trace.request_id,
            trace_id=trace.trace_id,
        )
        if self._access_log is not None:
            self._access_log.write(line)
        if span is not None:
            span.end(line)

    def _measure(self, record: RequestRecord, answer: OutgoingAnswer, seconds: float) -> None:
        status = str(answer.status)
        if not record.is_download or answer.status not in (200, 206, 302, CLIENT_CLOSED_REQUEST):
            self._metrics.pages.labels(record.route, status, record.cache).observe(seconds)
            return
        self._metrics.download_bytes.labels(record.route).inc(answer.body_bytes)
        if record.ended.cause:
            self._metrics.downloads_aborted.labels(record.route, record.ended.cause).inc()
        else:
            self._metrics.downloads.labels(record.route, status).observe(seconds)


def _to_start_page(scope: Scope, root_path: str) -> Response:
    """Redirect a root path without its slash to the root of the site."""
    query: bytes = scope["query_string"]
    return redirect(301, f"{root_path}/" + (f"?{query.decode('latin-1')}" if query else ""), REVALIDATED)


def _set_path(scope: Scope, raw: bytes) -> None:
    scope["raw_path"], scope["path"] = raw, unquote(raw.decode("ascii"))


def _resolve(scope: Scope) -> bool:
    """Make the path of a request canonical for all code behind. An impossible path is refused later.

    Returns:
        Whether the links of a page may mislead where it is shown below the path as it was sent.
    """
    raw: bytes = scope.get("raw_path") or b""
    with suppress(PathAboveRoot):
        if raw.startswith(b"/") and (canonical := canonical_path(raw)) != raw:
            _set_path(scope, canonical)
            return has_misleading_links(raw)
    return False


def _path(scope: Scope) -> str:
    """The canonical path, still percent-encoded. The query is never logged: it may hold a signature."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
    return raw[:MAX_LOGGED_TEXT].decode("ascii", "backslashreplace")


def _peer(scope: Scope) -> str | None:
    return scope["client"][0] if scope.get("client") else None
