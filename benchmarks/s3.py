"""The S3s that Pierhead and its peers read from: an engine filled with the tree, and one that makes up what it gives."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from benchmarks.made_up_s3 import REQUESTS
from benchmarks.programs import LOAD_CORE, PROJECT, run_program, run_to_end
from benchmarks.results import BenchError
from tests.support.aws import S3Endpoint
from tests.support.s3_engine import run_s3_engine
from tests.support.waiting import answers, free_port

BUCKET = "artifacts"
_FILL_SECONDS = 600
_AT_ONCE = 32


class S3(NamedTuple):
    """A bucket with the tree.

    Attributes:
        endpoint: of the engine itself.
        sizes: entries of the folders that were uploaded.
    """

    endpoint: S3Endpoint
    sizes: tuple[int, ...]

    def aws_environment(self, url: str | None = None) -> dict[str, str]:
        """What tells a program of the AWS conventions where the engine is.

        Args:
            url: of a proxy before it.
        """
        return aws_environment(self.endpoint if url is None else replace(self.endpoint, url=url))

    def rclone_environment(self, directory: Path, url: str | None = None) -> dict[str, str]:
        """The same for rclone, whose remote is then `:s3:BUCKET`.

        Args:
            directory: where it looks for a configuration, and finds none.
        """
        return {
            "RCLONE_CONFIG": str(directory / "rclone.conf"),
            "RCLONE_S3_PROVIDER": "Ceph",
            "RCLONE_S3_ENDPOINT": url or self.endpoint.url,
            "RCLONE_S3_ACCESS_KEY_ID": self.endpoint.access_key,
            "RCLONE_S3_SECRET_ACCESS_KEY": self.endpoint.secret_key,
        }

    def upload(self, directory: Path, *arguments: str) -> None:
        """Run rclone to store something.

        Args:
            directory: as `rclone_environment` takes it.
            arguments: command, source and target; `:s3:` is this S3.

        Raises:
            BenchError: it cannot be stored.
        """
        environ = {"HOME": str(directory), **self.rclone_environment(directory)}
        command = ["rclone", *arguments, "--s3-no-head", "--transfers", str(_AT_ONCE)]
        run_to_end(command, environ, seconds=_FILL_SECONDS)


def aws_environment(endpoint: S3Endpoint) -> dict[str, str]:
    """What tells a program of the AWS conventions where an S3 is."""
    return {
        "AWS_ENDPOINT_URL_S3": endpoint.url,
        "AWS_ACCESS_KEY_ID": endpoint.access_key,
        "AWS_SECRET_ACCESS_KEY": endpoint.secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def run_s3(directory: Path, tree: Path, folders: tuple[str, ...], sizes: tuple[int, ...]) -> Iterator[S3]:
    """Run the engine until the block ends, filled with some folders of a tree.

    Args:
        directory: for what it writes; must not exist yet.
        folders: paths within the tree.
        sizes: what `S3.sizes` is to say.

    Raises:
        BenchError: it does not start, or cannot be filled.
    """
    engine = run_s3_engine(directory)
    try:
        endpoint = engine.__enter__()
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        raise BenchError(f"the S3 engine does not start: {error}") from error
    try:
        s3 = S3(endpoint, sizes)
        _fill(s3, directory, tree, folders)
        _keep_off_the_servers_core(directory)
        yield s3
    finally:
        engine.__exit__(None, None, None)


@contextmanager
def run_made_up_s3(
    directory: Path, *, entries: int = 0, object_bytes: int = 0, delay: float = 0.0
) -> Iterator[S3Endpoint]:
    """Run a `MadeUpS3` on the load generator's core until the block ends.

    Args:
        directory: for what it writes.
        entries, object_bytes, delay: see `MadeUpS3`.

    Raises:
        BenchError: it does not start.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "benchmarks.made_up_s3", "--port", str(port), "--delay", str(delay)]
    with run_program(
        [*command, "--entries", str(entries), "--object-bytes", str(object_bytes)],
        url=url,
        directory=directory,
        answers=lambda: answers(url + REQUESTS),
        environ={"PYTHONPATH": str(PROJECT)},
        cores=(LOAD_CORE,),
    ):
        yield S3Endpoint(url)


def _fill(s3: S3, directory: Path, tree: Path, folders: tuple[str, ...]) -> None:
    """Upload with rclone, which is several times as fast as anything in Python."""
    included = [argument for folder in folders for argument in ("--include", f"/{folder}/**")]
    s3.upload(directory, "copy", str(tree), f":s3:{BUCKET}", "--no-check-dest", *included)


def _keep_off_the_servers_core(directory: Path) -> None:
    for pid_file in (directory / "run").glob("*.pid"):
        pid = int(pid_file.read_text())
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {LOAD_CORE})
