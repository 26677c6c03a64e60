"""Makes the sample tree: in a directory, and in a bucket as well if asked to."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from scripts.sample_tree.build import build_tree
from scripts.sample_tree.licensing import POLICY
from scripts.sample_tree.plan import plan
from scripts.sample_tree.upload import upload_tree


def make_sample(destination: Path, policy: Path) -> bool:
    """Write the tree and its site policy, unless they are there already.

    Args:
        destination: the tree's directory.
        policy: the site policy's file; must not be inside the tree.

    Returns:
        Whether the tree had to be written.

    Raises:
        FileExistsError: the directory has content that is not of a sample tree.
    """
    built = build_tree(plan(), destination)
    policy.write_text(POLICY)
    return built


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit status."""
    options = _parser().parse_args(arguments)
    destination: Path = options.destination
    try:
        built = make_sample(destination, options.policy or destination.with_name("policy.toml"))
        print(f"{destination}: {'made' if built else 'up to date'}", file=sys.stderr)
        if options.upload:
            bucket, prefix = options.upload
            count = asyncio.run(
                upload_tree(
                    plan(), destination, bucket=bucket, prefix=prefix, create_bucket=options.create_bucket
                )
            )
            print(f"{bucket}: {count} objects put", file=sys.stderr)
    except (OSError, BotoCoreError, ClientError) as error:
        print(f"make_sample_tree: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make_sample_tree", description=__doc__)
    parser.add_argument(
        "destination", type=Path, nargs="?", default=Path(".run/tree"), help="directory to fill"
    )
    parser.add_argument(
        "--policy", type=Path, help="site policy file to write (default: policy.toml beside it)"
    )
    parser.add_argument(
        "--upload", type=_s3_url, metavar="s3://BUCKET/PREFIX", help="put the tree there as well"
    )
    parser.add_argument("--create-bucket", action="store_true", help="create the bucket first")
    return parser


def _s3_url(text: str) -> tuple[str, str]:
    url = urlsplit(text)
    if url.scheme != "s3" or not url.netloc:
        raise argparse.ArgumentTypeError(f"must be s3://BUCKET or s3://BUCKET/PREFIX, but got {text}")
    return url.netloc, url.path.strip("/")


if __name__ == "__main__":
    sys.exit(main())
