"""Spans of OpenTelemetry: one for each request, and below it one for each call to the storage that was made for it.

Loaded only where tracing is on, since its libraries are an extra. A thread of its own sends the spans; while the receiver
is slow or gone, those that do not fit its queue are dropped.

Names are those of the semantic conventions, https://opentelemetry.io/docs/specs/semconv/http/http-spans/.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import (
    SERVICE_INSTANCE_ID,
    SERVICE_NAME,
    SERVICE_VERSION,
    OTELResourceDetector,
    Resource,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from app import __version__
from app.telemetry.access_log import AccessLine
from app.telemetry.metrics import Metrics
from app.telemetry.trace import Trace, current_trace

CLOSE_SECONDS: Final = 2.0
"""What the end of the server waits for the last spans to be sent."""
LAST_SPANS: Final = "last-spans"
"""Name of the thread that sends them."""
SERVER_FAILS: Final = 500

_METHODS: Final = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
"""Methods that the conventions know; they call all others `_OTHER`."""
_NO_FAULT: Final = frozenset(
    {"ok", "not-found", "moved", "changed", "archived", "encrypted", "cancelled", "refused"}
)
"""Outcomes of a call that say nothing against the storage."""
_NAMELESS: Final = Trace("")
_PROBE: Final = "check"


class RequestSpan(NamedTuple):
    """The span of a request that is being answered. One that is never ended is not sent.

    Attributes:
        trace: of the request, with this span as the parent of all that is done for it.
    """

    span: Span
    trace: Trace

    def end(self, line: AccessLine) -> None:
        """End it with the answer.

        Args:
            line: as it is logged.
        """
        if self.span.is_recording():
            self.span.update_name(f"{_method(line)} {line.route}")
            self.span.set_attributes(_attributes(line))
            if line.status >= SERVER_FAILS or line.broken:
                self.span.set_status(StatusCode.ERROR, line.broken or None)
                self.span.set_attribute("error.type", "broken" if line.broken else str(line.status))
        self.span.end()


class Tracing:
    """Makes spans.

    Attributes:
        resource: says which server they are of.

    Args:
        provider: of the SDK. It samples, and hands ended spans on.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self.resource = provider.resource
        self._provider = provider
        self._tracer = provider.get_tracer("pierhead", __version__)

    def begin(self, trace: Trace | None, seconds: float = 0.0) -> RequestSpan:
        """Begin the span of a request.

        Args:
            trace: what the request says of itself; None for nothing.
            seconds: since the request has come.
        """
        trace = trace or _NAMELESS
        span = self._start("HTTP", SpanKind.SERVER, trace, seconds, is_remote=True)
        context = span.get_span_context()
        if not context.is_valid:
            return RequestSpan(span, trace)
        trace_id, own_id = f"{context.trace_id:032x}", f"{context.span_id:016x}"
        parent = f"00-{trace_id}-{own_id}-{context.trace_flags:02x}"
        return RequestSpan(span, trace._replace(trace_id=trace_id, parent=parent))

    def note_call(self, store: str, operation: str, outcome: str, seconds: float) -> None:
        """Make the span of a call to a store that has ended just now, if it was made for a request."""
        trace = current_trace()
        if trace is None or not trace.parent or operation == _PROBE:
            return
        span = self._start(f"{operation} {store}", SpanKind.CLIENT, trace, seconds, is_remote=False)
        if span.is_recording():
            span.set_attributes(
                {
                    "pierhead.storage.store": store,
                    "pierhead.storage.operation": operation,
                    "pierhead.storage.outcome": outcome,
                }
            )
            if outcome not in _NO_FAULT:
                span.set_status(StatusCode.ERROR)
                span.set_attribute("error.type", outcome)
        span.end()

    def watch(self, metrics: Metrics) -> TracedCalls:
        """What counts calls to stores, and makes a span of each."""
        return TracedCalls(metrics, self)

    async def aclose(self) -> None:
        """Send what waits. A receiver that does not take it is not waited for."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True, name=LAST_SPANS)
        closing.start()
        await asyncio.to_thread(closing.join, CLOSE_SECONDS)

    def _start(self, name: str, kind: SpanKind, trace: Trace, seconds: float, *, is_remote: bool) -> Span:
        context = set_span_in_context(NonRecordingSpan(_caller(trace, is_remote=is_remote)))
        return self._tracer.start_span(
            name, context, kind, start_time=time.time_ns() - round(seconds * 1_000_000_000)
        )


class TracedCalls:
    """A `StorageWatch` that counts calls, and makes a span of each.

    Args:
        metrics: where they are counted.
        tracing: makes the spans.
    """

    def __init__(self, metrics: Metrics, tracing: Tracing) -> None:
        self._metrics = metrics
        self._tracing = tracing

    def observer_of(self, store: str) -> Callable[[str, str, float], None]:
        """See `app.storage.observation.StorageWatch`."""
        count = self._metrics.observer_of(store)

        def observe(operation: str, outcome: str, seconds: float) -> None:
            count(operation, outcome, seconds)
            self._tracing.note_call(store, operation, outcome, seconds)

        return observe

    def note(self, event: str, store: str) -> None:
        """See `app.storage.observation.StorageWatch`."""
        self._metrics.note(event, store)

    def note_circuit(self, store: str, *, is_open: bool) -> None:
        """See `app.storage.observation.StorageWatch`."""
        self._metrics.note_circuit(store, is_open=is_open)


def open_tracing(replica_id: str) -> Tracing:
    """Send spans by OTLP over HTTP, as the variables `OTEL_*` say.

    Args:
        replica_id: the `service.instance.id`, unless the variables have another one.
    """
    ours = {
        SERVICE_NAME: "pierhead",
        SERVICE_VERSION: __version__,
        SERVICE_INSTANCE_ID: replica_id,
    }
    # `create` lets its argument win over the variables.
    resource = Resource.create(ours).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)


def _caller(trace: Trace, *, is_remote: bool) -> SpanContext:
    """The span that a trace names as its parent; an invalid one, which is none, without a trace."""
    if not trace.parent:
        return SpanContext(0, 0, is_remote)
    _, trace_id, parent_id, flags = trace.parent.split("-")
    state = TraceState.from_header([trace.state]) if trace.state else None
    return SpanContext(int(trace_id, 16), int(parent_id, 16), is_remote, TraceFlags(int(flags, 16)), state)


def _attributes(line: AccessLine) -> dict[str, str | int]:
    """What is said of a request: what its log line has, without who asked."""
    method = _method(line)
    named: dict[str, str | int | None] = {
        "http.request.method": method,
        "http.request.method_original": line.method if method != line.method else None,
        "http.route": line.route,
        "http.response.status_code": line.status,
        "url.path": line.path,
        "client.address": line.client,
        "user_agent.original": line.agent,
        "pierhead.cache": line.cache,
        "pierhead.request_id": line.request_id,
    }
    found = {name: value for name, value in named.items() if value}
    return found | {"http.response.body.size": line.bytes}


def _method(line: AccessLine) -> str:
    return line.method if line.method in _METHODS else "_OTHER"
