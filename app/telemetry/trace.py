"""The id of a request and its place in a trace, from the client to the log and on to the storage.

Trace Context: W3C Recommendation, https://www.w3.org/TR/trace-context/. What is malformed is left out, as section 3.2.2 says.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, NamedTuple

import structlog

REQUEST_ID: Final = b"x-request-id"
PARENT: Final = b"traceparent"
STATE: Final = b"tracestate"
FIELDS: Final = frozenset({REQUEST_ID, PARENT, STATE})
MAX_STATE_BYTES: Final = 512

_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_PARENT: Final = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)
_STATE: Final = re.compile(rb"[\x20-\x7e]*")


class Trace(NamedTuple):
    """What a request says of itself.

    Attributes:
        request_id: of the client, or made here.
        is_given: whether it is the client's.
        trace_id: 32 hexadecimal digits; empty without a trace.
        parent: value of `traceparent` in version 00; empty without a trace.
        state: value of `tracestate`; empty for none.
    """

    request_id: str
    is_given: bool = False
    trace_id: str = ""
    parent: str = ""
    state: str = ""

    @property
    def fields(self) -> Mapping[str, str]:
        """As header fields of calls that are made for the request."""
        named = {"X-Request-Id": self.request_id, "traceparent": self.parent, "tracestate": self.state}
        return {name: value for name, value in named.items() if value}


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def trace_of(fields: Iterable[tuple[bytes, bytes]]) -> Trace:
    """The trace of a request.

    Args:
        fields: raw, names in lower case.
    """
    found: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        if name in FIELDS:
            found.setdefault(name, []).append(value)
    ids = found.get(REQUEST_ID, [])
    is_given = len(ids) == 1 and _ID.fullmatch(ids[0]) is not None
    request_id = ids[0].decode("ascii") if is_given else secrets.token_hex(16)
    parents = found.get(PARENT, [])
    parent = _parse(parents[0]) if len(parents) == 1 else None
    if parent is None:
        return Trace(request_id, is_given)
    state = b",".join(found.get(STATE, []))
    usable = len(state) <= MAX_STATE_BYTES and _STATE.fullmatch(state) is not None
    said = state.decode("ascii") if usable else ""
    return Trace(request_id, is_given, parent[0], f"00-{'-'.join(parent)}", said)


def raw_id(trace: Trace) -> list[tuple[bytes, bytes]]:
    """The id of a request as a raw header field of its answer, if the client gave one."""
    return [(REQUEST_ID, trace.request_id.encode("ascii"))] if trace.is_given else []


def _parse(value: bytes) -> tuple[str, str, str] | None:
    """The ids of the trace and of the caller, and the flags. Versions to come may have more behind them (section 3.2.2.3)."""
    found = _PARENT.fullmatch(value)
    if found is None or (value.startswith(b"00") and found[4]):
        return None
    trace_id, caller, flags = (found[number].decode("ascii") for number in (1, 2, 3))
    return trace_id, caller, flags


@contextmanager
def traced(trace: Trace) -> Iterator[None]:
    """Have everything that is done in this block, and all that it starts, belong to a request."""
    token = _current.set(trace)
    try:
        yield
    finally:
        _current.reset(token)


def current_trace() -> Trace | None:
    """The trace of the request for which something is done now; None outside of a request."""
    return _current.get()


def traced_fields() -> Mapping[str, str]:
    """Header fields for a call that is made now; none outside of a request."""
    trace = _current.get()
    return {} if trace is None else trace.fields


def name_request(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Put the request into a log line that is written for it. A processor of structlog."""
    trace = _current.get()
    if trace is not None:
        event.setdefault("request_id", trace.request_id)
        if trace.trace_id:
            event.setdefault("trace_id", trace.trace_id)
    return event
