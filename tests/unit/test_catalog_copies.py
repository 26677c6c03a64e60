"""Copies of a tree may be of different ages. A file is judged by the rules of the copy that it comes from."""

from __future__ import annotations

import pytest

from app.catalog import Catalog
from app.domain.access import ANONYMOUS
from app.domain.errors import LoginRequired, NotFound, StoreUnavailable
from app.domain.paths import ArtifactPath
from tests.support.catalogs import catalog_over
from tests.support.copies import Copies
from tests.support.policy import build_info

FOLDER = ArtifactPath.from_text("d/")
FILE = FOLDER.child("f")
DOWN = StoreUnavailable("timeout")
MEMBERS = build_info("Files-Pattern: *", "Auth-Groups: staff")
OPEN = build_info("Files-Pattern: *", "License-Type: open")


@pytest.fixture
def copies() -> Copies:
    copies = Copies()
    copies.put("d/other", b"other")
    return copies


def catalog_of(copies: Copies) -> Catalog:
    return catalog_over(copies.store, cache_ttl=600)


async def test_a_folder_and_its_rules_are_of_one_copy(copies: Copies) -> None:
    copies.primary.put("d/BUILD-INFO.txt", OPEN)
    copies.replica.put("d/BUILD-INFO.txt", MEMBERS)
    copies.primary.fail_on("get", DOWN)
    with pytest.raises(LoginRequired):
        await catalog_of(copies).list_folder(FOLDER, ANONYMOUS)


async def test_a_view_says_which_copy_it_is_of(copies: Copies) -> None:
    catalog = catalog_of(copies)
    assert (await catalog.view_folder(FOLDER, ANONYMOUS)).snapshot.origin == "primary"
    catalog.invalidate(FOLDER)
    copies.primary.fail_on("list", DOWN)
    assert (await catalog.view_folder(FOLDER, ANONYMOUS)).snapshot.origin == "replica-1"


async def test_an_old_file_is_not_judged_by_the_new_rules_of_another_copy(copies: Copies) -> None:
    """It was private, and was opened once its content was harmless. The replica does not know that yet."""
    copies.primary.put("d/BUILD-INFO.txt", OPEN)
    copies.primary.put("d/f", b"harmless")
    copies.replica.put("d/BUILD-INFO.txt", MEMBERS)
    copies.replica.put("d/f", b"secret")
    copies.primary.fail_on("head", DOWN)
    with pytest.raises(LoginRequired):
        await catalog_of(copies).open_file(FILE, ANONYMOUS)


async def test_a_new_file_is_not_judged_by_the_old_rules_of_another_copy(copies: Copies) -> None:
    """It came with rules that make it private. The replica has neither."""
    copies.primary.put("d/BUILD-INFO.txt", MEMBERS)
    copies.primary.put("d/f", b"secret")
    copies.primary.fail_on("list", DOWN)
    with pytest.raises(NotFound):
        await catalog_of(copies).open_file(FILE, ANONYMOUS)
    copies.replica.put("d/BUILD-INFO.txt", OPEN)
    copies.replica.put("d/f", b"an older one")
    opened = await catalog_of(copies).open_file(FILE, ANONYMOUS)
    assert (opened.info.origin, opened.info.size) == ("replica-1", len(b"an older one"))


async def test_the_very_same_file_is_what_the_rules_are_about_wherever_it_is(copies: Copies) -> None:
    copies.put("d/f", b"same")
    catalog = catalog_of(copies)
    await catalog.list_folder(FOLDER, ANONYMOUS)
    copies.primary.fail_on("head", DOWN)
    assert (await catalog.open_file(FILE, ANONYMOUS)).info.origin == "replica-1"
    assert [call.operation for call in copies.replica.calls] == ["head"]


async def test_a_replica_in_which_the_folder_is_a_link_opens_nothing(copies: Copies) -> None:
    copies.primary.put("d/f", b"new")
    catalog = catalog_of(copies)
    await catalog.list_folder(FOLDER, ANONYMOUS)
    copies.replica.put("d/.s3_linked_from", b"e")
    copies.replica.put("d/f", b"old")
    copies.replica.put("e/f", b"old")
    copies.primary.fail_on("head", DOWN)
    with pytest.raises(StoreUnavailable, match="stores-disagree"):
        await catalog.open_file(FILE, ANONYMOUS)
