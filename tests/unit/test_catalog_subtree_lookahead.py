"""A walk read ahead: every entry with the folder that it is in, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from app.catalog.subtree.lookahead import LookaheadWalk, WalkedFolder
from app.domain.entries import File, Folder, Found
from app.domain.errors import StoreUnavailable
from app.domain.paths import ROOT, ArtifactPath
from app.domain.turns import Turns


async def pages(*found: Found) -> AsyncIterator[Sequence[Found]]:
    for each in found:
        yield [each]


def folder(path: str) -> Found:
    *above, name = path.split("/")
    return Found(ArtifactPath(tuple(above), True), (), Folder(name))


def file(path: str) -> Found:
    *above, name = path.split("/")
    return Found(ArtifactPath(tuple(above), True), (File(name, 1, 1e9),))


async def passed(*found: Found) -> list[str]:
    passage = LookaheadWalk(pages(*found), [WalkedFolder(ROOT, None, Folder(""), is_whole=True)], Turns())
    texts = []
    while (page := await passage.next_page()) is not None:
        for each in page:
            names = [file.name for file in each.files]
            names += [each.sub_folder.name] if each.sub_folder else []
            texts += [each.folder.path.child(name).text for name in names]
    return texts


async def test_each_entry_is_in_the_folder_that_was_last_entered() -> None:
    walk = (folder("a"), folder("a/b"), file("a/b/f"), file("a/c"), folder("d"), file("d/f"), file("e"))
    assert await passed(*walk) == ["a", "a/b", "a/b/f", "a/c", "d", "d/f", "e"]


@pytest.mark.parametrize(
    "walk",
    [
        [file("a/f")],
        [folder("a"), file("a/b/f")],
        [folder("a"), file("b"), file("a/f")],
        [folder("a"), folder("b"), file("a/f")],
        [folder("a"), folder("a/b"), folder("c"), file("a/b/f")],
    ],
)
async def test_an_entry_of_a_folder_that_was_not_entered_or_is_left_breaks_the_walk(
    walk: list[Found],
) -> None:
    with pytest.raises(StoreUnavailable, match="unexpected"):
        await passed(*walk)
