"""What a catalog answers from memory alone, and what makes it ask the store again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from app.cache.byte_cache import ByteCache
from app.catalog import Catalog, FolderView
from app.domain.access import ANONYMOUS, Access, Principal
from app.domain.errors import (
    LicenceRequired,
    LoginRequired,
    Moved,
    NotFound,
    ObjectArchived,
    RulesUnreadable,
)
from app.domain.paths import ROOT, ArtifactPath
from app.wiring import build_catalog
from tests.support.clocks import Clock
from tests.support.live_server import policy_from, settings_for
from tests.support.memory_store import MemoryStore
from tests.support.policy import build_info

FOLDER = ArtifactPath.of("d", is_folder=True)
FILE, SECRET = FOLDER.child("fw.img"), FOLDER.child("secret.img")
LINK = ArtifactPath.of("latest", is_folder=True)
STAFF = Principal("somebody", frozenset({"staff"}))
TTL = 60
LIVES = {"cache_ttl": TTL, "cache_grace": 60, "cache_max_stale": 3600}
POLICY = '[[rule]]\npath = "d/secret.img"\ntier = "private"\ngroups = ["staff"]\n'


class World(NamedTuple):
    catalog: Catalog
    store: MemoryStore
    clock: Clock

    def listed(self) -> list[str]:
        """What was listed since the last time that somebody asked."""
        made = [call.path for call in self.store.calls if call.operation == "list"]
        self.store.calls.clear()
        return made


@pytest.fixture
async def world() -> AsyncIterator[World]:
    store, clock = MemoryStore(), Clock()
    store.put("d/fw.img", b"bytes")
    store.put("d/secret.img")
    store.put("d/e/f/file")
    store.link("latest", "d")
    catalog = build_catalog(settings_for(**LIVES), policy_from(POLICY), store, ByteCache(2**20), clock)
    yield World(catalog, store, clock)
    await catalog.aclose()


async def test_a_folder_in_memory_is_at_hand_also_when_it_is_stale(world: World) -> None:
    assert world.catalog.ready_view(FOLDER, ANONYMOUS) is None
    assert world.catalog.fresh_version(FOLDER) is None
    read = await world.catalog.view_folder(FOLDER, ANONYMOUS)
    ready = world.catalog.ready_view(FOLDER, ANONYMOUS)
    assert ready is not None
    assert [visible.entry.name for visible in ready.entries()] == ["e", "fw.img"]
    fresh = world.catalog.fresh_version(FOLDER)
    assert fresh is not None
    assert (fresh.version, 0 < fresh.fresh_for <= TTL) == (read.snapshot.version, True)
    world.clock.now += TTL + 1
    assert world.catalog.ready_view(FOLDER, ANONYMOUS) is not None
    assert world.catalog.fresh_version(FOLDER) is None


async def test_a_link_is_never_at_hand(world: World) -> None:
    with pytest.raises(Moved):
        await world.catalog.view_folder(LINK, ANONYMOUS)
    assert world.catalog.ready_view(LINK, ANONYMOUS) is None
    assert world.catalog.fresh_version(LINK) is None
    assert world.catalog.ready_file(LINK.child("fw.img"), ANONYMOUS) is None


async def test_a_file_of_a_fresh_folder_is_at_hand_for_those_who_may_have_it(world: World) -> None:
    assert world.catalog.ready_file(FILE, ANONYMOUS) is None
    view = await world.catalog.view_folder(FOLDER, ANONYMOUS)
    ready = world.catalog.ready_file(FILE, ANONYMOUS)
    assert ready == await world.catalog.open_file(FILE, ANONYMOUS)
    assert ready is not None
    assert (ready.access, ready.version, ready.info.size) == (Access.PUBLIC, view.snapshot.version, 5)
    assert world.catalog.ready_file(SECRET, ANONYMOUS) is None
    secret = world.catalog.ready_file(SECRET, STAFF)
    assert secret is not None
    assert secret.access is Access.PRIVATE
    for name in ("fw.*", "absent", "e"):
        assert world.catalog.ready_file(FOLDER.child(name), STAFF) is None
    world.clock.now += TTL + 1
    assert world.catalog.ready_file(FILE, ANONYMOUS) is None


async def test_a_folder_is_read_again_on_request_but_once_a_second(world: World) -> None:
    async def seen(*, reread: bool) -> list[str]:
        await world.catalog.view_folder(FOLDER, ANONYMOUS, reread=reread)
        return world.listed()

    assert [await seen(reread=again) for again in (False, False, True, True)] == [["d/"], [], ["d/"], []]
    world.clock.now += 1
    assert await seen(reread=True) == ["d/"]


async def test_who_may_not_see_a_folder_cannot_have_it_read_again(world: World) -> None:
    private = policy_from('[[rule]]\npath = "d"\ntier = "private"\ngroups = ["staff"]\n')
    catalog = build_catalog(settings_for(**LIVES), private, world.store, ByteCache(2**20), world.clock)
    await catalog.view_folder(FOLDER, STAFF)
    world.store.calls.clear()
    with pytest.raises(LoginRequired):
        await catalog.view_folder(FOLDER, ANONYMOUS, reread=True)
    assert catalog.ready_view(FOLDER, STAFF) is not None
    await catalog.view_folder(FOLDER, STAFF, reread=True)
    assert world.listed() == ["d/"]
    await catalog.aclose()


async def test_what_is_cut_short_is_whole_where_it_is_in_memory_or_read_again(world: World) -> None:
    for reread in (False, False, True):
        view = await world.catalog.view_partial(FOLDER, ANONYMOUS, reread=reread)
        assert isinstance(view, FolderView)
    assert world.listed() == ["d/", "d/"]


@pytest.mark.parametrize("path", ["d/e/f/", "d/e/f"])
async def test_a_change_drops_the_folder_itself_and_all_above_it_and_no_other(
    world: World, path: str
) -> None:
    folders = [
        ROOT,
        FOLDER,
        ArtifactPath.of("d", "e", is_folder=True),
        ArtifactPath.of("d", "e", "f", is_folder=True),
    ]
    for folder in folders:
        await world.catalog.view_folder(folder, ANONYMOUS)
    world.catalog.invalidate(ArtifactPath.of("d", "e", "f", is_folder=path.endswith("/")))
    world.listed()
    for folder in folders:
        await world.catalog.view_folder(folder, ANONYMOUS)
    assert world.listed() == ["", "d/", "d/e/", *(["d/e/f/"] if path.endswith("/") else [])]


async def test_a_file_that_appears_is_found_once_its_absence_is_forgotten(world: World) -> None:
    new = FOLDER.child("new.img")
    with pytest.raises(NotFound):
        await world.catalog.open_file(new, ANONYMOUS)
    world.store.put("d/new.img")
    with pytest.raises(NotFound):
        await world.catalog.open_file(new, ANONYMOUS)
    world.catalog.invalidate(new)
    assert (await world.catalog.open_file(new, ANONYMOUS)).path == new


async def test_one_file_as_its_folder_shows_it(world: World) -> None:
    for name in ("fw.img", "fw.*"):
        assert (await world.catalog.look_up(FOLDER.child(name), ANONYMOUS)).path == FILE
    for name in ("absent", "absent*", "secret.img"):
        with pytest.raises(NotFound):
            await world.catalog.look_up(FOLDER.child(name), ANONYMOUS)
    with pytest.raises(Moved) as moved:
        await world.catalog.look_up(FOLDER.child("e"), ANONYMOUS)
    assert moved.value.target == FOLDER.child("e", is_folder=True)
    with pytest.raises(Moved) as moved:
        await world.catalog.look_up(LINK.child("fw.img"), ANONYMOUS)
    assert moved.value.target == FILE


async def test_who_may_have_a_path_is_explained_whether_there_is_one_or_not(world: World) -> None:
    for path in (FILE, FOLDER, FOLDER.child("absent")):
        assert (await world.catalog.explain(path, ANONYMOUS)).access is Access.PUBLIC
    assert (await world.catalog.explain(SECRET, ANONYMOUS)).access is Access.PRIVATE
    for asked, real in ((LINK, FOLDER), (LINK.child("fw.img"), FILE)):
        with pytest.raises(Moved) as moved:
            await world.catalog.explain(asked, ANONYMOUS)
        assert moved.value.target == real


async def test_a_link_that_would_need_a_licence_leads_on_without_it(world: World) -> None:
    """It has no bytes of its own; what its target needs is asked for there."""
    world.store.put("licensed/EULA.txt", b"licence")
    world.store.put("licensed/other.img")
    world.store.link("licensed/fw.img", "d/fw.img")
    folder = ArtifactPath.of("licensed", is_folder=True)
    with pytest.raises(LicenceRequired):
        await world.catalog.open_file(folder.child("other.img"), ANONYMOUS)
    with pytest.raises(Moved) as moved:
        await world.catalog.open_file(folder.child("fw.img"), ANONYMOUS)
    assert moved.value.target == FILE


async def test_a_closed_folder_does_not_say_what_is_missing_in_it(world: World) -> None:
    world.store.put("closed/BUILD-INFO.txt", build_info("Files-Pattern: *", "Auth-Groups: staff"))
    world.store.put("closed/odd/EULA.txt")
    world.store.fail_on("get", ObjectArchived(None), path="closed/odd/EULA.txt")
    closed = ArtifactPath.of("closed", is_folder=True)
    for name, error in [("absent", NotFound), ("odd", RulesUnreadable)]:
        path = closed.child(name, is_folder=True)
        with pytest.raises(LoginRequired):
            await world.catalog.view_folder(path, ANONYMOUS)
        with pytest.raises(error):
            await world.catalog.view_folder(path, STAFF)
