"""What S3 engines do in ways of their own, each as a question that is put to one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple
from urllib.parse import quote

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from app.domain.errors import NotFound, PierheadError, StoreDenied
from app.domain.paths import ROOT
from app.domain.storage_urls import S3Place
from app.storage.s3.opening import open_s3_store
from app.storage.s3.store import S3Store
from tests.support.aws import Bucket, S3Endpoint
from tests.support.store_contract import ODD_NAMES, PlantedTree, path_of

SECONDS = 60
OTHERS = 150
"""So many other calls that an engine answers meanwhile show that it does not answer at all: the busier the machine, the longer they take."""
PAUSE = 0.1
"""Seconds between two of these."""
USUAL = "usual"
BODY = b"0123456789"
WRONG = '"00000000000000000000000000000000"'


class Asked(NamedTuple):
    """An engine with an empty bucket.

    Attributes:
        web: a client that knows no credentials.
    """

    endpoint: S3Endpoint
    hand: Bucket
    store: S3Store
    web: httpx.AsyncClient

    async def plant(self, **options: str) -> str:
        """Store a file, and give a presigned URL for it."""
        await self.hand.plant("f", BODY, **options)
        signed = await self.store.presign(path_of("f"), fields={"Content-Type": "text/x-odd"}, expires=60)
        assert signed is not None
        return signed.url

    async def get(self, url: str, **headers: str) -> httpx.Response:
        return await self.web.get(
            url, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )


async def _odd_names(asked: Asked) -> bool:
    for name in ODD_NAMES:
        await asked.hand.plant(f"odd/{name}", name.encode())
    tree = PlantedTree(asked.store, asked.hand)
    if await tree.names("odd/") != set(ODD_NAMES):
        return False
    return all([await tree.whole(f"odd/{name}") == name.encode() for name in ODD_NAMES])


async def _file_and_folder(asked: Asked) -> bool:
    await asked.hand.plant("both", b"a file")
    await asked.hand.plant("both/inside", b"in a folder")
    return await PlantedTree(asked.store, asked.hand).names("/") == {"both", "both/"}


async def _empty_folder(asked: Asked) -> bool:
    await asked.hand.plant("empty/")
    return await PlantedTree(asked.store, asked.hand).names("/") == {"empty/"}


async def _byte_order(asked: Asked) -> bool:
    keys = ["a-b", "a/b", "a0", "b", "\u00fc", "\U0001f680", "\ufb01"]
    for key in keys:
        await asked.hand.plant(key)
    listed = (await asked.hand.client.list_objects_v2(Bucket=asked.hand.name)).get("Contents", [])
    return [item["Key"] for item in listed] == sorted(keys, key=str.encode)


async def _start_after(asked: Asked) -> bool:
    for key in ("a", "b", "c"):
        await asked.hand.plant(key)
    listed = (await asked.hand.client.list_objects_v2(Bucket=asked.hand.name, StartAfter="a")).get(
        "Contents", []
    )
    return [item["Key"] for item in listed] == ["b", "c"]


async def _signed_calls(asked: Asked) -> bool:
    """With a key that the engine knows, and a signature that is wrong."""
    await asked.hand.plant("f", BODY)
    url = f"{asked.endpoint.url}/{asked.hand.name}/f"
    wrong = (
        "AWS4-HMAC-SHA256 Credential={}/20200101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature={}"
    )
    answer = await asked.get(url, Authorization=wrong.format(asked.endpoint.access_key, "0" * 64))
    return answer.status_code in (400, 403)


async def _signed_urls(asked: Asked) -> bool:
    url = await asked.plant()
    return (await asked.get(url)).content == BODY and (await asked.get(url + "0")).status_code == 403


async def _url_fields(asked: Asked) -> bool:
    answer = await asked.get(await asked.plant())
    return bool(answer.headers.get("content-type") == "text/x-odd")


async def _stored_fields(asked: Asked) -> bool:
    await asked.hand.plant("f", BODY, ContentLanguage="da", CacheControl="no-transform")
    stored = (await asked.store.head(path_of("f"))).stored
    return (stored.language, stored.cache_control) == ("da", "no-transform")


async def _ranges(asked: Asked) -> bool:
    answer = await asked.get(await asked.plant(), Range="bytes=2-4")
    return (answer.status_code, answer.headers.get("content-range")) == (206, "bytes 2-4/10")


async def _none_match(asked: Asked) -> bool:
    url = await asked.plant()
    tag = (await asked.get(url)).headers["etag"]
    return (await asked.get(url, If_None_Match=tag)).status_code == 304


async def _if_match(asked: Asked) -> bool:
    return (await asked.get(await asked.plant(), If_Match=WRONG)).status_code == 412


async def _if_range(asked: Asked) -> bool:
    answer = await asked.get(await asked.plant(), Range="bytes=2-4", If_Range=WRONG)
    return (answer.status_code, answer.content) == (200, BODY)


async def _checksums(asked: Asked) -> bool:
    await asked.hand.plant("f", BODY, ChecksumAlgorithm="SHA256")
    return [found.algorithm for found in (await asked.store.head(path_of("f"))).digests] == ["sha-256"]


async def _storage_classes(asked: Asked) -> bool:
    await asked.hand.plant("f", BODY, StorageClass="GLACIER")
    (listed,) = (await asked.store.list_folder(ROOT)).entries
    info = await asked.store.head(path_of("f"))
    return getattr(listed, "storage_class", None) == info.storage_class == "GLACIER" and info.is_archived


async def _public(asked: Asked) -> bool:
    """Open to everybody only once it is made so."""
    client, name = asked.hand.client, "f \u00fc"
    place = S3Place(asked.hand.name, is_unsigned=True)
    await asked.hand.plant(name, BODY)
    async with open_s3_store(place, observe=lambda *_: None) as nobody:
        try:
            await nobody.list_folder(ROOT)
        except StoreDenied:
            pass
        else:
            return False
        await client.put_bucket_acl(Bucket=asked.hand.name, ACL="public-read")
        await client.put_object_acl(Bucket=asked.hand.name, Key=name, ACL="public-read")
        try:
            await nobody.list_folder(ROOT)
            signed = await nobody.presign(path_of(name), fields={"Content-Type": "text/x-odd"}, expires=60)
            url = f"{asked.endpoint.url}/{asked.hand.name}/{quote(name)}"
            return signed is not None and signed.url == url and (await asked.get(url)).content == BODY
        finally:
            await client.put_bucket_acl(Bucket=asked.hand.name, ACL="private")


async def _unlisted(asked: Asked) -> bool:
    """Its objects are open to everybody, and the bucket is not."""
    client, bucket = asked.hand.client, asked.hand.name
    await asked.hand.plant("f", BODY)
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    statement = everybody | {"Resource": f"arn:aws:s3:::{bucket}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    await client.put_bucket_policy(Bucket=bucket, Policy=policy)
    nobody = partial(open_s3_store, observe=lambda *_: None)
    async with nobody(S3Place(bucket, is_unsigned=True)) as store:
        try:
            await store.list_folder(ROOT)
        except StoreDenied:
            pass
        else:
            return False
    async with nobody(S3Place(bucket, is_unsigned=True, is_listed=False)) as store:
        await store.check()
        try:
            await store.head(path_of("absent"))
        except NotFound:
            return (await store.head(path_of("f"))).size == len(BODY)
    return False


FEATURES: dict[str, Callable[[Asked], Awaitable[bool]]] = {
    "keeps every odd name apart": _odd_names,
    "holds a file and a folder of one name": _file_and_folder,
    "holds empty folders": _empty_folder,
    "lists in byte order": _byte_order,
    "knows `start-after`": _start_after,
    "checks the signatures of calls": _signed_calls,
    "checks presigned URLs": _signed_urls,
    "sets header fields by URL (`response-*`)": _url_fields,
    "keeps `Content-Language` and `Cache-Control`": _stored_fields,
    "answers ranges with 206": _ranges,
    "answers `If-None-Match` with 304": _none_match,
    "answers `If-Match` with 412": _if_match,
    "honours `If-Range`": _if_range,
    "keeps checksums (`x-amz-checksum-*`)": _checksums,
    "shows storage classes": _storage_classes,
    "opens a bucket to everybody, with `unsigned=true`": _public,
    "gives objects of a bucket that it does not list, with `list=no`": _unlisted,
}
"""By what the table in docs/operations.md says of each."""


async def has(feature: str, asked: Asked) -> bool:
    """Whether an engine has a feature. One that answers with an error, or never, has it not, if it takes files at all."""
    await asked.hand.plant(USUAL, BODY)
    await asked.hand.remove(USUAL)
    answering = asyncio.ensure_future(FEATURES[feature](asked))
    try:
        async with asyncio.timeout(SECONDS):
            return await _is_answered(answering, asked) and await answering
    except (PierheadError, BotoCoreError, ClientError, httpx.HTTPError, KeyError, TimeoutError):
        return False
    finally:
        answering.cancel()
        await asyncio.wait({answering})


async def _is_answered(answering: asyncio.Future[bool], asked: Asked) -> bool:
    for _ in range(OTHERS):
        await asyncio.wait({answering}, timeout=PAUSE)
        if answering.done():
            return True
        await asked.hand.client.head_bucket(Bucket=asked.hand.name)
    return False
