"""Puts a built tree into a bucket."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import aioboto3
from aiobotocore.config import AioConfig

from scripts.sample_tree.items import EmptyFolder, Item, Link

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

# Engines other than Amazon's do not all know the checksums that the client adds of its own accord.
_CONFIG = AioConfig(
    signature_version="s3v4",
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


async def upload_tree(
    items: Iterable[Item], tree: Path, *, bucket: str, prefix: str = "", create_bucket: bool = False
) -> int:
    """Put every item into a bucket, over what is there.

    Credentials, region and endpoint are found by the AWS conventions (`AWS_*`, `AWS_ENDPOINT_URL_S3`).

    Args:
        items: the plan that the tree was built from.
        tree: the built tree.
        bucket: an existing bucket, unless it is to be created.
        prefix: what all keys begin with; no slash at either end.
        create_bucket: whether to create the bucket first.

    Returns:
        How many objects were put.

    Raises:
        botocore.exceptions.ClientError: the store refused a request.
        botocore.exceptions.BotoCoreError: there are no credentials, or the store cannot be reached.
    """
    root = f"{prefix}/" if prefix else ""
    count = 0
    async with aioboto3.Session().client("s3", config=_CONFIG) as client:
        if create_bucket:
            await client.create_bucket(Bucket=bucket)
        for item in items:
            await _put(client, item, tree, bucket=bucket, key=root + item.path)
            count += 1
    return count


async def _put(client: S3Client, item: Item, tree: Path, *, bucket: str, key: str) -> None:
    if isinstance(item, Link):
        folder = item.path.rpartition("/")[0]
        target = f"{folder}/{item.target}".removeprefix("/")
        await client.put_object(Bucket=bucket, Key=f"{key}/.s3_linked_from", Body=target.encode())
    elif isinstance(item, EmptyFolder):
        await client.put_object(Bucket=bucket, Key=f"{key}/", Body=b"")
    else:
        # One request whatever the size (S3 takes 5 GiB), with the file as its body, so that it is never in memory whole.
        with await asyncio.to_thread((tree / item.path).open, "rb") as body:
            await client.put_object(Bucket=bucket, Key=key, Body=body)
