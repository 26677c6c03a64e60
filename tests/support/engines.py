"""Every S3 engine that can be had as a package, and how each is run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.support.aws import S3Endpoint, run_moto
from tests.support.engine_process import installed, run_engine
from tests.support.s3_engine import run_s3_engine
from tests.support.seaweedfs import run_seaweedfs
from tests.support.waiting import free_port


@contextmanager
def run_rclone(directory: Path, address: str = "") -> Iterator[S3Endpoint]:
    """Run `rclone serve s3` over a directory: each folder of `directory/tree` is a bucket.

    Args:
        address: with a port; empty for a free one of the loopback.
    """
    (directory / "tree").mkdir(parents=True, exist_ok=True)
    address = address or f"127.0.0.1:{free_port()}"
    endpoint = S3Endpoint(f"http://{address}")
    keys = f"{endpoint.access_key},{endpoint.secret_key}"
    command = [installed("rclone"), "serve", "s3", "--auth-key", keys, "--addr", address]
    with run_engine([*command, str(directory / "tree")], endpoint, directory):
        yield endpoint


@contextmanager
def run_localbucket(directory: Path) -> Iterator[S3Endpoint]:
    """Run LocalBucket over a directory."""
    (directory / "tree").mkdir(parents=True)
    endpoint = S3Endpoint(f"http://127.0.0.1:{(port := free_port())}")
    command = [installed("localbucket"), "--port", str(port), str(directory / "tree")]
    with run_engine(command, endpoint, directory):
        yield endpoint


def _run_moto(_: Path) -> AbstractContextManager[S3Endpoint]:
    return run_moto()


ENGINES: dict[str, Callable[[Path], AbstractContextManager[S3Endpoint]]] = {
    "Ceph": run_s3_engine,
    "SeaweedFS": run_seaweedfs,
    "moto": _run_moto,
    "rclone": run_rclone,
    "LocalBucket": run_localbucket,
}
"""By the names that docs/operations.md has for them; each takes a directory that is not there yet."""
