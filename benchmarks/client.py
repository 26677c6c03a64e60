"""Asking a server for one page, one request after the other."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from contextlib import closing
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.programs import Program
from benchmarks.results import BenchError

_ANSWER_SECONDS = 60
_PIECE = 64 * 1024


class Answer(NamedTuple):
    """One whole answer."""

    status: int
    headers: tuple[tuple[str, str], ...]  # names in lower case, in the order they came
    body: bytes
    first_byte: float  # seconds until its body began, or had what was waited for
    seconds: float


class Target(NamedTuple):
    """A page of a server, and the status of every right answer."""

    program: Program
    path: str
    headers: Mapping[str, str] = MappingProxyType({})
    status: int = 200

    @property
    def url(self) -> str:
        """The whole of it."""
        return self.program.url + self.path


class Client:
    """One connection that is kept, and opened again where the server closes it."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_ANSWER_SECONDS)

    def get(
        self, path: str, headers: Mapping[str, str] = MappingProxyType({}), waits_for: bytes = b""
    ) -> Answer:
        """Ask once, and note when the body had what is waited for.

        Raises:
            BenchError: there was no whole answer.
        """
        body, first_byte, start = bytearray(), 0.0, time.perf_counter()
        try:
            self._connection.request("GET", path, headers=dict(headers))
            with self._connection.getresponse() as answer:
                while piece := answer.read1(_PIECE):
                    body += piece
                    if not first_byte and waits_for in body:
                        first_byte = time.perf_counter() - start
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise BenchError(f"no answer to {path}: {error!r}") from error
        found = tuple((name.lower(), value) for name, value in answer.getheaders())
        return Answer(answer.status, found, bytes(body), first_byte, time.perf_counter() - start)

    def ask(self, target: Target) -> float:
        """Ask once. Returns the seconds that the whole answer took.

        Raises:
            BenchError: there was no whole answer, or it has the wrong status.
        """
        answer = self.get(target.path, target.headers)
        if answer.status != target.status:
            raise BenchError(f"status {answer.status}")
        return answer.seconds

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def get(target: Target, waits_for: bytes = b"") -> Answer:
    """`Client.get` on a connection of its own."""
    with closing(Client(target.url)) as client:
        return client.get(target.path, target.headers, waits_for)
