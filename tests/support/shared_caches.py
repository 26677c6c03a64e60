"""Real HTTP caches in front of a server: nginx, and varnish."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import brotli
from backports import zstd

from tests.support.waiting import answers, free_port, wait_until

START_SECONDS = 60
_GZIP = b"\x1f\x8b\x08"


class SharedCache(NamedTuple):
    """Where it answers, without a slash at the end; what it writes what it keeps into; and what it logs."""

    url: str
    kept_in: Path
    log: Path


class Kept(NamedTuple):
    """One answer as nginx keeps it, its body decoded; the names of its headers in lower case."""

    key: str
    status: int
    headers: dict[str, str]
    body: bytes


@contextmanager
def run_nginx(directory: Path, http: str, ready: str) -> Iterator[SharedCache]:
    """Run nginx until the block ends.

    Args:
        directory: for all that it writes.
        http: what stands in its `http` block. `@PORT@` is where to listen, `@CACHE@` where to keep pages.
        ready: a path that answers 200 as soon as nginx does.
    """
    port, kept_in = free_port(), directory / "cache"
    for name in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
        (directory / name).mkdir(parents=True)
    temporary = "".join(
        f"{name}_temp_path {directory / place};\n"
        for name, place in (
            ("client_body", "body"), ("proxy", "proxy"), ("fastcgi", "fastcgi"), ("uwsgi", "uwsgi"), ("scgi", "scgi"),
        )
    )  # fmt: skip
    configuration = directory / "nginx.conf"
    as_root = "user root;\n" if os.geteuid() == 0 else ""
    configuration.write_text(
        f"{as_root}daemon off;\nworker_processes 1;\npid {directory / 'nginx.pid'};\n"
        "events { worker_connections 512; }\n"
        f"http {{\naccess_log off;\n{temporary}"
        f"{http.replace('@PORT@', str(port)).replace('@CACHE@', str(kept_in))}\n}}\n"
    )
    command = ["nginx", "-e", "stderr", "-p", str(directory), "-c", str(configuration)]
    with _running(command, directory / "nginx.log", f"http://127.0.0.1:{port}", ready) as url:
        yield SharedCache(url, kept_in, directory / "nginx.log")


@contextmanager
def run_varnish(directory: Path, backend_port: int, ready: str) -> Iterator[SharedCache]:
    """Run varnish with its built-in rules until the block ends. What it keeps is in a file.

    Args:
        directory: for all that it writes.
        ready: a path that answers 200 as soon as varnish does.
    """
    port, kept_in = free_port(), directory / "storage"
    directory.mkdir(parents=True)
    rules = directory / "pierhead.vcl"
    rules.write_text(
        f'vcl 4.1;\nbackend pierhead {{ .host = "127.0.0.1"; .port = "{backend_port}"; }}\n'
        'sub vcl_deliver { if (obj.hits > 0) { set resp.http.X-Cache-Status = "HIT"; }'
        ' else { set resp.http.X-Cache-Status = "MISS"; } }\n'
    )
    command = [
        "varnishd", "-F", "-j", "none", "-n", str(directory / "work"), "-a", f"127.0.0.1:{port}",
        "-T", "none", "-f", str(rules), "-s", f"kept=file,{kept_in},64m", "-s", "Transient=malloc,64m",
    ]  # fmt: skip
    with _running(command, directory / "varnish.log", f"http://127.0.0.1:{port}", ready) as url:
        yield SharedCache(url, kept_in, directory / "varnish.log")


def kept_by_nginx(directory: Path) -> list[Kept]:
    """Every answer in nginx's cache."""
    return [_read_kept(file.read_bytes()) for file in directory.rglob("*") if file.is_file()]


def kept_by_varnish(file: Path) -> list[bytes]:
    """All that is in varnish's storage: first as it is, then each body in it that is compressed.

    It asks for everything in gzip, whatever its clients like, and unpacks it for those who do not.
    """
    raw = file.read_bytes()
    found = [raw]
    for start in re.finditer(re.escape(_GZIP), raw):
        try:
            found.append(zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(raw[start.start() :]))
        except zlib.error:
            continue
    return found


def _read_kept(raw: bytes) -> Kept:
    """Take a file apart: nginx's own record, the key on a line, then the answer as it came."""
    record, _, answer = raw.partition(b"\nHTTP/1.1 ")
    head, _, body = answer.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Kept(
        record.rpartition(b"\nKEY: ")[2].decode("latin-1"),
        int(status_line.split()[0]),
        headers,
        _decoded(body, headers.get("content-encoding", "identity")),
    )


def _decoded(body: bytes, encoding: str) -> bytes:
    match encoding:
        case "gzip":
            return gzip.decompress(body)
        case "br":
            return bytes(brotli.decompress(body))
        case "zstd":
            return zstd.decompress(body)
        case _:
            return body


@contextmanager
def _running(command: Sequence[str], log: Path, url: str, ready: str) -> Iterator[str]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: process.poll() is not None or answers(url + ready), START_SECONDS)
        assert process.poll() is None, log.read_text()
        assert answers(url + ready), log.read_text()
        yield url
    finally:
        process.terminate()
        process.wait(START_SECONDS)
