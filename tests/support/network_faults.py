"""A client, the service and its S3 on hosts of their own, with bad lines between: what the client sees."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import NamedTuple

from tests.support.engines import run_rclone
from tests.support.faulty_link import Fault, FaultyLink, join_badly
from tests.support.hosts import Host, host
from tests.support.pierhead_process import run_pierhead
from tests.support.waiting import wait_until

LARGE = bytes(range(256)) * 6 * 1024
"""More than all buffers between S3 and the client hold."""
_PORT = 8000
_SERVICE, _CLIENT = "192.0.2.1", "192.0.2.2"
_BUCKET, _INSIDE = "198.51.100.1", "198.51.100.2"
_BUFFERS = "4096 65536 131072"
_WELL_SECONDS = 60
_BEGUN = 1 << 16

ASKED = ("a cached page", "another page", "a download", "a download that has begun")


class Trouble(NamedTuple):
    """A fault of one line.

    Attributes:
        where: `S3` or `client`: which line of the service.
        fault: of the line.
        passes: seconds until the line is good again, and new requests are made; None: it stays while they are.
        within: seconds in which everything has ended, or for which the client waits.
    """

    where: str
    fault: Fault
    passes: float | None
    within: int


def _troubles(where: str, *, cut_within: int) -> dict[str, Trouble]:
    rows = {
        "100 ms more each way": Trouble(where, Fault(delay=0.1), None, 30),
        "20 to 80 ms more each way": Trouble(where, Fault(delay=0.05, jitter=0.03), None, 30),
        "one packet in 20 lost": Trouble(where, Fault(lost=20), None, 30),
        "after a cut of 3 s": Trouble(where, Fault(cut=True), 3, 30),
        "cut": Trouble(where, Fault(cut=True), None, cut_within),
    }
    return {f"{where}: {name}": row for name, row in rows.items()}


TROUBLES = _troubles("S3", cut_within=60) | _troubles("client", cut_within=5)


class BadNetwork:
    """The three hosts, with the hold on both lines."""

    def __init__(self, client: Host, links: dict[str, FaultyLink]) -> None:
        self._client = client
        self._links = links
        self._row = 0

    def seen_in(self, trouble: Trouble) -> dict[str, str]:
        """What the client sees of each of `ASKED`."""
        self._row += 1
        new = {"a cached page": "/", "another page": f"/row-{self._row}/", "a download": "/large.bin"}
        link = self._links[trouble.where]
        with self._client.entered(), ThreadPoolExecutor(len(ASKED)) as clients:
            assert wait_until(lambda: _answer_to("/", 5) == "200", _WELL_SECONDS)
            begun = _Download(trouble.within)
            try:
                link.become(trouble.fault)
                rest = clients.submit(begun.rest)
                if trouble.passes is not None:
                    time.sleep(trouble.passes)  # the fault itself: it lasts so long
                    link.become(Fault())
                answers = {
                    name: clients.submit(_answer_to, path, trouble.within) for name, path in new.items()
                }
                return {name: answer.result() for name, answer in answers.items()} | {
                    ASKED[-1]: rest.result()
                }
            finally:
                link.become(Fault())
                assert wait_until(lambda: _answer_to("/large.bin", 5) == "200", _WELL_SECONDS)


class _Download:
    """A download that has begun. The client is slow, so that most of it is still in S3."""

    def __init__(self, patience: float) -> None:
        self._connection, self._answer = _asked("/large.bin", patience)
        self._patience = patience
        self._content = self._answer.read(_BEGUN)

    def rest(self) -> str:
        """What comes of it."""
        started = time.monotonic()
        try:
            self._content += self._answer.read()
        except TimeoutError:
            return "stops"
        except (OSError, HTTPException):
            return _within(started, self._patience, "breaks off")
        finally:
            self._connection.close()
        return _within(started, self._patience, "whole" if self._content == LARGE else "wrong")


def _answer_to(path: str, patience: float) -> str:
    """The status of an answer that has come whole and in time, or what else came of it."""
    started = time.monotonic()
    try:
        connection, answer = _asked(path, patience)
        content = answer.read()
        connection.close()
    except (OSError, HTTPException):
        return "no answer"
    is_whole = content == LARGE if path == "/large.bin" and answer.status == 200 else content != b""
    return _within(started, patience, str(answer.status) if is_whole else "wrong")


def _within(started: float, patience: float, seen: str) -> str:
    return seen if time.monotonic() - started <= patience else f"{seen}, too late"


def _asked(path: str, patience: float) -> tuple[HTTPConnection, HTTPResponse]:
    connection = HTTPConnection(_SERVICE, _PORT, timeout=patience)
    connection.request("GET", path)
    return connection, connection.getresponse()


@contextmanager
def bad_network(directory: Path) -> Iterator[BadNetwork]:
    """The three hosts until the block ends, and nothing wrong with them."""
    tree = directory / "s3/tree/artifacts"
    for row in range(len(TROUBLES)):
        (tree / f"row-{row + 1}").mkdir(parents=True)
        (tree / f"row-{row + 1}/file.txt").write_text("published\n")
    (tree / "large.bin").write_bytes(LARGE)
    environ = {
        "AWS_ENDPOINT_URL_S3": f"http://{_BUCKET}:9000",
        "AWS_ACCESS_KEY_ID": "testing-access-key",
        "AWS_SECRET_ACCESS_KEY": "testing-secret-key",
        "AWS_DEFAULT_REGION": "us-east-1",
        "PIERHEAD_DELIVERY": "proxy",
        "PIERHEAD_CACHE_TTL": "1",
    }
    with (
        host("s3") as s3,
        host("service") as service,
        host("client") as client,
        join_badly(service, _INSIDE, s3, _BUCKET) as inside,
        join_badly(client, _CLIENT, service, _SERVICE) as outside,
    ):
        for each in (s3, service, client):
            with each.entered():
                for name in ("tcp_rmem", "tcp_wmem"):
                    Path("/proc/sys/net/ipv4", name).write_text(_BUFFERS)
        own = directory / "service"
        own.mkdir()
        listen = ("--host", "0.0.0.0", "--port", str(_PORT))
        with ExitStack() as stack:
            with s3.entered():
                stack.enter_context(run_rclone(directory / "s3", f"{_BUCKET}:9000"))
            with service.entered():
                stack.enter_context(run_pierhead("s3://artifacts", own, *listen, environ=environ))
            yield BadNetwork(client, {"S3": inside, "client": outside})
