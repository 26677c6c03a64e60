"""What clients get of files in a real S3 that checks signatures, by each way that their bytes can go. Takes some ten seconds."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.support.aws import BUCKET, S3Endpoint, open_bucket, point_aws_at
from tests.support.live_server import app_for
from tests.support.programs import environment, run
from tests.support.site_trees import client_of

BODY = bytes(range(256)) * 2000
REPLACED = BODY[::-1]
BY_PROXY = """
[[serve]]
path = "sent"
delivery = "proxy"
"""
STORED = {
    "ContentEncoding": "zstd",
    "ContentLanguage": "da",
    "CacheControl": "no-transform",
    "ContentDisposition": "attachment; filename=board.img",
    "ContentType": "application/x-image",
}
SEEN = {
    "content-encoding": "zstd",
    "content-language": "da",
    "content-disposition": 'attachment; filename="board.img"',
    "content-type": "application/x-image",
}


@pytest.fixture(scope="module")
def endpoint(s3_engine: S3Endpoint) -> Iterator[S3Endpoint]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        point_aws_at(monkeypatch, s3_engine)
        yield s3_engine


def plant(objects: Mapping[str, bytes], **options: str) -> None:
    async def plant_all() -> None:
        async with open_bucket() as bucket:
            for key, content in objects.items():
                await bucket.plant(key, content, **options)

    asyncio.run(plant_all())


def replace(key: str, content: bytes) -> None:
    """Without emptying the bucket, as `open_bucket` does."""

    async def replace_one() -> None:
        async with open_bucket("another") as bucket:
            await bucket.client.put_object(Bucket=BUCKET, Key=key, Body=content)

    asyncio.run(replace_one())


@pytest.fixture
def client(endpoint: S3Endpoint) -> Iterator[httpx.Client]:
    app = app_for(f"s3://{BUCKET}", policy=BY_PROXY, cache_ttl=600)
    with client_of(app, follow_redirects=True, headers={"Accept-Encoding": "identity"}) as http:
        yield http


def fields(client: httpx.Client, method: str, path: str, **headers: str) -> dict[str, str | None]:
    """The fields that were stored with a file, of the answer that has its bytes."""
    with client.stream(method, path, headers=headers) as answer:
        assert answer.status_code in (200, 206)
        read = b"".join(answer.iter_raw())
        assert read in (b"", BODY, BODY[2:5])
        seen = {name: answer.headers.get(name) for name in SEEN}
        assert "no-transform" in answer.headers["cache-control"]
        return seen


def test_stored_fields_are_the_same_by_every_way(client: httpx.Client) -> None:
    plant({"sent/f.img": BODY, "told/f.img": BODY}, **STORED)
    for path, status in (("/sent/f.img", 200), ("/told/f.img", 302)):
        for _ in range(3):  # the later ones from memory
            assert client.get(path, follow_redirects=False).status_code == status
            assert fields(client, "HEAD", path) == SEEN
            assert fields(client, "GET", path) == SEEN
            assert fields(client, "GET", path, Range="bytes=2-4") == SEEN


def test_a_resumed_download_of_a_replaced_object_begins_anew(client: httpx.Client) -> None:
    plant({"sent/f": BODY, "told/f": BODY})
    for path in ("/sent/f", "/told/f"):
        tag = client.head(path).headers["etag"]
        assert client.get(path, headers={"Range": "bytes=0-499"}).content == BODY[:500]
        rest = {"Range": "bytes=500-", "If-Range": tag}
        same = client.get(path, headers=rest)
        assert (same.status_code, same.content) == (206, BODY[500:])
        replace(path[1:], REPLACED)
        other = client.get(path, headers=rest)
        assert (other.status_code, other.content) == (200, REPLACED)
        assert other.headers["etag"] != tag


@pytest.mark.parametrize("delivery", ["auto", "proxy"])
def test_who_pays_is_part_of_every_signature(endpoint: S3Endpoint, delivery: str) -> None:
    """The engine refuses each call whose signature does not cover what it says."""
    plant({"d/f": BODY})
    app = app_for(f"s3://{BUCKET}?request_payer=requester", delivery=delivery)
    with client_of(app) as http:
        assert [entry["name"] for entry in http.get("/d/?format=json").json()["entries"]] == ["f"]
        assert http.head("/d/f").headers["content-length"] == str(len(BODY))
        answer = http.get("/d/f")
        if delivery == "proxy":
            assert answer.content == BODY
            return
        url = answer.headers["location"]
        assert parse_qs(urlsplit(url).query)["x-amz-request-payer"] == ["requester"]
        assert httpx.get(url, trust_env=False).content == BODY
        assert httpx.get(url.replace("=requester", "=other"), trust_env=False).status_code == 403


def git(directory: Path, *command: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=n", "-c", "user.email=e@x", *command],
        cwd=directory,
        env=environment(directory),
        check=True,
        capture_output=True,
        timeout=60,
    )


def test_git_clones_over_its_dumb_protocol(client: httpx.Client, tmp_path: Path) -> None:
    work, bare = tmp_path / "work", tmp_path / "bare.git"
    work.mkdir()
    git(work, "init", "-q", "-b", "main")
    (work / "big.bin").write_bytes(BODY)
    git(work, "add", ".")
    git(work, "commit", "-q", "-m", "first")
    git(tmp_path, "clone", "-q", "--bare", str(work), str(bare))
    git(bare, "repack", "-q", "-a", "-d")
    git(bare, "update-server-info")
    files = {f"sent/r.git/{path.relative_to(bare)}": path for path in bare.rglob("*") if path.is_file()}
    plant({key: path.read_bytes() for key, path in files.items()})
    for name, url in (("one", f"{client.base_url}/sent/r.git"), ("two", f"{client.base_url}/sent//r.git")):
        done = run("git", "clone", "-q", url, name, home=tmp_path)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / name / "big.bin").read_bytes() == BODY


def test_zsync_fetches_what_it_lacks(client: httpx.Client, tmp_path: Path) -> None:
    (tmp_path / "old.img").write_bytes(BODY[:300_000] + b"changed" + BODY[300_007:])
    (tmp_path / "f.img").write_bytes(BODY)
    made = run("zsyncmake", "-u", "f.img", "-o", "f.img.zsync", "f.img", home=tmp_path)
    assert made.returncode == 0, made.stderr
    plant({"sent/f.img": BODY, "sent/f.img.zsync": (tmp_path / "f.img.zsync").read_bytes()})
    url = f"{client.base_url}/sent/f.img.zsync"
    done = run("zsync", "-i", "old.img", "-o", "new.img", url, home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "new.img").read_bytes() == BODY
