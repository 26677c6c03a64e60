"""A receiver of OpenTelemetry spans: OTLP over HTTP, as a collector takes it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class SpanReceiver(ThreadingHTTPServer):
    """Keeps what it is sent.

    Attributes:
        spans: in the order in which they came.
        resource: attributes of what has sent them.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[Span] = []
        self.resource: dict[str, str | int] = {}
        self.url = f"http://127.0.0.1:{self.server_port}"

    def take(self, message: ExportTraceServiceRequest) -> None:
        """Take one message."""
        for of_resource in message.resource_spans:
            self.resource = values_of(of_resource.resource.attributes)
            for of_scope in of_resource.scope_spans:
                self.spans.extend(of_scope.spans)


class _Handler(BaseHTTPRequestHandler):
    server: SpanReceiver

    def do_POST(self) -> None:
        """Answer as OTLP's specification says."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert (self.path, self.headers["Content-Type"]) == ("/v1/traces", "application/x-protobuf")
        self.server.take(ExportTraceServiceRequest.FromString(body))
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def values_of(attributes: Iterator[KeyValue]) -> dict[str, str | int]:
    """The attributes of a span or of a resource."""
    return {
        one.key: getattr(one.value, one.value.WhichOneof("value") or "string_value") for one in attributes
    }


@contextmanager
def receive_spans() -> Iterator[SpanReceiver]:
    """Receive until the block ends."""
    with SpanReceiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=(0.05,), name="span-receiver")
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join()
