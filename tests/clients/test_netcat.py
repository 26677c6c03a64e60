"""Programs that send what they are given, half-close, and read on: netcat, in two makes, and socat."""

from __future__ import annotations

import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.programs import SECONDS, environment
from tests.support.published_tree import PUBLIC, RESTRICTED
from tests.support.publishing import Published
from tests.support.raw_http import RawAnswer, parse_answer

PROGRAMS = {
    "nc -N": ("nc.openbsd", "-N", "{host}", "{port}"),
    "busybox nc": ("busybox", "nc", "{host}", "{port}"),
    "socat": ("socat", "-t", str(SECONDS), "-", "TCP4:{host}:{port}"),
}


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return PROGRAMS[request.param]


def ask(program: tuple[str, ...], published: Published, home: Path, head: str) -> RawAnswer:
    address = urlsplit(published.url)
    command = [part.format(host=address.hostname, port=address.port) for part in program]
    done = subprocess.run(
        command, input=head.encode(), env=environment(home), capture_output=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return parse_answer(done.stdout)


@pytest.mark.parametrize(
    "rest", ["HTTP/1.0\r\n", "HTTP/1.1\r\nHost: a\r\n", "HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"]
)
class TestHalfClosing:
    def test_a_listing_comes_whole(
        self, program: tuple[str, ...], published: Published, home: Path, rest: str
    ) -> None:
        answer = ask(program, published, home, f"GET /tree/?format=text {rest}\r\n")
        assert answer.body.splitlines() == [
            b"licensed/",
            b"nested/",
            b"odd/",
            b"big.img",
            b"empty.txt",
            b"notes.txt",
        ]

    def test_a_file_comes_whole(
        self, program: tuple[str, ...], published: Published, home: Path, rest: str
    ) -> None:
        answer = ask(program, published, home, f"GET /tree/notes.txt {rest}\r\n")
        if published.s3 is None:
            assert answer.body == PUBLIC["tree/notes.txt"]
        else:
            assert answer.status == 302

    def test_a_large_file_comes_whole(
        self, program: tuple[str, ...], published: Published, home: Path, member_token: str, rest: str
    ) -> None:
        """One that is streamed from either storage."""
        head = f"GET /tree/members/preview.img {rest}Authorization: Bearer {member_token}\r\n\r\n"
        assert ask(program, published, home, head).body == RESTRICTED["tree/members/preview.img"]
