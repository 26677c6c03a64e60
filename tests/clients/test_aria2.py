"""aria2c: many connections for one file."""

from __future__ import annotations

import hashlib
import signal
import subprocess
from pathlib import Path

from tests.support.programs import SECONDS, environment, run
from tests.support.published_tree import BIG
from tests.support.publishing import Published
from tests.support.waiting import wait_until

CHECKSUM_WRONG = 32
MIB = 1024 * 1024
EIGHT_CONNECTIONS = ("--max-connection-per-server=8", "--split=8", "--min-split-size=1M")
PLAIN = ("aria2c", "--no-conf", "--quiet", "--file-allocation=none", "--disk-cache=0")


def aria2c(home: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return run(*PLAIN, *arguments, home=home)


def test_eight_connections_bring_one_file(published: Published, home: Path) -> None:
    """So slowly that each connection gets its share before the first has fetched it all."""
    before = published.served("tree/big.img")
    slowly = "--max-download-limit=4M"
    result = aria2c(home, *EIGHT_CONNECTIONS, slowly, published.url_of("tree/big.img"))
    assert result.returncode == 0, result.stdout
    assert (home / "big.img").read_bytes() == BIG
    assert wait_until(lambda: published.served("tree/big.img") - before >= 8)
    if published.s3 is not None:
        ranges = {dict(request.headers).get("range") for request in published.s3.seen_from("aria2")}
        assert len(ranges) >= 8


def test_an_interrupted_download_is_resumed(published: Published, home: Path) -> None:
    url = published.url_of("tree/big.img")
    part, control = home / "big.img", home / "big.img.aria2"
    interrupt_after(2 * MIB, part, home, url)
    assert control.exists()
    assert part.stat().st_size < len(BIG)
    mark = b"what is here already is not fetched again"
    with part.open("r+b") as file:
        file.write(mark)
    result = aria2c(home, "--continue", *EIGHT_CONNECTIONS, url)
    assert result.returncode == 0, result.stdout
    assert part.read_bytes() == mark + BIG[len(mark) :]
    assert not control.exists()


def test_a_part_of_another_programs_making_is_completed(published: Published, home: Path) -> None:
    here = b"-" * (3 * MIB)
    (home / "big.img").write_bytes(here)
    result = aria2c(home, "--continue", *EIGHT_CONNECTIONS, published.url_of("tree/big.img"))
    assert result.returncode == 0, result.stdout
    assert (home / "big.img").read_bytes() == here + BIG[len(here) :]


def test_the_checksum_is_right(published: Published, home: Path) -> None:
    checksum = f"--checksum=sha-256={hashlib.sha256(BIG).hexdigest()}"
    result = aria2c(home, *EIGHT_CONNECTIONS, checksum, published.url_of("tree/big.img"))
    assert result.returncode == 0, result.stdout
    assert (home / "big.img").read_bytes() == BIG


def test_a_wrong_checksum_would_be_noticed(published: Published, home: Path) -> None:
    checksum = f"--checksum=sha-256={hashlib.sha256(b'another').hexdigest()}"
    result = aria2c(home, *EIGHT_CONNECTIONS, checksum, published.url_of("tree/big.img"))
    assert result.returncode == CHECKSUM_WRONG


def interrupt_after(size: int, part: Path, home: Path, url: str) -> None:
    """Start a slow download over one connection, and end it once this much is there."""
    slowly = ("--max-connection-per-server=1", "--split=1", "--max-download-limit=2M")
    process = subprocess.Popen(
        [*PLAIN, *slowly, url], cwd=home, env=environment(home), stdout=subprocess.DEVNULL
    )
    try:
        assert wait_until(lambda: part.exists() and part.stat().st_size > size, SECONDS)
    finally:
        process.send_signal(signal.SIGINT)  # it stores what it has, as on Ctrl-C
        process.wait(SECONDS)
