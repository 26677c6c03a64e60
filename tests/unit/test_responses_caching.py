"""What answers say of being kept is said in one file."""

from __future__ import annotations

import ast
from pathlib import Path

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
