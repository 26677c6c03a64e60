"""One line for each request.

At thousands of requests a second, a general logging library costs more than serving a page that is in memory.
So JSON lines are put together by the encoder alone and written many at a time; everything else that the
process has to say goes the usual way.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final, NamedTuple, Protocol, TextIO

import orjson
import structlog

LOGGER: Final = "pierhead.access"
FLUSH_SECONDS: Final = 0.1
"""How long a line may wait for others. A process that is killed loses the lines of that time."""
FLUSH_BYTES: Final = 64 * 1024


class AccessLine(NamedTuple):
    """What is said of one request. No query, cookie or credential is in it.

    Attributes:
        path: as it was sent, still percent-encoded.
        bytes: of the body, as handed to the network.
        seconds: from the request's head to the last byte.
        route: what answered.
        client: address, as far as proxies are believed.
        subject: of the token, if there was one.
        agent: the client's own word for itself.
        broken: why the answer was not sent to its end; empty if it was.
    """

    method: str
    path: str
    status: int
    bytes: int
    seconds: float
    route: str
    client: str | None
    subject: str | None
    agent: str | None
    replica: str
    broken: str = ""


class AccessLog(Protocol):
    """Where access lines go."""

    def write(self, line: AccessLine) -> None:
        """Take one line."""
        ...

    def close(self) -> None:
        """Write whatever is waiting, and from now on every line at once: the server stops."""
        ...


class ConsoleAccessLog:
    """For people: through the same library, in the same form, as every other line."""

    def __init__(self) -> None:
        self._log = structlog.get_logger(LOGGER)

    def write(self, line: AccessLine) -> None:
        """See `AccessLog.write`."""
        fields = line._asdict() | {"seconds": round(line.seconds, 6)}
        if not line.broken:
            del fields["broken"]
        self._log.info("request", **fields)

    def close(self) -> None:
        """See `AccessLog.close`. Nothing ever waits."""


class JsonAccessLog:
    """One JSON object a line, gathered for a moment and written together. For one event loop.

    Args:
        stream: where they go; written to as bytes, below its own buffer.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting = bytearray()
        self._second = 0
        self._second_text = ""
        self._is_closed = False

    def write(self, line: AccessLine) -> None:
        """See `AccessLog.write`."""
        if not self._waiting and not self._is_closed:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        self._waiting += orjson.dumps(_json_fields(line, self._now()), option=orjson.OPT_APPEND_NEWLINE)
        if self._is_closed or len(self._waiting) >= FLUSH_BYTES:
            self.flush()

    def close(self) -> None:
        """See `AccessLog.close`."""
        self._is_closed = True
        self.flush()

    def flush(self) -> None:
        """Write whatever is waiting."""
        if self._waiting:
            waiting = bytes(self._waiting)
            self._waiting.clear()
            self._stream.buffer.write(waiting)
            self._stream.buffer.flush()

    def _now(self) -> str:
        """The time in UTC to the microsecond; the part down to the second is put together once a second."""
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._second_text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._second_text}.{int((now - second) * 1e6):06d}Z"


def _json_fields(line: AccessLine, now: str) -> dict[str, object]:
    """What `ConsoleAccessLog` shows, in the order of every other line. Spelt out, for it is made often."""
    fields: dict[str, object] = {
        "timestamp": now,
        "level": "info",
        "logger": LOGGER,
        "event": "request",
        "method": line.method,
        "path": line.path,
        "status": line.status,
        "bytes": line.bytes,
        "seconds": round(line.seconds, 6),
        "route": line.route,
        "client": line.client,
        "subject": line.subject,
        "agent": line.agent,
        "replica": line.replica,
    }
    if line.broken:
        fields["broken"] = line.broken
    return fields
