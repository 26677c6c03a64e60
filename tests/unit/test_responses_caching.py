"""What answers say of being kept, which is said in one file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from app.domain.access import ANONYMOUS, Principal
from app.responses.caching import PRIVATE, REVALIDATED, CacheHeaders, kept_for

APP = Path(__file__).parents[2] / "app"
PLACE = APP / "responses/caching.py"
FIELDS = {"cache-control", "vary", "age"}


def said(file: Path) -> list[str]:
    """Values of the fields that are given as literals in a dictionary or a raw pair."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        pairs: list[tuple[ast.expr | None, ast.expr]] = []
        if isinstance(node, ast.Dict):
            pairs = list(zip(node.keys, node.values, strict=True))
        elif isinstance(node, ast.Tuple) and len(node.elts) == 2:
            pairs = [(node.elts[0], node.elts[1])]
        for key, value in pairs:
            name = key.value if isinstance(key, ast.Constant) else None
            text = name.decode("latin-1") if isinstance(name, bytes) else str(name)
            if text.lower() in FIELDS and isinstance(value, ast.Constant | ast.JoinedStr | ast.IfExp):
                found.append(ast.unparse(value))
    return found


def test_no_other_file_says_how_long_an_answer_may_be_kept() -> None:
    others = set(APP.rglob("*.py")) - {PLACE}
    assert len(others) > 100
    assert {file: values for file in others if (values := said(file))} == {}


def test_the_check_finds_what_it_looks_for() -> None:
    assert said(PLACE)


HEADERS = CacheHeaders(ttl=60, grace=30, max_stale=3600)
PUBLIC = b"public, max-age=60, stale-while-revalidate=30, stale-if-error=3540"


@pytest.mark.parametrize(
    ("age", "is_stale", "left"),
    [(0, False, 60), (10.9, False, 50), (61, False, 0), (61, True, 0), (10, True, 0)],
)
def test_what_everybody_sees_may_be_kept_for_as_long_as_its_folder_is_fresh(
    age: float, is_stale: bool, left: int
) -> None:
    fields = dict(HEADERS.of_view(ANONYMOUS, age, is_stale=is_stale))
    assert fields.pop(b"cache-control") == PUBLIC
    assert fields.pop(b"age") == b"%d" % age
    assert fields.pop(b"x-accel-expires") == b"%d" % left
    assert bool(fields) == is_stale


@pytest.mark.parametrize(
    "principal", [Principal("somebody"), Principal(trusted=True), Principal("somebody", trusted=True)]
)
def test_what_others_may_see_is_for_them_alone(principal: Principal) -> None:
    assert dict(HEADERS.of_view(principal, 10, is_stale=True)) == {
        b"cache-control": PRIVATE["Cache-Control"].encode()
    }
    assert kept_for(principal) == PRIVATE
    assert kept_for(ANONYMOUS) == REVALIDATED


def test_what_is_never_fresh_is_asked_for_again() -> None:
    fields = dict(CacheHeaders(ttl=0, grace=0, max_stale=0).of_view(ANONYMOUS, 0, is_stale=False))
    assert fields[b"cache-control"] == REVALIDATED["Cache-Control"].encode()
