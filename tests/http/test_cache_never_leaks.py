"""Whatever happens, in whatever order: nobody is answered what a server without a cache would not have answered.

A machine changes the tree and its rules, lets time pass, lets the store fail, and asks as many people in many
ways. Every answer must be the oracle's, for a tree no older than the settings allow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from app.cache.freshness import Lifetimes
from app.cache.listing_cache import ListingCache
from app.cache.response_cache import ListingKey, RedirectCache, ResponseCache
from app.catalog import Catalog, FolderView, denials
from app.catalog import locate as files
from app.catalog.resolve import FolderResolver, _Above
from app.catalog.snapshot import Snapshot
from app.domain.access import Principal
from app.domain.paths import ArtifactPath
from app.policy import decide
from app.responses import folder_listing as folder_pages
from app.responses import small_files
from app.responses.small_files import SmallFiles
from app.server.last_answers import LastAnswers
from tests.support.cache_machine import machine_on
from tests.support.cache_sites import Sites
from tests.support.planted_faults import run_until_it_fails


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    made = Sites()
    yield made
    made.close()


SETTINGS = settings(
    max_examples=40,
    stateful_step_count=25,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
    report_multiple_bugs=False,
)


@pytest.mark.timeout(600)  # for the shrinking of what it finds
def test_every_answer_is_one_that_a_server_without_a_cache_would_have_given(sites: Sites) -> None:
    run_state_machine_as_test(machine_on(sites), settings=SETTINGS)


def pages_of_one_tier_for_all(patch: pytest.MonkeyPatch) -> None:
    def careless(path: ArtifactPath, tier: Hashable, *rest: Any) -> ListingKey:
        return ListingKey(path, None, *rest)

    patch.setattr(folder_pages, "ListingKey", careless)


def pages_that_outlive_their_folder(patch: pytest.MonkeyPatch) -> None:
    real = ResponseCache.put
    patch.setattr(ResponseCache, "put", lambda self, key, version, page: real(self, key, 0, page))
    found = ResponseCache.get
    patch.setattr(ResponseCache, "get", lambda self, key, version: found(self, key, 0))


def what_is_at_hand_needs_no_permission(patch: pytest.MonkeyPatch) -> None:
    real = Catalog.view_folder

    async def careless(self: Catalog, path: ArtifactPath, principal: Principal, **rest: Any) -> FolderView:
        return self.ready_view(path, principal) or await real(self, path, principal, **rest)

    patch.setattr(Catalog, "view_folder", careless)


def what_was_read_once_is_fresh_for_ever(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Lifetimes, "ttl_of", lambda self, key: math.inf)


def files_may_be_newer_than_their_rules(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(files, "is_as_listed", lambda listed, info: True)


def redirects_that_outlive_their_folder(patch: pytest.MonkeyPatch) -> None:
    real = RedirectCache.ready
    patch.setattr(
        RedirectCache, "ready", lambda self, path, principal, version: real(self, path, principal, 0)
    )
    kept = RedirectCache.keep
    patch.setattr(
        RedirectCache,
        "keep",
        lambda self, path, principal, version, fields, until: kept(
            self, path, principal, 0, fields, until=until
        ),
    )


def redirects_of_one_for_all(patch: pytest.MonkeyPatch) -> None:
    real = RedirectCache.keep

    def careless(
        self: RedirectCache, path: ArtifactPath, principal: Principal, *rest: Any, until: float
    ) -> None:
        real(self, path, Principal(trusted=principal.trusted), *rest, until=until)

    patch.setattr(RedirectCache, "keep", careless)


def small_files_of_one_for_all(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(small_files, "_FileKey", lambda path, principal: ("file", path))


def small_files_that_outlive_their_folder(patch: pytest.MonkeyPatch) -> None:
    real = SmallFiles._judge
    judged: dict[Hashable, Any] = {}

    def careless(self: SmallFiles, path: ArtifactPath, principal: Principal) -> Any:
        key = (id(self), path, principal)
        judged[key] = judged.get(key) or real(self, path, principal)
        return judged[key]

    patch.setattr(SmallFiles, "_judge", careless)


def answers_that_outlive_a_change_of_the_cache(patch: pytest.MonkeyPatch) -> None:
    real = LastAnswers.get

    def careless(self: LastAnswers[Any, Any], request: object) -> Any:
        self._changes = self._held.changes
        return real(self, request)

    patch.setattr(LastAnswers, "get", careless)


def messages_are_not_heard(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ListingCache, "invalidate", lambda self, path: None)


def names_in_denied_listings_are_told(patch: pytest.MonkeyPatch) -> None:
    async def careless(
        self: FolderResolver, path: ArtifactPath, snapshot: Snapshot, principal: Principal
    ) -> None:
        denials.deny_if_existence_is_secret(path, snapshot.rules, principal)

    patch.setattr(FolderResolver, "require", careless)


def what_is_absent_below_closed_folders_is_told(patch: pytest.MonkeyPatch) -> None:
    async def careless(self: FolderResolver, folder: ArtifactPath, principal: Principal) -> _Above:
        return _Above(None, None)

    patch.setattr(FolderResolver, "_above", careless)


def links_are_followed_before_the_policy_is_asked(patch: pytest.MonkeyPatch) -> None:
    real = FolderResolver.check_site_policy

    async def careless(self: FolderResolver, path: ArtifactPath, principal: Principal) -> None:
        await self._folders.get(path.as_folder if path.is_folder else path.parent)
        await real(self, path, principal)

    patch.setattr(FolderResolver, "check_site_policy", careless)


def listings_look_behind_links(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(decide, "_may_know", lambda hop, principal: True)


def linked_folders_get_their_slash(patch: pytest.MonkeyPatch) -> None:
    async def careless(
        self: FolderResolver, folder: ArtifactPath, parent: Snapshot, principal: Principal
    ) -> bool:
        return True

    patch.setattr(FolderResolver, "is_known", careless)


@pytest.mark.parametrize(
    ("break_it", "first"),
    [
        (pages_of_one_tier_for_all, 2),
        (pages_that_outlive_their_folder, 2),
        (what_is_at_hand_needs_no_permission, 1),
        (what_was_read_once_is_fresh_for_ever, 0),
        (files_may_be_newer_than_their_rules, 5),
        (answers_that_outlive_a_change_of_the_cache, 0),
        (messages_are_not_heard, 0),
        (redirects_that_outlive_their_folder, 2),
        (redirects_of_one_for_all, 2),
        (small_files_of_one_for_all, 1),
        (small_files_that_outlive_their_folder, 1),
        (names_in_denied_listings_are_told, 0),
        (what_is_absent_below_closed_folders_is_told, 1),
        (links_are_followed_before_the_policy_is_asked, 1),
        (listings_look_behind_links, 4),
        (linked_folders_get_their_slash, 4),
    ],
)
def test_a_cache_with_a_hole_does_not_pass(
    sites: Sites, monkeypatch: pytest.MonkeyPatch, break_it: Callable[[pytest.MonkeyPatch], None], first: int
) -> None:
    """Each of these is a slip that would give somebody what is not theirs. The machine must find all of them."""
    break_it(monkeypatch)
    with pytest.raises(AssertionError, match=r"answers would be right|is too old|is told of"):
        run_until_it_fails(machine_on(sites), first)
