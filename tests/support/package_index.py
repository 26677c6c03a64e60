"""An index of packages on this machine, with what the locks of the server name and nothing else.

The pages of the public index name every file of every release: pip spends most of an installation on reading them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

from tests.support.certificates import make_certificate
from tests.support.containers import CACHE
from tests.support.deployment import PROJECT

_LOCKS = tuple(PROJECT / "requirements" / name for name in ("build.txt", "runtime.txt"))
_BIN = Path(sys.executable).parent
_FETCH_SECONDS = 900


class PackageIndex(NamedTuple):
    """Where it answers, and the certificate that only it has."""

    url: str
    certificate: Path

    def environ(self) -> dict[str, str]:
        """What pip has to be told to ask no other."""
        return {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": self.url,
            "PIP_CERT": str(self.certificate),
            "REQUESTS_CA_BUNDLE": str(self.certificate),  # which pip prefers to its own setting
            "PIP_EXTRA_INDEX_URL": "",
            "PIP_FIND_LINKS": "",
        }


@contextmanager
def package_index(directory: Path, python: str = "") -> Iterator[PackageIndex]:
    """Run one until the block ends.

    Args:
        directory: for its certificate.
        python: the version that the packages are for, as `3.11`; empty for this one.
    """
    packages = _packages(python or f"{sys.version_info[0]}.{sys.version_info[1]}")
    certificate = make_certificate(directory, "package-index")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(packages))) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield PackageIndex(f"https://127.0.0.1:{server.server_port}/", certificate.chain)
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    """Lists a directory for each package, which is all that pip asks of an index (PEP 503)."""

    def log_message(self, *_: object) -> None:
        """Keep it."""


def _packages(python: str) -> Path:
    """A directory for each package with its wheel. It is kept between runs, and filled anew when a lock changes."""
    locks = hashlib.sha256(b"".join(lock.read_bytes() for lock in _LOCKS)).hexdigest()
    packages = CACHE / f"packages-{python}-{locks[:16]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "packages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the other workers want the same
        if not packages.exists():
            unfinished = packages.with_suffix(".part")
            shutil.rmtree(unfinished, ignore_errors=True)  # of a run that was ended
            _fetch(python, unfinished)
            unfinished.rename(packages)
    return packages


def _fetch(python: str, place: Path) -> None:
    """Fetch what the locks name, with their hashes, the way this machine does."""
    place.mkdir()
    pinned = place / "lock.txt"
    version = ("--python-version", python)
    # The lock is for every version; pip would heed the conditions of the one that it runs on.
    resolve = (
        "--quiet",
        "--no-deps",
        "--generate-hashes",
        "--no-header",
        *version,
        "--output-file",
        str(pinned),
    )
    fetch = (
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
        *version,
        "--dest",
        str(place),
    )
    commands: tuple[list[str | Path], ...] = (
        [_BIN / "uv", "pip", "compile", *resolve, *map(str, _LOCKS)],
        [_BIN / "pip", "download", *fetch, "--requirement", str(pinned)],
    )
    for command in commands:
        subprocess.run(command, check=True, timeout=_FETCH_SECONDS)
    for wheel in place.glob("*.whl"):
        name = re.sub(r"[-_.]+", "-", wheel.name.partition("-")[0]).lower()
        (place / name).mkdir(exist_ok=True)
        wheel.rename(place / name / wheel.name)
