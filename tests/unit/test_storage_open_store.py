from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.domain.errors import StoreDenied
from app.domain.paths import ROOT
from app.storage.composite.failover import FailoverStore
from app.storage.composite.overlay import OverlayStore
from app.storage.local.store import LocalStore
from app.storage.observation import Unwatched
from app.storage.open_store import open_storage, open_store
from app.storage.s3.download import RESUME_PAUSES
from app.storage.s3.store import S3Store
from app.storage.s3.unlisted import UnlistedS3Store
from tests.support import fake_s3
from tests.support.aws import S3Endpoint, point_aws_at
from tests.support.fake_s3 import FakeS3, run_fake_s3
from tests.support.memory_store import MemoryStore


def ignore_call(operation: str, outcome: str, seconds: float) -> None:
    pass


@pytest.mark.parametrize("form", ["file://{}", "file://localhost{}", "{}"])
async def test_a_directory_in_every_allowed_form(tmp_path: Path, form: str) -> None:
    (tmp_path / "f").write_bytes(b"")
    async with open_store(form.format(tmp_path), observe=ignore_call) as store:
        assert isinstance(store, LocalStore)
        assert [entry.name for entry in (await store.list_folder(ROOT)).entries] == ["f"]


async def test_a_file_url_is_percent_encoded(tmp_path: Path) -> None:
    (tmp_path / "a b%").mkdir()
    async with open_store(f"file://{tmp_path}/a%20b%25", observe=ignore_call) as store:
        await store.check()


async def test_a_bucket_with_a_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    async with run_fake_s3() as s3:
        point_aws_at(monkeypatch, S3Endpoint(s3.url))
        s3.answer = fake_s3.status(400)
        async with open_store("s3://artifacts/trees/eu", observe=ignore_call) as store:
            assert isinstance(store, S3Store)
            with pytest.raises(StoreDenied):
                await store.check()
    assert s3.requests[0].target.startswith("/artifacts?")
    assert "prefix=trees%2Feu%2F" in s3.requests[0].target


@pytest.mark.parametrize(
    "url",
    [
        "",
        "s3://",
        "s3:///prefix",
        "s3://a b/",
        "http://host/",
        "file://host/dir",
        "file://",
        "/no/such/dir",
        "/etc/passwd",
    ],
)
def test_anything_else_is_refused_with_what_is_allowed(url: str) -> None:
    with pytest.raises(ValueError, match=r"must be file:///directory, .* or s3://bucket/prefix, but"):
        open_store(url, observe=ignore_call)


@pytest.mark.parametrize(
    ("urls", "overlay", "reason"),
    [
        (["s3://one", "s3://two", "s3://one"], None, "each store once"),
        (["s3://one", "s3://two?list=no"], None, "list=no must be the only one"),
        (["s3://one?list=no"], "s3://two", "list=no must be the only one"),
        (["s3://one"], "s3://two?list=no", "list=no must be the only one"),
    ],
)
def test_stores_that_cannot_be_merged(urls: list[str], overlay: str | None, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        open_storage(urls, overlay, watch=Unwatched())


async def test_one_store_is_itself_and_others_are_named_after_their_places(tmp_path: Path) -> None:
    urls = [str(tmp_path / name) for name in ("one", "two", "over")]
    for url in urls:
        Path(url).mkdir()
    Path(urls[1], "f").touch()
    watch = Unwatched()
    async with open_storage(urls[:1], watch=watch) as store:
        assert isinstance(store, LocalStore)
    async with open_storage(urls[:2], watch=watch) as store:
        assert isinstance(store, FailoverStore)
    async with open_storage(urls[1:2], urls[2], watch=watch) as store:
        assert isinstance(store, OverlayStore)
        assert (await store.head(ROOT.child("f"))).origin == "primary"
        Path(urls[2], "f").touch()
        assert (await store.head(ROOT.child("f"))).origin == "overlay"


def test_a_file_is_told_from_a_directory_that_is_absent(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    with pytest.raises(ValueError, match=f"is a file; its directory is '{tmp_path}'"):
        open_store(str(tmp_path / "f"), observe=ignore_call)
    with pytest.raises(ValueError, match="there is no directory"):
        open_store(str(tmp_path / "absent"), observe=ignore_call)


@pytest.mark.parametrize(("copies", "attempts"), [(1, len(RESUME_PAUSES)), (2, 1)])
async def test_a_broken_download_is_soon_left_to_another_copy(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch, copies: int, attempts: int
) -> None:
    opened: list[int] = []

    @asynccontextmanager
    async def open_s3_store(
        *_: object, resume_pauses: Sequence[float], **__: object
    ) -> AsyncIterator[MemoryStore]:
        opened.append(len(resume_pauses))
        yield MemoryStore()

    monkeypatch.setattr("app.storage.s3.opening.open_s3_store", open_s3_store)
    urls = ["s3://one", "s3://two"][:copies]
    async with open_storage(urls, watch=Unwatched()):
        assert opened == [attempts] * copies


async def test_the_only_store_may_be_one_that_cannot_be_listed(s3: FakeS3) -> None:
    async with open_storage(["s3://one?list=no"], watch=Unwatched()) as store:
        assert isinstance(store, UnlistedS3Store)


async def test_a_directory_is_closed_in_the_end(tmp_path: Path) -> None:
    async with open_storage([str(tmp_path)], watch=Unwatched()) as store:
        await store.check()
    with pytest.raises(RuntimeError):
        await store.check()
