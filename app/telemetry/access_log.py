"""One line for each request.

At thousands of requests a second, a general logging library costs more than serving a page from memory.
So JSON lines are made by the encoder alone and written many at a time. All other lines of the
process go through the library.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Final, NamedTuple, Protocol

import orjson
import structlog

from app.telemetry.line_writer import LineWriter

LOGGER: Final = "pierhead.access"
SOMETIMES: Final = ("cache", "broken", "request_id", "trace_id")
"""Fields that are left out if they are empty."""
FLUSH_SECONDS: Final = 0.1
"""Seconds that a line may wait for others. A process that is killed loses these lines."""
FLUSH_BYTES: Final = 128 * 1024
MEMO_SIZE: Final = 2048

_BEFORE_TIME: Final = b'{"timestamp":"'
_BEFORE_SECONDS: Final = (
    b'Z","level":"info","logger":"' + LOGGER.encode("ascii") + b'","event":"request",'
    b'"status":%d,"bytes":%d,"seconds":'
)
_THREE_DIGITS: Final = tuple(b"%03d" % number for number in range(1000))
_MILLION: Final = 1_000_000
_USUAL_BYTES: Final = 150
"""Of a line, without its constant part."""


class AccessLine(NamedTuple):
    """The log entry of one request. It contains no query, cookie or credential.

    Attributes:
        bytes: of the body, as passed to the network.
        seconds: from the request's head to the last byte.
        path: as sent, still percent-encoded.
        route: label of what answered.
        client: address, as far as proxies are believed.
        subject: of the token, if there was one.
        agent: value of User-Agent.
        cache: where a listing came from: fast, fresh, stale, coalesced or miss; empty for everything else.
        broken: why the answer was not sent completely; empty if it was.
        request_id: as in `Trace`; empty for an answer from memory to a request without one.
        trace_id: as in `Trace`.
    """

    status: int
    bytes: int
    seconds: float
    method: str
    path: str
    route: str
    client: str | None
    subject: str | None
    agent: str | None
    replica: str
    cache: str = ""
    broken: str = ""
    request_id: str = ""
    trace_id: str = ""


class AccessLog(Protocol):
    """Takes access lines."""

    def write(self, line: AccessLine) -> None:
        """Take one line."""
        ...

    def repeated(self, line: AccessLine) -> Callable[[float], None]:
        """What takes the same line again and again, each time with other seconds."""
        ...

    def close(self) -> None:
        """Write all waiting lines, and from now on every line at once: the server stops."""
        ...


class ConsoleAccessLog:
    """Lines for people, in the same form as every other line.

    Args:
        site: named in every line; empty where there is only one.
    """

    def __init__(self, site: str = "") -> None:
        self._log = structlog.get_logger(LOGGER)
        self._site = {"site": site} if site else {}

    def write(self, line: AccessLine) -> None:
        """See `AccessLog.write`."""
        fields = line._asdict() | {"seconds": round(line.seconds, 6)} | self._site
        for name in SOMETIMES:
            if not fields[name]:
                del fields[name]
        self._log.info("request", **fields)

    def repeated(self, line: AccessLine) -> Callable[[float], None]:
        """See `AccessLog.repeated`."""
        return lambda seconds: self.write(line._replace(seconds=seconds))

    def close(self) -> None:
        """See `AccessLog.close`. Nothing ever waits."""


class JsonAccessLog:
    """One JSON object a line, collected for a moment and written together. For one event loop.

    Args:
        writer: where they go.
        site: named in every line; empty where there is only one.
    """

    def __init__(self, writer: LineWriter, site: str = "") -> None:
        self._writer = writer
        self._waiting: list[tuple[float, bytes, bytes, float]] = []
        self._waiting_bytes = 0
        self._second = 0
        self._second_text = b""
        self._is_closed = False
        # Most requests are like an earlier one: only time and numbers differ.
        self._of_site = partial(_constant_part, site)
        self._constant = lru_cache(MEMO_SIZE)(self._of_site)

    def write(self, line: AccessLine) -> None:
        """See `AccessLog.write`."""
        status, size, seconds, *others = line
        # With an id, no other line is like it.
        rest: Callable[..., bytes] = self._of_site if line.request_id or line.trace_id else self._constant
        self._write(_BEFORE_SECONDS % (status, size), rest(*others), seconds)

    def repeated(self, line: AccessLine) -> Callable[[float], None]:
        """See `AccessLog.repeated`."""
        rest: Callable[..., bytes] = self._of_site
        return partial(self._write, _BEFORE_SECONDS % (line.status, line.bytes), rest(*line[3:]))

    def close(self) -> None:
        """See `AccessLog.close`."""
        self._is_closed = True
        self.flush()
        self._writer.flush()

    def flush(self) -> None:
        """Hand over whatever is waiting to be written."""
        if self._waiting:
            waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
            self._writer.write(b"".join(self._pieces(waiting)))

    def _write(self, before: bytes, rest: bytes, seconds: float) -> None:
        if not self._waiting and not self._is_closed:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        self._waiting.append((time.time(), before, rest, seconds))
        self._waiting_bytes += _USUAL_BYTES + len(rest)
        if self._is_closed or self._waiting_bytes >= FLUSH_BYTES:
            self.flush()

    def _pieces(self, lines: list[tuple[float, bytes, bytes, float]]) -> list[bytes]:
        """Lines in pieces that only have to be joined: formatting the numbers takes longer than all the rest."""
        pieces: list[bytes] = []
        for now, before, rest, seconds in lines:
            second, took = int(now), int(seconds * 1e6 + 0.5)
            if second != self._second:
                self._second = second
                text = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
                self._second_text = _BEFORE_TIME + text.encode("ascii")
            micros = int((now - second) * 1e6)
            pieces += (
                self._second_text,
                _THREE_DIGITS[micros // 1000],
                _THREE_DIGITS[micros % 1000],
                before,
                b"0." if took < _MILLION else b"%d." % (took // _MILLION),
                _THREE_DIGITS[took // 1000 % 1000],
                _THREE_DIGITS[took % 1000],
                rest,
            )
        return pieces


def _constant_part(
    site: str,
    method: str,
    path: str,
    route: str,
    client: str | None,
    subject: str | None,
    agent: str | None,
    replica: str,
    cache: str,
    broken: str,
    request_id: str,
    trace_id: str,
) -> bytes:
    """What of a line is the same for every request like this one: its end, from the comma before it."""
    fields: dict[str, str | None] = {
        "method": method,
        "path": path,
        "route": route,
        "client": client,
        "subject": subject,
        "agent": agent,
        "replica": replica,
    }
    if site:
        fields["site"] = site
    rarely = zip(SOMETIMES, (cache, broken, request_id, trace_id), strict=True)
    fields.update((name, value) for name, value in rarely if value)
    return b",%b\n" % orjson.dumps(fields).removeprefix(b"{")
