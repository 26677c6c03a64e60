"""The sample tree in a bucket is the sample tree of a directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from scripts.make_sample_tree import main
from scripts.sample_tree.build import build_tree
from scripts.sample_tree.items import EmptyFolder, Item, Link, Sparse, noise, text
from scripts.sample_tree.names import odd_names
from scripts.sample_tree.upload import upload_tree
from tests.support.aws import Bucket, S3Endpoint, open_bucket, point_aws_at, reset_moto, run_moto

ITEMS: list[Item] = [
    text("README.txt", "read me\n", 1),
    noise("builds/7/image.img", 10_000, 1),
    Link("builds/latest", "7", 1),
    Link("newest", "builds", 1),
    EmptyFolder("empty", 1),
    Sparse("large.img", 9 * 1024 * 1024, ((0, b"begin"), (9 * 1024 * 1024 - 3, b"end")), 1),
    *odd_names(),
]


@pytest.fixture(scope="module")
def moto() -> Iterator[S3Endpoint]:
    with run_moto() as endpoint:
        yield endpoint


@pytest.fixture(autouse=True)
def _empty_store(moto: S3Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    reset_moto(moto)
    point_aws_at(monkeypatch, moto)


async def objects(bucket: Bucket) -> dict[str, bytes]:
    """Every object of a bucket, by key."""
    page = await bucket.client.list_objects_v2(Bucket=bucket.name)
    found = {}
    for item in page["Contents"]:
        answer = await bucket.client.get_object(Bucket=bucket.name, Key=item["Key"])
        found[item["Key"]] = await answer["Body"].read()
    return found


async def test_every_file_is_there_byte_for_byte(tmp_path: Path) -> None:
    build_tree(ITEMS, tmp_path / "tree")
    async with open_bucket() as bucket:
        count = await upload_tree(ITEMS, tmp_path / "tree", bucket=bucket.name, prefix="sites/one")
        found = await objects(bucket)

    files = {
        f"sites/one/{path.relative_to(tmp_path / 'tree')}": path.read_bytes()
        for item in ITEMS
        if (path := tmp_path / "tree" / item.path).is_file()
    }
    assert files.items() <= found.items()
    assert len(found) == len(ITEMS) == count


@pytest.mark.parametrize("prefix", ["", "sites/one"])
async def test_links_and_empty_folders_become_what_stands_for_them(tmp_path: Path, prefix: str) -> None:
    build_tree(ITEMS, tmp_path / "tree")
    async with open_bucket() as bucket:
        await upload_tree(ITEMS, tmp_path / "tree", bucket=bucket.name, prefix=prefix)
        found = await objects(bucket)

    root = f"{prefix}/" if prefix else ""
    assert found[f"{root}builds/latest/.s3_linked_from"] == b"builds/7"
    assert found[f"{root}newest/.s3_linked_from"] == b"builds"
    assert found[f"{root}empty/"] == b""


async def test_a_bucket_is_created_only_when_asked_for(tmp_path: Path) -> None:
    items = [text("a.txt", "a\n", 1)]
    build_tree(items, tmp_path / "tree")

    with pytest.raises(ClientError, match="NoSuchBucket"):
        await upload_tree(items, tmp_path / "tree", bucket="new-one")
    assert await upload_tree(items, tmp_path / "tree", bucket="new-one", create_bucket=True) == 1


def test_the_command_says_why_the_store_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.make_sample_tree.plan", lambda: (text("a.txt", "a\n", 1),))

    assert main([str(tmp_path / "tree"), "--upload", "s3://nowhere/x"]) == 1
    assert "NoSuchBucket" in capsys.readouterr().err
    assert main([str(tmp_path / "tree"), "--upload", "s3://nowhere/x", "--create-bucket"]) == 0
    assert "1 objects put" in capsys.readouterr().err
