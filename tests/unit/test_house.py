"""The code stays easy to enter: short files, short functions, and one tree of errors that names them all."""

from __future__ import annotations

import ast
import inspect
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

import app
from app.domain import errors

APP = Path(app.__file__).parent
LONGEST_FILE = 300
MEDIAN_FILE = 110
LONGEST_FUNCTION = 50
TREE_LINE = re.compile(r"^((?:│   |    )*)(?:├── |└── )(\w+)|^(\w+)$", re.MULTILINE)


def too_long(path: Path) -> Iterator[str]:
    """The file, and every function of it, that has more lines than it may."""
    text = path.read_text(encoding="utf-8")
    if (lines := len(text.splitlines())) > LONGEST_FILE:
        yield f"{path}: {lines} lines, at most {LONGEST_FILE}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield f"{path}: {node.name} has {lines} lines, at most {LONGEST_FUNCTION}"


def test_no_file_and_no_function_is_too_long() -> None:
    assert [found for path in sorted(APP.rglob("*.py")) for found in too_long(path)] == []


def test_half_of_the_files_are_short() -> None:
    lengths = [len(path.read_text(encoding="utf-8").splitlines()) for path in APP.rglob("*.py")]
    assert statistics.median(filter(None, lengths)) <= MEDIAN_FILE


@pytest.mark.parametrize(("blanks", "found"), [(48, 0), (49, 1)])
def test_what_is_too_long_is_found(tmp_path: Path, blanks: int, found: int) -> None:
    path = tmp_path / "long.py"
    path.write_text("async def a():\n" + "\n" * blanks + "    return 1\n")
    assert len(list(too_long(path))) == found
    path.write_text("\n" * (LONGEST_FILE + found))
    assert len(list(too_long(path))) == found


def test_the_tree_of_errors_names_every_error_below_its_base() -> None:
    named, bases = {}, [""]
    for indent, below, root in TREE_LINE.findall(errors.__doc__ or ""):
        depth = 0 if root else len(indent) // 4 + 1
        bases[depth:] = [root or below]
        named[bases[depth]] = bases[depth - 1] if depth else "Exception"
    classes = [cls for _, cls in inspect.getmembers(errors, inspect.isclass)]

    assert named == {cls.__name__: cls.__bases__[0].__name__ for cls in classes}
    assert sorted(named) == sorted(errors.__all__)
