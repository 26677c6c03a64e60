"""What tests of the S3 back-end share: a clean environment, a bucket to plant objects in, moto's server."""

from __future__ import annotations

import asyncio
import os
import posixpath
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import aioboto3
import aiohttp
import botocore.session
import pytest
from aiobotocore.config import AioConfig
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from moto.backends import list_of_moto_modules
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer
from yarl import URL

from tests.support.patience import be_patient_with_s3
from tests.support.waiting import PATIENCE

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

BUCKET = "artifacts"
_AT_ONCE = 32


@dataclass(frozen=True)
class S3Endpoint:
    """Where an S3 engine answers, and the keys it knows."""

    url: str
    access_key: str = "testing-access-key"
    secret_key: str = "testing-secret-key"


def point_aws_at(monkeypatch: pytest.MonkeyPatch, endpoint: S3Endpoint) -> None:
    """Let the AWS conventions name this endpoint and nothing of the machine the test runs on, and be patient with it."""
    be_patient_with_s3(monkeypatch)
    for name in os.environ:
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", endpoint.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", endpoint.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def takes_keys(endpoint: S3Endpoint) -> bool:
    """Whether the engine answers a signed call; one that is starting may answer its own probe long before it."""
    client: Any = botocore.session.get_session().create_client(
        "s3",
        region_name="us-east-1",
        endpoint_url=endpoint.url,
        aws_access_key_id=endpoint.access_key,
        aws_secret_access_key=endpoint.secret_key,
        config=Config(connect_timeout=5, read_timeout=5, retries={"total_max_attempts": 1}, proxies={}),
    )
    try:
        client.list_buckets()
    except (BotoCoreError, ClientError):
        return False
    finally:
        client.close()
    return True


class Bucket:
    """A bucket as a test's own hand sees it, not the store under test."""

    def __init__(self, client: S3Client, name: str) -> None:
        self.client = client
        self.name = name

    async def plant(self, key: str, content: bytes = b"", **options: Any) -> None:
        """Store an object under exactly this key.

        Args:
            options: further ones of `put_object`.
        """
        await self.client.put_object(Bucket=self.name, Key=key, Body=content, **options)

    async def plant_many(self, keys: list[str]) -> None:
        """Store an empty object under each key; in a tenth of the time that the client takes for a call."""
        place = f"{self.client.meta.endpoint_url}/{self.name}/"
        known = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
        signer = S3SigV4Auth(known, "s3", self.client.meta.region_name)

        async def put(key: str) -> None:
            url = place + quote(key, safe="/~")
            request = AWSRequest("PUT", url, data=b"")
            signer.add_auth(request)
            async with web.put(URL(url, encoded=True), headers=dict(request.headers), data=b"") as answer:
                assert answer.status == 200, await answer.text()

        # rclone fails one of two first uploads into a folder that come at once: both look for it, both make it.
        first_of = {posixpath.dirname(key): key for key in reversed(keys)}
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_AT_ONCE)) as web:
            for key in first_of.values():
                await put(key)
            await asyncio.gather(*(put(key) for key in keys if first_of[posixpath.dirname(key)] != key))

    async def remove(self, key: str) -> None:
        """Delete the object with this key."""
        await self.client.delete_object(Bucket=self.name, Key=key)

    async def empty(self) -> None:
        """Delete every object, whatever its key."""
        while page := (await self.client.list_objects_v2(Bucket=self.name)).get("Contents", []):
            for start in range(0, len(page), _AT_ONCE):
                await asyncio.gather(*(self.remove(item["Key"]) for item in page[start : start + _AT_ONCE]))


class MotoBucket(Bucket):
    """A bucket of the moto server in this process, which takes seconds to be sent thousands of objects."""

    async def plant_many(self, keys: list[str]) -> None:
        """Store an empty object under each key."""
        backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        for key in keys:
            backend.put_object(self.name, key, b"")


@asynccontextmanager
async def open_bucket(name: str = BUCKET, *, hand: type[Bucket] = Bucket) -> AsyncIterator[Bucket]:
    """Make a bucket, or empty the one there is, at the endpoint that the environment names."""
    config = AioConfig(
        max_pool_connections=_AT_ONCE,
        # An engine on a busy machine may leave a call without an answer: it is made again, well within a test's time.
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 5},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    async with aioboto3.Session().client("s3", config=config) as client:
        bucket = hand(client, name)
        names = {found["Name"] for found in (await client.list_buckets())["Buckets"]}
        if name in names:
            await bucket.empty()
        else:
            await client.create_bucket(Bucket=name)
        yield bucket


@contextmanager
def run_moto() -> Iterator[S3Endpoint]:
    """Run moto's server in a thread. It checks no signature."""
    modules = frozenset(list_of_moto_modules())
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as patch:
        # It would look through its own directory for each request.
        patch.setattr("moto.backends.list_of_moto_modules", lambda: modules)
        server.start()
        try:
            host, port = server.get_host_and_port()
            yield S3Endpoint(f"http://{host}:{port}")
        finally:
            server.stop()


def reset_moto(endpoint: S3Endpoint) -> None:
    """Forget every bucket."""
    with urlopen(Request(f"{endpoint.url}/moto-api/reset", method="POST"), timeout=PATIENCE):
        pass
