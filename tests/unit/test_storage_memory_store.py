"""The fake that other tests rely on does what it is told."""

from __future__ import annotations

import pytest

from app.domain.entries import Folder
from app.domain.errors import Moved, StoreDenied, StoreUnavailable
from app.domain.paths import ROOT
from tests.support.memory_store import Call, MemoryStore
from tests.support.store_contract import names_of, path_of


async def test_calls_are_recorded_in_order() -> None:
    store = MemoryStore(presign_base="https://s3.example")
    store.put("d/f", b"x")
    await store.list_folder(path_of("d/"))
    await store.head(path_of("d/f"))
    url = await store.presign(
        path_of("d/f"), fields={"Content-Type": "a/b", "Content-Disposition": "inline"}, expires=1
    )
    assert url is not None
    assert url.url.startswith("https://s3.example/d/f?")
    assert store.calls == [Call("list", "d/"), Call("head", "d/f"), Call("presign", "d/f")]


async def test_errors_are_raised_when_asked_for() -> None:
    store = MemoryStore()
    store.put("f", b"x")
    store.fail_next(StoreUnavailable("timeout"))
    with pytest.raises(StoreUnavailable):
        await store.check()
    store.fail_on("get", StoreDenied(), path="f")
    await store.head(path_of("f"))
    with pytest.raises(StoreDenied):
        await store.read_small(path_of("f"))
    store.fail_on("get", None, path="f")
    assert await store.read_small(path_of("f")) == b"x"


async def test_links_lead_to_real_paths() -> None:
    store = MemoryStore()
    store.put("16.09/f", b"x")
    store.link("latest", "16.09")
    store.link("dangling", "nowhere")
    store.link("link.txt", "16.09/f")
    store.remove("dangling")
    assert names_of(await store.list_folder(ROOT)) == {"16.09/", "latest/", "link.txt"}
    with pytest.raises(Moved) as caught:
        await store.head(path_of("latest/f"))
    assert caught.value.target == path_of("16.09/f")
    with pytest.raises(Moved):  # there or not
        await store.head(path_of("latest/g"))
    with pytest.raises(Moved):
        await store.read_small(path_of("link.txt"))


async def test_a_file_and_a_folder_may_share_a_name() -> None:
    store = MemoryStore()
    store.put("both", b"x")
    store.put("both/inner")
    store.skip("", "BUILD-INFO.txt")
    listing = await store.list_folder(ROOT)
    assert names_of(listing) == {"both", "both/"}
    assert Folder("both") in listing.entries
    assert listing.skipped == ("BUILD-INFO.txt",)
