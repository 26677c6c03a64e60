"""Small changes of code: each one of its kind, and each a module that can be run."""

from __future__ import annotations

import ast
import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from scripts.mutant_changes import Mutant, mutants_of
from scripts.mutant_trials import SURVIVED, Reach, functions_in_memory, put_in
from scripts.mutants import noticed_by

ROOT: Final = Path(__file__).parents[2]
MODULE: Final = '''"""A module."""
def f(a: int, b: bool) -> int | None:
    if not b and a < 2:
        print(a + 1)
    return None if b else a
'''


def test_each_kind_of_change_is_made_in_one_place(tmp_path: Path) -> None:
    file = tmp_path / "m.py"
    file.write_text(MODULE)
    found = {(mutant.before, mutant.after) for mutant in mutants_of(file)}
    assert found >= {
        ("not b and a < 2", "not b or a < 2"),
        ("not b", "b"),
        ("a < 2", "a <= 2"),
        ("2", "3"),
        ("print(a + 1)", "pass"),
        ("a + 1", "a - 1"),
        ("return None if b else a", "return None"),
        ("None if b else a", "None if not b else a"),
    }
    sources = [ast.unparse(mutant.tree()) for mutant in mutants_of(file)]
    assert len(set(sources)) == len(sources) == len(found)
    assert file.read_text() == MODULE


def test_a_change_leaves_a_module_that_compiles() -> None:
    found = list(mutants_of(Path("app/auth/networks.py")))
    assert found
    for mutant in found:
        compile(mutant.tree(), str(mutant.file), "exec")


def test_the_tests_of_the_very_module_come_first() -> None:
    first, second, *_ = noticed_by(Path("app/auth/principal.py"))
    assert first == "tests/unit/test_auth_principal.py"
    assert second.startswith("tests/unit/test_auth_")


def mutants_by_text(file: Path) -> dict[str, Mutant]:
    return {f"{mutant.before} -> {mutant.after}": mutant for mutant in mutants_of(file)}


def test_a_change_is_reached_where_its_statement_runs(tmp_path: Path) -> None:
    file = tmp_path / "m.py"
    file.write_text(f"LIMIT = 7\n{MODULE}")
    found = mutants_by_text(file)
    assert found["7 -> 8"].reached is None
    assert found["not b -> b"].reached == range(4, 5)
    assert found["a + 1 -> a - 1"].reached == range(5, 6)


def test_a_change_gets_into_a_function_that_was_imported(tmp_path: Path) -> None:
    file = tmp_path / "m.py"
    file.write_text(MODULE)
    names: dict[str, Any] = {}
    exec(compile(MODULE, str(file), "exec"), names)
    found = mutants_by_text(file)
    assert names["f"](1, False) == 1
    assert put_in(found["return None if b else a -> return None"], [names["f"]])
    assert names["f"](1, False) is None
    file.write_text(MODULE.replace("def f", "def g"))
    assert not put_in(found["a + 1 -> a - 1"], [names["f"]])
    assert not put_in(found["a + 1 -> a - 1"], [])


def test_functions_are_found_where_the_garbage_collector_passes_over_them() -> None:
    """As it does after the collection, by `tests/conftest.py`."""
    gc.freeze()
    assert put_in in functions_in_memory()
    assert put_in not in gc.get_objects()


def test_those_that_reach_a_change_are_run_and_the_nearest_and_quickest_first(tmp_path: Path) -> None:
    file = tmp_path / "m.py"
    file.write_text(f"LIMIT = 7\n{MODULE}")
    reach = Reach()
    reach.seconds = {"tests/http/a": 0.1, "tests/unit/b": 3.0, "tests/unit/c": 2.0, "tests/unit/m": 4.0}
    reach.tests[str(file), 5] = set(reach.seconds) - {"tests/unit/c"} | {"one that fails unchanged"}
    found = mutants_by_text(file)
    by_lines, everywhere = found["a + 1 -> a - 1"], found["7 -> 8"]
    assert reach.of(by_lines, ["tests/unit/m"], 99) == ["tests/unit/m", "tests/unit/b", "tests/http/a"]
    assert reach.of(by_lines, ["tests/unit/m"], 6) == ["tests/unit/m", "tests/http/a"]
    assert reach.of(everywhere, [], 99) == ["tests/unit/c", "tests/unit/b", "tests/unit/m", "tests/http/a"]


def test_survivors_and_kills_are_seen_by_forks_and_alone(tmp_path: Path) -> None:
    """As the command does it, over a project of one module whose only test looks at one of two things."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app/__init__.py").touch()
    (tmp_path / "app/m.py").write_text(
        "LIMIT = 7\n\ndef f(a):\n    return a + 1\n\ndef g(a):\n    a.clear()\n"
    )
    (tmp_path / "test_m.py").write_text(
        "from app.m import LIMIT, f, g\ndef test_f():\n    g([])\n    assert f(LIMIT) == 8\n"
    )
    script = (
        "from pathlib import Path; import pytest; from scripts.mutant_changes import mutants_of;"
        "from scripts.mutant_trials import Trials;"
        "tell = lambda mutant, outcome: print(f'{mutant.before} to {mutant.after}: {outcome}');"
        "trials = Trials([*mutants_of(Path('app/m.py'))], lambda file: [], 99, tell);"
        "pytest.main(['-q', '-s', '-p', 'no:cacheprovider', '-W', 'ignore', 'test_m.py'], plugins=[trials])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.splitlines()) >= {
        "1 of 1 tests pass unchanged",
        "7 to 8: test_m.py::test_f",
        "a + 1 to a - 1: test_m.py::test_f",
        "return a + 1 to return None: test_m.py::test_f",
        f"a.clear() to pass: {SURVIVED}",
    }
