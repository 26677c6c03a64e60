"""Change the code in small ways, one at a time, and see whether the tests notice.

A change that they do not notice survives: it is a hole in the tests, code that is not needed, or an equal of what
stood there before. Which of these, only a reader can say.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import chdir, contextmanager
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

_COPIED: Final = (
    "app",
    "tests",
    "scripts",
    "benchmarks",
    "templates",
    "docs",
    "containers",
    "pyproject.toml",
    "Makefile",
)
_BESIDE: Final = {
    "auth": (
        "tests/http/test_tokens_http.py",
        "tests/http/test_networks_http.py",
        "tests/http/test_licence_forgery.py",
    ),
    "cache": (
        "tests/unit/test_catalog_cache*.py",
        "tests/http/test_cache_calls.py",
        "tests/http/test_refresh.py",
    ),
    "policy": ("tests/http/test_rules_http.py", "tests/http/test_access_http.py"),
    "storage": ("tests/contract",),
    "server": ("tests/http/test_warm*.py", "tests/http/test_bad_input_connections.py"),
    "responses": (
        "tests/http/test_download.py",
        "tests/http/test_manifest.py",
        "tests/http/test_listing_cache_headers.py",
    ),
    "catalog": ("tests/http/test_links.py", "tests/http/test_wildcards.py"),
}
"""By the room of `app/`, what tests it beside `tests/unit/test_ROOM_*.py`."""

_COMPARED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}


class Mutant(NamedTuple):
    """One change.

    Attributes:
        line: 0 where the syntax has none.
        before, after: the first lines of what is changed.
        place: of the node, in the order of `ast.walk`.
        changed: the node that takes its place.
    """

    file: Path
    line: int
    before: str
    after: str
    place: int
    changed: ast.AST

    def __str__(self) -> str:
        return f"{self.file}:{self.line}  {self.before}  ->  {self.after}"

    def source(self) -> str:
        """The whole module with the change."""
        tree = ast.parse(self.file.read_text("utf-8"))
        target = next(islice(ast.walk(tree), self.place, None))
        parent, field, index = _slot(tree, target)
        if index is None:
            setattr(parent, field, self.changed)
        else:
            getattr(parent, field)[index] = self.changed
        return ast.unparse(ast.fix_missing_locations(tree))


def mutants_of(file: Path) -> Iterator[Mutant]:
    """Every change of one module."""
    for place, node in enumerate(ast.walk(ast.parse(file.read_text("utf-8")))):
        for changed in _changes(node):
            yield Mutant(file, getattr(node, "lineno", 0), _text(node), _text(changed), place, changed)


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    changed = copy.deepcopy(node)
    match changed:
        case ast.Compare(ops=[operator, *_]):
            changed.ops[0] = _COMPARED[type(operator)]()
            yield changed
        case ast.BoolOp():
            changed.op = ast.Or() if isinstance(changed.op, ast.And) else ast.And()
            yield changed
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            changed.op = ast.Sub() if isinstance(changed.op, ast.Add) else ast.Add()
            yield changed
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() as number):
            yield ast.Constant(number + 1)
        case ast.If(test=test) | ast.IfExp(test=test):
            changed.test = ast.UnaryOp(ast.Not(), test)
            yield changed
        case ast.Return(value=ast.expr()) if not _is_none(changed.value):
            yield ast.Return(ast.Constant(None))
        case ast.Raise() | ast.Continue() | ast.Break() | ast.Expr(value=ast.Call() | ast.Await()):
            yield ast.Pass()
        case _:
            pass


def _is_none(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _slot(tree: ast.AST, target: ast.AST) -> tuple[ast.AST, str, int | None]:
    """Where in its parent a node stands."""
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is target:
                return parent, field, None
            if isinstance(value, list):
                for index, item in enumerate(value):
                    if item is target:
                        return parent, field, index
    raise AssertionError("the module itself is not changed")


def _text(node: ast.AST) -> str:
    """The first line of a node's source."""
    return ast.unparse(node).partition("\n")[0][:70]


def noticed_by(file: Path) -> list[str]:
    """The test files that are to notice a change, those of the very module first."""
    room, *inner = file.relative_to("app").with_suffix("").parts
    nearest = sorted(Path().glob(f"tests/unit/test_{'_'.join((room, *inner))}*.py"))
    rest = [f"tests/unit/test_{room}_*.py", *_BESIDE.get(room, ())]
    found = dict.fromkeys([*nearest, *(path for pattern in rest for path in sorted(Path().glob(pattern)))])
    return list(map(str, found))


def do_pass(tests: Iterable[str], seconds: float) -> bool:
    """Whether tests pass. Not to end in time is not to pass."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "--hypothesis-seed=0",
        *tests,
    ]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def survives(mutant: Mutant, seconds: float) -> bool:
    """Whether the tests pass with a change, which is taken back afterwards."""
    original = mutant.file.read_text("utf-8")
    mutant.file.write_text(mutant.source(), "utf-8")
    try:
        return do_pass(noticed_by(mutant.file), seconds)
    finally:
        mutant.file.write_text(original, "utf-8")


@contextmanager
def in_a_copy() -> Iterator[None]:
    """Work in a copy of the project, so that the one at hand can be worked on meanwhile."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as directory:
        for name in _COPIED:
            (shutil.copytree if Path(name).is_dir() else shutil.copy2)(name, Path(directory, name))
        with chdir(directory):
            yield


def run(packages: Sequence[Path], sample: int, seed: int, seconds: float) -> int:
    """Try a sample of the mutants of some packages, and print what became of each. Returns the exit status."""
    files = [file for package in packages for file in (sorted(package.rglob("*.py")) or [package])]
    every = [mutant for file in files for mutant in mutants_of(file)]
    chosen = random.Random(seed).sample(every, min(sample, len(every)))
    if not do_pass(dict.fromkeys(test for mutant in chosen for test in noticed_by(mutant.file)), seconds):
        print("tests fail without any change, or take too long", file=sys.stderr)
        return 1
    survivors = []
    for number, mutant in enumerate(chosen, 1):
        is_alive = survives(mutant, seconds)
        survivors += [mutant] * is_alive
        print(f"{number:4} {'SURVIVED' if is_alive else 'killed':8} {mutant}", flush=True)
    killed = len(chosen) - len(survivors)
    print(f"\n{killed} of {len(chosen)} killed, of the {len(every)} that there are")
    print(*(f"  {mutant}" for mutant in survivors), sep="\n")
    return 0


def main() -> int:
    """Read the arguments and run. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="+", type=Path, help="directories or modules, such as app/policy")
    parser.add_argument("--sample", type=int, default=60, help="how many mutants to try (default 60)")
    parser.add_argument("--seed", type=int, default=0, help="which ones (default 0)")
    parser.add_argument(
        "--timeout", type=float, default=600, help="seconds for one mutant's tests (default 600)"
    )
    given = parser.parse_args()
    with in_a_copy():
        return run(given.packages, given.sample, given.seed, given.timeout)


if __name__ == "__main__":
    sys.exit(main())
