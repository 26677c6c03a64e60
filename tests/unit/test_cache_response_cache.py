"""Values bounded in bytes, and pages that are good for one version of their folder only."""

from __future__ import annotations

from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from app.cache.byte_cache import ENTRY_OVERHEAD, ByteCache
from app.cache.response_cache import (
    RESPONSE_OVERHEAD,
    ListingKey,
    RedirectCache,
    ResponseCache,
    StoredResponse,
)
from app.domain.access import Principal
from app.domain.paths import ArtifactPath
from app.policy.tier import Tier
from tests.support.clocks import Clock

FOLDER = ArtifactPath.of("releases", is_folder=True)
STAFF = Tier(groups=frozenset({"staff"}))
KEY = ListingKey(FOLDER, STAFF, "html", "gzip")
PAGE = StoredResponse.of(b"body", ((b"etag", b'"x"'),), '"x"')


@given(
    max_bytes=st.integers(0, 10_000),
    steps=st.lists(st.tuples(st.sampled_from("pgd"), st.integers(0, 9), st.integers(0, 4_000)), max_size=60),
)
def test_the_least_recently_used_leave_and_the_bound_holds(
    max_bytes: int, steps: list[tuple[str, int, int]]
) -> None:
    cache, model = ByteCache(max_bytes), OrderedDict[int, int]()
    for number, (step, key, cost) in enumerate(steps):
        match step:
            case "p":
                whole = cost + ENTRY_OVERHEAD
                model.pop(key, None)
                assert cache.put(key, number, cost) is (whole <= max_bytes)
                if whole <= max_bytes:
                    model[key] = whole
                while sum(model.values()) > max_bytes:
                    model.popitem(last=False)
            case "g":
                assert (cache.get(key) is not None) is (key in model)
                if key in model:
                    model.move_to_end(key)
            case _:
                cache.drop(key)
                model.pop(key, None)
        assert len(cache) == len(model)
        assert cache.bytes_held == sum(model.values()) <= max_bytes


def test_what_is_too_large_leaves_nothing_old_behind() -> None:
    cache = ByteCache(2 * ENTRY_OVERHEAD)
    cache.put("k", "old", 1)
    assert not cache.put("k", "new", 2 * ENTRY_OVERHEAD)
    assert cache.get("k") is None
    assert cache.bytes_held == 0


def test_a_page_is_found_by_the_version_it_was_made_from_and_no_other() -> None:
    pages = ResponseCache(ByteCache(100_000))
    pages.put(KEY, 7, PAGE)
    assert pages.get(KEY, 7) is PAGE
    assert pages.get(KEY, 6) is None
    assert pages.get(KEY, 8) is None


def test_a_newer_version_takes_the_place_of_the_older() -> None:
    held = ByteCache(100_000)
    pages = ResponseCache(held)
    newer = PAGE._replace(body=b"another")
    pages.put(KEY, 7, PAGE)
    pages.put(KEY, 8, newer)
    assert (pages.get(KEY, 7), pages.get(KEY, 8)) == (None, newer)
    assert len(held) == 1


def test_every_part_of_the_key_counts() -> None:
    pages = ResponseCache(ByteCache(100_000))
    pages.put(KEY, 7, PAGE)
    for other in (
        KEY._replace(path=ArtifactPath.of("builds", is_folder=True)),
        KEY._replace(tier=Tier()),
        KEY._replace(tier=Tier(trusted=True)),
        KEY._replace(tier=Tier(groups=STAFF.groups, scope=("releases",))),
        KEY._replace(representation="json"),
        KEY._replace(encoding="br"),
    ):
        assert pages.get(other, 7) is None
    assert pages.get(ListingKey(FOLDER, Tier(groups=frozenset({"staff"})), "html", "gzip"), 7) is PAGE


def test_a_page_is_charged_for_its_body_and_more() -> None:
    held = ByteCache(100_000)
    ResponseCache(held).put(KEY, 7, PAGE._replace(body=b"x" * 5000))
    assert held.bytes_held == 5000 + RESPONSE_OVERHEAD + ENTRY_OVERHEAD


def test_pages_and_folders_share_one_bound() -> None:
    held = ByteCache(4_000)
    held.put(FOLDER, "a folder as it was read", 1_500)
    ResponseCache(held).put(KEY, 7, PAGE)
    assert held.get(FOLDER) is None


def test_a_redirect_that_was_signed_in_what_is_now_the_future_is_not_used() -> None:
    clock = Clock()
    clock.now = 10_000.0
    redirects = RedirectCache(ByteCache(100_000), {}, clock=clock)
    anybody, path = Principal(), ArtifactPath.of("releases", "boot.img")
    redirects.keep(path, anybody, 7, {"Location": "https://s3.example/"}, until=clock.now + 300)
    for now, valid_for in (
        (10_000.0, 300.0),
        (10_299.0, 1.0),
        (10_300.0, None),
        (9_999.0, None),
        (6_400.0, None),
    ):
        clock.now = now
        ready = redirects.ready(path, anybody, 7)
        assert (ready and ready.valid_for) == valid_for
