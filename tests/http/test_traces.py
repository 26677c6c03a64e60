"""OpenTelemetry: requests and calls to the storage, as a receiver of OTLP gets them."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from app.telemetry.tracing import LAST_SPANS
from tests.support.aws import S3Endpoint, point_aws_at
from tests.support.live_server import app_for
from tests.support.site_trees import SiteClient, client_of
from tests.support.span_receiver import SpanReceiver, receive_spans, values_of
from tests.support.switched_s3 import BUCKET, run_switched_s3
from tests.support.waiting import wait_until

SECONDS = 60
CALLER = "00f067aa0ba902b7"
CACHED: dict[str, Any] = {"cache_ttl": 600, "cache_grace": 60, "cache_max_stale": 6000}


class Traced(NamedTuple):
    """A server, and the receiver of its spans."""

    http: SiteClient
    receiver: SpanReceiver

    def trace(self, path: str, flags: str = "01", method: str = "GET", **fields: str) -> list[Span]:
        """The spans of one request, the server's own last; empty where another one that came later has its own, and it has not."""
        asked, later = secrets.token_hex(16), secrets.token_hex(16)
        self.http.request(method, path, headers={"traceparent": f"00-{asked}-{CALLER}-{flags}", **fields})
        self.http.get("/none/", headers={"traceparent": f"00-{later}-{CALLER}-01"})
        assert wait_until(lambda: bool(self._of(later)), SECONDS)
        return self._of(asked)

    def _of(self, trace_id: str) -> list[Span]:
        found = [span for span in self.receiver.spans if span.trace_id.hex() == trace_id]
        return found if any(span.kind == Span.SPAN_KIND_SERVER for span in found) else []


@pytest.fixture(scope="module", autouse=True)
def receiver() -> Iterator[SpanReceiver]:
    with receive_spans() as receiver, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        patch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
        yield receiver


@pytest.fixture(scope="module")
def site(receiver: SpanReceiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    tree = tmp_path_factory.mktemp("tree")
    (tree / "a").mkdir()
    (tree / "a/f.txt").write_text("x")
    with client_of(app_for(str(tree), tracing="on", **CACHED)) as http:
        yield Traced(http, receiver)


def test_a_request_is_a_span_below_its_callers_with_its_calls_below_it(site: Traced, tmp_path: Path) -> None:
    *calls, request = site.trace("/a/none.txt?format=json&link=abc", "01", **{"X-Request-Id": "mine"})
    assert request.parent_span_id.hex() == CALLER
    assert (request.kind, request.status.code) == (Span.SPAN_KIND_SERVER, Status.STATUS_CODE_UNSET)
    values = values_of(request.attributes)
    assert request.name == f"GET {values['http.route']}"
    expected = {
        "http.request.method": "GET",
        "http.response.status_code": 404,
        "url.path": "/a/none.txt",
        "client.address": "127.0.0.1",
        "pierhead.request_id": "mine",
    }
    assert values | expected == values
    assert calls
    for call in calls:
        assert (call.kind, call.parent_span_id) == (Span.SPAN_KIND_CLIENT, request.span_id)
        assert request.start_time_unix_nano <= call.start_time_unix_nano + 10**7
        said = values_of(call.attributes)
        assert call.name == f"{said['pierhead.storage.operation']} primary"
        assert said["pierhead.storage.outcome"] in ("ok", "not-found")


def test_what_is_answered_from_memory_is_a_span_too(site: Traced) -> None:
    def is_fast() -> bool:
        (*_, request) = site.trace("/a/")
        return values_of(request.attributes).get("pierhead.cache") == "fast"

    assert wait_until(is_fast, SECONDS)
    (request,) = site.trace("/a/")
    assert (request.name, request.parent_span_id.hex()) == ("GET folder-html", CALLER)


def test_a_request_that_its_caller_does_not_sample_has_no_span(site: Traced) -> None:
    assert site.trace("/a/none.txt", "00") == []
    assert site.trace("/a/", "00") == []


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/readyz/storage"])
def test_probes_have_no_span(site: Traced, path: str) -> None:
    assert site.trace(path) == []


def test_no_secret_is_in_a_span(site: Traced) -> None:
    fields = {"Authorization": "Bearer s3cret-token", "Cookie": "session=s3cret-cookie"}
    for path in (
        "/a/none.txt?link=s3cret-link",
        "/a/?format=json&q=s3cret-word",
        "/-/login?next=s3cret-next",
    ):
        spans = site.trace(path, **fields)
        assert spans
        assert b"s3cret" not in b"".join(span.SerializeToString() for span in spans)


def test_the_server_says_who_it_is(site: Traced) -> None:
    assert site.trace("/a/")
    names = ("service.name", "service.instance.id", "deployment.environment.name", "telemetry.sdk.language")
    assert [site.receiver.resource[name] for name in names] == ["pierhead", "test", "test", "python"]


def test_a_bucket_that_fails_is_a_call_that_failed_and_the_bucket_is_given_the_span(
    receiver: SpanReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_switched_s3({"d/f.txt": b"x"}) as s3:
        point_aws_at(monkeypatch, S3Endpoint(s3.url))
        with client_of(app_for(f"s3://{BUCKET}", tracing="on")) as http:
            site = Traced(http, receiver)
            (*_, request) = site.trace("/d/")
            given = {
                value
                for asked in s3.requests
                for name, value in asked.headers.items()
                if name.lower() == "traceparent" and request.trace_id.hex() in value
            }
            assert given == {f"00-{request.trace_id.hex()}-{request.span_id.hex()}-01"}
            point_aws_at(monkeypatch, S3Endpoint("http://127.0.0.1:9"))
    with client_of(app_for(f"s3://{BUCKET}", tracing="on")) as http:
        *calls, request = Traced(http, receiver).trace("/d/")
    assert request.status.code == Status.STATUS_CODE_ERROR
    assert {call.status.code for call in calls} == {Status.STATUS_CODE_ERROR}
    assert values_of(request.attributes)["error.type"] == "503"


def test_a_receiver_that_is_gone_keeps_no_request_waiting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with client_of(app_for(str(tmp_path), tracing="on")) as http:
        for _ in range(3):
            assert http.get("/").status_code == 200
    assert wait_until(lambda: LAST_SPANS not in [thread.name for thread in threading.enumerate()], SECONDS)
