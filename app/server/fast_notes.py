"""Notes the answers of the fast path in log, metrics and traces."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from app.server.fast_lookup import FILE_REDIRECT, FILE_STREAM, FastAnswer
from app.server.fast_request import FastRequest
from app.telemetry import AccessLine, AccessLog, Metrics
from app.telemetry.trace import Trace

if TYPE_CHECKING:
    from app.telemetry.tracing import Tracing

Note = Callable[[float], None]
"""Takes the seconds from the head of a request to the last byte of its answer that was passed to the network."""


class FastNotes:
    """Counts answers, logs them and traces them.

    Args:
        metrics: where they are counted.
        access_log: takes a line for each; None for no lines.
        tracing: makes a span of each; None for no spans.
        replica_id: named in every log line.
    """

    def __init__(
        self,
        *,
        metrics: Metrics,
        access_log: AccessLog | None,
        tracing: Tracing | None,
        replica_id: str,
    ) -> None:
        self._access_log = access_log
        self._tracing = tracing
        self._replica_id = replica_id
        self._observe = lru_cache(256)(partial(_observer, metrics))

    def once(self, request: FastRequest, answer: FastAnswer) -> Note:
        """What notes one answer."""
        return partial(self._note, request, answer)

    def repeated(self, request: FastRequest, answer: FastAnswer) -> Note:
        """The same for an answer that is given again and again: as much as can be is done beforehand."""
        if self._tracing is not None:
            return self.once(request, answer)
        observe, size = self._observe(answer.route, answer.status, answer.cache), len(answer.body)
        if self._access_log is None:
            return lambda seconds: observe(seconds, size)
        write_line = self._access_log.repeated(self._line(request, answer, 0.0, request.trace))

        def note(seconds: float) -> None:
            observe(seconds, size)
            write_line(seconds)

        return note

    def _note(self, request: FastRequest, answer: FastAnswer, seconds: float) -> None:
        trace = request.trace
        self._observe(answer.route, answer.status, answer.cache)(seconds, len(answer.body))
        span = None if self._tracing is None else self._tracing.begin(trace, seconds)
        if span is not None:
            trace = span.trace
        elif self._access_log is None:
            return
        line = self._line(request, answer, seconds, trace)
        if self._access_log is not None:
            self._access_log.write(line)
        if span is not None:
            span.end(line)

    def _line(
        self, request: FastRequest, answer: FastAnswer, seconds: float, trace: Trace | None
    ) -> AccessLine:
        asked = request.asked
        return AccessLine(
            answer.status,
            len(answer.body),
            seconds,
            request.method,
            asked.path_text,
            answer.route,
            asked.client,
            asked.subject,
            request.agent,
            self._replica_id,
            answer.cache,
            "",
            *(() if trace is None else (trace.request_id, trace.trace_id)),
        )


def _observer(metrics: Metrics, route: str, status: int, cached: str) -> Callable[[float, int], None]:
    """What counts an answer of so many seconds and bytes."""
    is_download = route in (FILE_REDIRECT, FILE_STREAM)
    return metrics.tally(route, status, cached, is_download=is_download).observe
