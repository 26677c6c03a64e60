"""The S3 back-end against a real engine, which checks signatures as moto does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest

from app.domain.errors import NotFound, StoreDenied, StoreUnavailable
from app.domain.paths import ROOT, ArtifactPath
from app.domain.storage_urls import S3Place
from app.storage.s3.opening import open_s3_store
from app.storage.s3.store import S3Store
from tests.support.aws import BUCKET, Bucket, S3Endpoint, open_bucket, point_aws_at
from tests.support.store_contract import ODD_NAMES, PlantedTree, path_of

LEGACY = "d/pkg_1.0%7Erc1.deb"


def ignore_call(operation: str, outcome: str, seconds: float) -> None:
    pass


@pytest.fixture
async def tree(s3_engine: S3Endpoint, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PlantedTree]:
    point_aws_at(monkeypatch, s3_engine)
    async with open_bucket() as bucket, open_s3_store(S3Place(BUCKET), observe=ignore_call) as store:
        yield PlantedTree(store, bucket)


@pytest.fixture
async def web() -> AsyncIterator[httpx.AsyncClient]:
    """A client that knows no credentials."""
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


async def presign(tree: PlantedTree, path: ArtifactPath, *, expires: int = 60) -> str:
    disposition = "attachment; filename=\"f\"; filename*=UTF-8''%C3%BC"
    signed = await tree.store.presign(
        path,
        fields={"Content-Type": "application/x-image", "Content-Disposition": disposition},
        expires=expires,
    )
    assert signed is not None
    return signed.url


async def test_a_presigned_url_gives_the_file_with_the_headers_asked_for(
    tree: PlantedTree, web: httpx.AsyncClient
) -> None:
    await tree.hand.plant("d/f.img", b"content")
    answer = await web.get(await presign(tree, path_of("d/f.img")))
    assert (answer.status_code, answer.content) == (200, b"content")
    assert answer.headers["content-type"] == "application/x-image"
    assert answer.headers["content-disposition"] == "attachment; filename=\"f\"; filename*=UTF-8''%C3%BC"


async def test_a_presigned_url_serves_ranges(tree: PlantedTree, web: httpx.AsyncClient) -> None:
    await tree.hand.plant("d/f.img", b"content")
    url = await presign(tree, path_of("d/f.img"))
    answer = await web.get(url, headers={"Range": "bytes=2-4"})
    assert (answer.status_code, answer.content) == (206, b"nte")


async def test_presigned_urls_of_odd_names(tree: PlantedTree, web: httpx.AsyncClient) -> None:
    for name in ODD_NAMES:
        await tree.hand.plant(f"odd/{name}", name.encode())
        answer = await web.get(await presign(tree, path_of(f"odd/{name}")))
        assert (answer.status_code, answer.content) == (200, name.encode())


async def test_a_presigned_url_of_a_legacy_spelling(tree: PlantedTree, web: httpx.AsyncClient) -> None:
    await tree.hand.plant(LEGACY, b"legacy")
    answer = await web.get(await presign(tree, path_of("d/pkg_1.0~rc1.deb")))
    assert (answer.status_code, answer.content) == (200, b"legacy")


async def test_a_presigned_url_in_virtual_host_style(
    tree: PlantedTree,
    web: httpx.AsyncClient,
    s3_engine: S3Endpoint,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in ODD_NAMES:
        await tree.hand.plant(f"odd/{name}", name.encode())
    engine = urlsplit(s3_engine.url)
    config = tmp_path / "aws-config"
    config.write_text("[default]\ns3 =\n  addressing_style = virtual\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://localhost:{engine.port}")
    async with open_s3_store(S3Place(BUCKET), observe=ignore_call) as store:
        for name in ODD_NAMES:
            if "~" in name:
                continue  # where S3 is asked for the spelling, by a name that only a resolver of its own knows
            url = urlsplit(await presign(PlantedTree(store, tree.hand), path_of(f"odd/{name}")))
            assert url.netloc == f"{BUCKET}.localhost:{engine.port}"
            at_engine = urlunsplit(url._replace(netloc=engine.netloc))
            answer = await web.get(at_engine, headers={"Host": url.netloc})
            assert (answer.status_code, answer.content) == (200, name.encode())


async def test_an_expired_url_is_refused(tree: PlantedTree, web: httpx.AsyncClient) -> None:
    await tree.hand.plant("f", b"content")
    url = await presign(tree, path_of("f"), expires=1)
    async with asyncio.timeout(30):
        while (answer := await web.get(url)).status_code == 200:
            await asyncio.sleep(0.1)
    assert answer.status_code == 403


async def test_a_tampered_url_is_refused(tree: PlantedTree, web: httpx.AsyncClient) -> None:
    await tree.hand.plant("f", b"content")
    await tree.hand.plant("g", b"other")
    url = await presign(tree, path_of("f"), expires=60)
    parts = urlsplit(url)
    for other in (
        urlunsplit(parts._replace(path=parts.path[:-1] + "g")),
        url.replace("X-Amz-Expires=72", "X-Amz-Expires=7200"),
        url.replace("x-image", "x-other"),
        urlunsplit(parts._replace(query="")),
    ):
        assert other != url
        assert (await web.get(other)).status_code == 403
    assert (await web.put(url, content=b"written")).status_code == 403
    assert (await web.get(url)).content == b"content"


async def test_the_stored_media_type_is_told_unless_it_is_a_default(tree: PlantedTree) -> None:
    async with open_bucket() as bucket:
        await bucket.plant("typed", b"x", ContentType="text/x-log")
        await bucket.plant("untyped", b"x", ContentType="application/octet-stream")
    assert (await tree.store.head(path_of("typed"))).content_type == "text/x-log"
    assert (await tree.store.head(path_of("untyped"))).content_type is None


async def test_this_engine_keeps_no_checksums(tree: PlantedTree) -> None:
    """Ceph 16 takes them along with an upload, and forgets them: see docs/operations.md."""
    assert isinstance(tree.hand, Bucket)
    await tree.hand.plant("f", b"x", ChecksumAlgorithm="SHA256")
    info = await tree.store.head(path_of("f"))
    assert (info.size, info.digests) == (1, ())


async def test_wrong_keys_are_denied_everywhere(tree: PlantedTree, monkeypatch: pytest.MonkeyPatch) -> None:
    await tree.hand.plant("f", b"content")
    info = await tree.store.head(path_of("f"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")

    async def open_range(store: S3Store) -> None:
        async with store.open_range(path_of("f"), info, 0, 1):
            pass

    async with open_s3_store(S3Place(BUCKET), observe=ignore_call) as store:
        for use in (
            store.list_folder(ROOT),
            store.head(path_of("f")),
            store.read_small(path_of("f")),
            store.check(),
            open_range(store),
        ):
            with pytest.raises(StoreDenied):
                await use


async def test_a_missing_bucket_is_not_an_empty_tree(tree: PlantedTree) -> None:
    async with open_s3_store(S3Place("no-such-bucket"), observe=ignore_call) as store:
        for use in (store.list_folder(ROOT), store.check(), store.read_small(path_of("f"))):
            with pytest.raises(StoreUnavailable, match="no-such-bucket"):
                await use


async def test_a_tree_below_a_prefix_sees_nothing_beside_it(tree: PlantedTree) -> None:
    await tree.hand.plant("eu/f", b"mine")
    await tree.hand.plant("eu-secret/g", b"not mine")
    await tree.hand.plant("h", b"not mine")
    async with open_s3_store(S3Place(BUCKET, "eu/"), observe=ignore_call) as store:
        assert [entry.name for entry in (await store.list_folder(ROOT)).entries] == ["f"]
        assert await store.read_small(path_of("f")) == b"mine"
        for absent in ("g", "h", "eu/f"):
            with pytest.raises(NotFound):
                await store.head(path_of(absent))
