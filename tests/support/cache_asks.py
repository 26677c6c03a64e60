"""Tells which folders a request is about, and cuts states of a tree to what those folders show."""

from __future__ import annotations

from tests.support.cache_sites import LINK_FILE
from tests.support.in_process import Answer, Ask
from tests.support.oracle import State


def folder_asked_for(ask: Ask) -> str | None:
    """The one folder that an answer is made from; None where there are more."""
    if "latest" in ask.path or "recursive" in ask.query:
        return None
    path = way_asked_for(ask)
    return path[1 : path.rindex("/") + 1]


def way_asked_for(ask: Ask) -> str:
    """The path in the tree that an answer is about."""
    return ask.path.removeprefix("/api/ls").removeprefix("/api/license")


def folders_on_the_way(ask: Ask) -> tuple[str, ...]:
    """The folders that are asked whether a path may be known, from the top."""
    names = way_asked_for(ask).split("/")[1:-1]
    return tuple("".join(f"{name}/" for name in names[:depth]) for depth in range(len(names) + 1))


def part_of(state: State, folder: str, folders: tuple[str, ...]) -> State:
    """What of a tree is in a folder, and in none of the others that is below it."""
    below = [other for other in folders if len(other) > len(folder)]
    return frozenset(
        item for item in state if item[0].startswith(folder) and not item[0].startswith(tuple(below))
    )


def tells_nothing(answer: Answer) -> bool:
    """Whether it is an error that does not depend on what the tree holds."""
    return answer.status in (404, 503) and b"etag" not in {name for name, _ in answer.headers}


def mixed(links: State, others: State) -> State:
    """A tree whose link is of one state and everything else of another."""
    return frozenset(item for item in links if item[0] == LINK_FILE) | frozenset(
        item for item in others if item[0] != LINK_FILE
    )
