"""The shortest way: from the bytes of a request's head to the bytes of an answer in memory, without ASGI between.

Clients that ask again send the same head again, to the byte: it is parsed once, and what it asks for is
remembered. Whether the page is at hand is looked up each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import httptools

from app.server.fast_lookup import FastLookup
from app.server.fast_redirects import FILE_REDIRECT
from app.server.fast_request import FastAnswer, FastRequest
from app.server.framing import fault_of_line
from app.telemetry import AccessLine, AccessLog, Metrics

MAX_FAST_HEAD_BYTES: Final = 1024
"""Longer heads are rare, and not worth remembering."""
REMEMBERED_HEADS: Final = 2048

WriteAnswer = Callable[[int, bytes, bytes], None]
"""Sends a whole answer: status, header fields as lines, body."""


class FastPath:
    """Answers requests from memory, and notes in log and metrics that it did.

    Args:
        warm: finds answers that are at hand.
        metrics: where requests are counted.
        access_log: takes a line for each; None for no lines.
        replica_id: told in every log line.
    """

    def __init__(
        self, lookup: FastLookup, *, metrics: Metrics, access_log: AccessLog | None, replica_id: str
    ) -> None:
        self._lookup = lookup
        self._access_log = access_log
        self._replica_id = replica_id
        self._read = lru_cache(REMEMBERED_HEADS)(self._read_head)
        measured = {FILE_REDIRECT: metrics.downloads}
        self._observe = lru_cache(64)(
            lambda route, status: measured.get(route, metrics.pages).labels(route, str(status)).observe
        )

    def answer(self, head: bytes, client: tuple[str, int] | None, write: WriteAnswer) -> bool:
        """Answer a request, if its answer is at hand.

        Args:
            head: what has arrived. It is answered only if that is one whole request without a body, on a
                connection that stays open.
            client: address and port of the peer.

        Returns:
            Whether it was answered; if not, nothing has happened.
        """
        if len(head) > MAX_FAST_HEAD_BYTES:
            return False
        started = time.perf_counter()
        request = self._read(head, client[0] if client else None)
        if request is None or (found := self._lookup.find(request)) is None:
            return False
        write(found.status, found.fields(), found.body)
        self.note(request, found, time.perf_counter() - started)
        return True

    def note(self, request: FastRequest, answer: FastAnswer, seconds: float) -> None:
        """Count an answer and log it.

        Args:
            seconds: from the head to the last byte handed to the network.
        """
        head = request.head
        self._observe(head.route, answer.status)(seconds)
        if self._access_log is not None:
            self._access_log.write(
                AccessLine(
                    answer.status,
                    len(answer.body),
                    seconds,
                    request.method,
                    head.path_text,
                    head.route,
                    head.client,
                    None,
                    request.agent,
                    self._replica_id,
                )
            )

    def _read_head(self, head: bytes, peer: str | None) -> FastRequest | None:
        """What a head asks for; None where ASGI has to look at it."""
        line, end, _ = head.partition(b"\n")
        if not head.endswith(b"\r\n\r\n") or fault_of_line(line + end):
            return None
        method, target, _ = line.split(b" ")
        raw_path, _, query = target.partition(b"?")
        if raw_path[:1] != b"/":
            return None
        if (headers := _headers_of(head)) is None:
            return None
        return self._lookup.read(method.decode("ascii", "replace"), raw_path, query, headers, peer)


class _OneHead:
    """Reads one head, as the server's own protocol would."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self.headers: list[tuple[bytes, bytes]] = []
        self.ends = 0
        self.is_usual = False

    def feed(self, head: bytes) -> None:
        """Parse it. Raises what the parser raises."""
        self._parser.feed_data(head)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_message_complete(self) -> None:
        self.ends += 1
        # Asked here, for the parser forgets it with the end of the message.
        self.is_usual = self._parser.get_http_version() == "1.1" and self._parser.should_keep_alive()


def _headers_of(head: bytes) -> list[tuple[bytes, bytes]] | None:
    """The header fields of one whole HTTP/1.1 request that leaves its connection open; None for all else."""
    one = _OneHead()
    try:
        one.feed(head)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    return one.headers if one.ends == 1 and one.is_usual else None
