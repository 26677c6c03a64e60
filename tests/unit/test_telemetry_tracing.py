"""Spans: their parents, their content, and that no request waits for them to be sent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, TraceFlags

from app.telemetry import AccessLine, Metrics
from app.telemetry.trace import Trace, trace_of, traced
from app.telemetry.tracing import RequestSpan, Tracing, open_tracing

TRACE_ID, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
LINE = AccessLine(200, 10, 0.1, "GET", "/a/", "folder-html", "192.0.2.7", "alice", "curl", "r1")
STUCK_SECONDS = 20
"""More than the end of a server waits for spans, and less than the SDK would."""


class Spans:
    """What makes spans, and those that were sampled and have ended."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracing = Tracing(provider)

    @property
    def ended(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def one(self, line: AccessLine) -> ReadableSpan:
        """The span of a request that is answered like this."""
        self.tracing.begin(None).end(line)
        return self.ended[-1]


@pytest.fixture
def spans() -> Spans:
    return Spans()


def asked(flags: str = "01") -> Trace:
    parent = f"00-{TRACE_ID}-{CALLER}-{flags}".encode()
    return trace_of([(b"traceparent", parent), (b"tracestate", b"a=b"), (b"x-request-id", b"mine")])


def parent_of(span: ReadableSpan) -> str | None:
    return f"{span.parent.span_id:016x}" if span.parent else None


def own_id(request: RequestSpan) -> str:
    return request.trace.parent.split("-")[2]


def test_a_request_continues_the_trace_of_its_caller(spans: Spans) -> None:
    request = spans.tracing.begin(asked())
    assert request.trace == asked()._replace(parent=f"00-{TRACE_ID}-{own_id(request)}-01")
    request.end(LINE)
    (span,) = spans.ended
    assert span.context is not None
    assert (f"{span.context.trace_id:032x}", parent_of(span), span.kind) == (
        TRACE_ID,
        CALLER,
        SpanKind.SERVER,
    )
    assert span.context.trace_state.to_header() == "a=b"


def test_a_request_without_a_trace_begins_one(spans: Spans) -> None:
    for said in (None, Trace("mine")):
        request = spans.tracing.begin(said)
        assert request.trace.parent.startswith(f"00-{request.trace.trace_id}-{own_id(request)}-")
        assert int(request.trace.parent[-2:], 16) & TraceFlags.SAMPLED
        request.end(LINE)
        assert parent_of(spans.ended[-1]) is None


def test_what_is_not_sampled_is_passed_on_so(spans: Spans) -> None:
    request = spans.tracing.begin(asked("00"))
    assert request.trace.parent.startswith(f"00-{TRACE_ID}-")
    assert request.trace.parent.endswith("-00")
    with traced(request.trace):
        spans.tracing.note_call("primary", "list", "ok", 0.1)
    request.end(LINE)
    assert spans.ended == ()


def test_the_sampler_is_that_of_the_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    assert Spans().tracing.begin(asked()).trace.parent.endswith("-00")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert Spans().tracing.begin(asked()).trace == asked()


def test_a_span_has_what_the_log_has_without_who_asked(spans: Spans) -> None:
    span = spans.one(LINE._replace(cache="fast", request_id="mine"))
    assert (span.name, span.status.status_code) == ("GET folder-html", StatusCode.UNSET)
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": "folder-html",
        "http.response.status_code": 200,
        "http.response.body.size": 10,
        "url.path": "/a/",
        "client.address": "192.0.2.7",
        "user_agent.original": "curl",
        "pierhead.cache": "fast",
        "pierhead.request_id": "mine",
    }


@pytest.mark.parametrize(
    ("line", "error_type"),
    [
        (LINE._replace(status=404), None),
        (LINE._replace(status=503), "503"),
        (LINE._replace(broken="the client went away"), "broken"),
    ],
)
def test_what_failed_is_marked(spans: Spans, line: AccessLine, error_type: str | None) -> None:
    span = spans.one(line)
    assert (span.attributes or {}).get("error.type") == error_type
    assert (span.status.status_code == StatusCode.ERROR) is (error_type is not None)


def test_a_method_that_nobody_knows_makes_no_name_of_its_own(spans: Spans) -> None:
    span = spans.one(LINE._replace(method="BREW"))
    assert span.name == "_OTHER folder-html"
    assert (span.attributes or {})["http.request.method_original"] == "BREW"


@pytest.mark.parametrize(
    ("outcome", "is_fault"),
    [("ok", False), ("not-found", False), ("cancelled", False), ("denied", True), ("timeout", True)],
)
def test_a_call_is_a_span_below_its_request(spans: Spans, outcome: str, is_fault: bool) -> None:
    request = spans.tracing.begin(asked())
    with traced(request.trace):
        spans.tracing.watch(Metrics()).observer_of("replica-1")("list", outcome, 0.5)
    (call,) = spans.ended
    assert (call.name, call.kind, parent_of(call)) == ("list replica-1", SpanKind.CLIENT, own_id(request))
    assert (call.attributes or {})["pierhead.storage.outcome"] == outcome
    assert (call.status.status_code == StatusCode.ERROR) is is_fault
    assert call.start_time is not None
    assert call.end_time is not None
    assert call.end_time - call.start_time >= 0.4e9


def test_a_call_that_is_made_for_no_request_has_no_span(spans: Spans) -> None:
    spans.tracing.note_call("primary", "list", "ok", 0.1)
    with traced(Trace("mine")):
        spans.tracing.note_call("primary", "list", "ok", 0.1)
    with traced(spans.tracing.begin(asked()).trace):
        spans.tracing.note_call("primary", "check", "ok", 0.1)
    assert spans.ended == ()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, ("pierhead", "r1")),
        ({"OTEL_SERVICE_NAME": "files"}, ("files", "r1")),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=of-all,service.instance.id=one"}, ("of-all", "one")),
    ],
)
async def test_the_variables_say_who_the_server_is(
    variables: dict[str, str], expected: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    tracing = open_tracing("r1")
    said = tracing.resource.attributes
    await tracing.aclose()
    assert (said["service.name"], said["service.instance.id"]) == expected


class StuckExporter(SpanExporter):
    """Takes spans, and never gets rid of them before it is let go."""

    def __init__(self) -> None:
        self.has_begun, self.let_go = threading.Event(), threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.has_begun.set()
        self.let_go.wait()
        return SpanExportResult.FAILURE


async def test_nobody_waits_for_a_receiver_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.telemetry.tracing.CLOSE_SECONDS", 0.1)
    exporter, provider = StuckExporter(), TracerProvider(shutdown_on_exit=False)
    processor = BatchSpanProcessor(
        exporter, max_queue_size=4, max_export_batch_size=1, schedule_delay_millis=10
    )
    provider.add_span_processor(processor)
    tracing = Tracing(provider)
    try:
        async with asyncio.timeout(STUCK_SECONDS):
            tracing.begin(None).end(LINE)
            await asyncio.to_thread(exporter.has_begun.wait)
            for _ in range(20):
                tracing.begin(None).end(LINE)
            await tracing.aclose()
    finally:
        exporter.let_go.set()
