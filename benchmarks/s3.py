"""The S3 engine that Pierhead and its peers read from, filled with the tree."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.programs import run_to_end
from benchmarks.results import BenchError
from tests.support.aws import BUCKET, S3Endpoint
from tests.support.s3_engine import run_s3_engine

STORAGE = f"s3://{BUCKET}"
_FILL_SECONDS = 600
_AT_ONCE = 32


def aws_environment(endpoint: S3Endpoint) -> dict[str, str]:
    """Where an S3 is, for a program that follows the AWS conventions."""
    return {
        "AWS_ENDPOINT_URL_S3": endpoint.url,
        "AWS_ACCESS_KEY_ID": endpoint.access_key,
        "AWS_SECRET_ACCESS_KEY": endpoint.secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def rclone_environment(endpoint: S3Endpoint, directory: Path) -> dict[str, str]:
    """The same for rclone, whose remote is then `:s3:BUCKET`; no configuration is in the directory."""
    return {
        "HOME": str(directory),
        "RCLONE_CONFIG": str(directory / "rclone.conf"),
        "RCLONE_S3_PROVIDER": "Ceph",
        "RCLONE_S3_ENDPOINT": endpoint.url,
        "RCLONE_S3_ACCESS_KEY_ID": endpoint.access_key,
        "RCLONE_S3_SECRET_ACCESS_KEY": endpoint.secret_key,
    }


def upload(endpoint: S3Endpoint, directory: Path, *arguments: str) -> None:
    """Store something with rclone, which is several times as fast as anything in Python.

    Args:
        directory: where it may write.
        arguments: command, source and target; `:s3:` is this S3.
    """
    command = ["rclone", *arguments, "--s3-no-head", "--transfers", str(_AT_ONCE)]
    run_to_end(command, rclone_environment(endpoint, directory), seconds=_FILL_SECONDS)


@contextmanager
def run_s3(directory: Path, tree: Path, folders: Sequence[str]) -> Iterator[S3Endpoint]:
    """Run the engine in a new directory until the block ends, filled with some folders of a tree.

    Raises:
        BenchError: it does not start, or cannot be filled.
    """
    with ExitStack() as stack:
        try:
            endpoint = stack.enter_context(run_s3_engine(directory))
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            raise BenchError(f"the S3 engine does not start: {error}") from error
        included = [argument for folder in folders for argument in ("--include", f"/{folder}/**")]
        upload(endpoint, directory, "copy", str(tree), f":s3:{BUCKET}", "--no-check-dest", *included)
        yield endpoint
