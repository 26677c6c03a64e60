"""One store's files over another's. A layer that says nothing opens nothing."""

from __future__ import annotations

import pytest

from app.catalog import Catalog
from app.domain.access import ANONYMOUS
from app.domain.errors import (
    LoginRequired,
    Moved,
    NotFound,
    Refused,
    StoreDenied,
    StoreError,
    StoreUnavailable,
)
from app.domain.paths import ArtifactPath
from app.storage.composite.origin_tagging import OriginTagging
from app.storage.composite.overlay import OverlayStore
from tests.support.catalogs import catalog_over
from tests.support.memory_store import MemoryStore
from tests.support.policy import build_info

FOLDER = ArtifactPath.from_text("d/")
FILE = FOLDER.child("f")
MEMBERS = build_info("Files-Pattern: *", "Auth-Groups: staff")
OPEN = build_info("Files-Pattern: *", "License-Type: open")


class Layers:
    def __init__(self) -> None:
        self.upper, self.lower = MemoryStore(), MemoryStore(presign_base="https://s3.example")
        self.store = OverlayStore(OriginTagging("overlay", self.upper), OriginTagging("primary", self.lower))
        self.catalog: Catalog = catalog_over(self.store)


@pytest.fixture
def layers() -> Layers:
    return Layers()


async def names(layers: Layers) -> list[str]:
    return sorted(entry.name for entry in (await layers.store.list_folder(FOLDER)).entries)


async def body_of(layers: Layers, path: ArtifactPath) -> bytes:
    info = await layers.store.head(path)
    async with layers.store.open_range(path, info, 0, info.size) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def test_folders_are_merged_and_the_upper_file_is_there(layers: Layers) -> None:
    layers.upper.put("d/both", b"upper")
    layers.upper.put("d/up", b"u")
    layers.lower.put("d/both", b"the lower")
    layers.lower.put("d/low", b"l")
    listing = await layers.store.list_folder(FOLDER)
    assert sorted((entry.name, getattr(entry, "size", 0)) for entry in listing.entries) == [
        ("both", 5),
        ("low", 1),
        ("up", 1),
    ]
    assert await body_of(layers, FOLDER.child("both")) == b"upper"
    assert await body_of(layers, FOLDER.child("low")) == b"l"


async def test_a_folder_in_one_of_them_is_a_folder(layers: Layers) -> None:
    layers.upper.put("d/up")
    assert await names(layers) == ["up"]
    layers.upper.remove("d/up")
    layers.lower.put("d/low")
    assert await names(layers) == ["low"]
    layers.lower.remove("d/low")
    with pytest.raises(NotFound):
        await layers.store.list_folder(FOLDER)


async def test_a_url_is_made_where_the_file_is(layers: Layers) -> None:
    layers.upper.put("d/up", b"u")
    layers.lower.put("d/low", b"l")
    for name, has_url in (("up", False), ("low", True)):
        path = FOLDER.child(name)
        origin = (await layers.store.head(path)).origin
        url = await layers.store.presign(
            path, fields={"Content-Type": "a/b", "Content-Disposition": "inline"}, expires=9, origin=origin
        )
        assert (url is not None) is has_url


@pytest.mark.parametrize("upper", ["d/", "d/x", "d/sub/x"])
async def test_an_upper_folder_without_rules_opens_nothing_below_it(layers: Layers, upper: str) -> None:
    layers.lower.put("d/BUILD-INFO.txt", MEMBERS)
    layers.lower.put("d/f", b"secret")
    layers.upper.put(upper)
    with pytest.raises(LoginRequired):
        await layers.catalog.list_folder(FOLDER, ANONYMOUS)
    for name in ("f", "x"):
        with pytest.raises((LoginRequired, NotFound)):
            await layers.catalog.open_file(FOLDER.child(name), ANONYMOUS)


async def test_a_new_upper_file_is_judged_by_the_lower_rules(layers: Layers) -> None:
    catalog = catalog_over(layers.store, cache_ttl=600)
    layers.lower.put("d/low")
    await catalog.list_folder(FOLDER, ANONYMOUS)
    layers.lower.put("d/BUILD-INFO.txt", MEMBERS)
    layers.upper.put("d/f", b"secret")
    with pytest.raises(LoginRequired):
        await catalog.open_file(FILE, ANONYMOUS)


async def test_a_control_file_replaces_the_lower_one_of_its_name(layers: Layers) -> None:
    layers.lower.put("d/BUILD-INFO.txt", MEMBERS)
    layers.lower.put("d/f", b"l")
    layers.upper.put("d/BUILD-INFO.txt", OPEN)
    assert (await layers.catalog.open_file(FILE, ANONYMOUS)).info.origin == "primary"
    layers.upper.put("d/BUILD-INFO.txt", b"nonsense")
    with pytest.raises(Refused):
        await layers.catalog.open_file(FILE, ANONYMOUS)


async def test_a_control_file_that_is_broken_above_is_not_taken_from_below(layers: Layers) -> None:
    layers.lower.put("d/BUILD-INFO.txt", OPEN)
    layers.lower.put("d/f", b"l")
    layers.upper.put("d/")
    layers.upper.skip("d/", "BUILD-INFO.txt")
    with pytest.raises(StoreUnavailable, match="rules-unreadable"):
        await layers.catalog.open_file(FILE, ANONYMOUS)


@pytest.mark.parametrize("layer", ["upper", "lower"])
@pytest.mark.parametrize("error", [StoreUnavailable("timeout"), StoreDenied()])
@pytest.mark.parametrize("operation", ["list", "get"])
async def test_where_either_layer_cannot_be_read_nothing_is_served(
    layers: Layers, layer: str, error: StoreError, operation: str
) -> None:
    layers.lower.put("d/BUILD-INFO.txt", OPEN)
    layers.upper.put("d/EULA.txt", b"Be nice.")
    layers.lower.put("d/f", b"l")
    getattr(layers, layer).fail_on(operation, error)
    with pytest.raises(type(error)):
        await layers.catalog.list_folder(FOLDER, ANONYMOUS)
    with pytest.raises(type(error)):
        await layers.catalog.open_file(FILE, ANONYMOUS)


@pytest.mark.parametrize("layer", ["upper", "lower"])
async def test_a_link_in_either_is_a_link(layers: Layers, layer: str) -> None:
    layers.upper.put("e/x")
    layers.lower.put("e/y")
    layers.upper.put("d/x" if layer == "lower" else "z")
    layers.lower.put("d/y" if layer == "upper" else "z")
    getattr(layers, layer).link("d", "e")
    with pytest.raises(Moved):
        await layers.store.list_folder(FOLDER)


@pytest.mark.parametrize("layer", ["upper", "lower"])
async def test_both_are_needed_to_be_ready(layers: Layers, layer: str) -> None:
    assert await layers.store.check() == ()
    getattr(layers, layer).fail_on("check", StoreUnavailable("timeout"))
    with pytest.raises(StoreUnavailable):
        await layers.store.check()
