"""Small changes of code: each one of its kind, and each a module that can be run."""

from __future__ import annotations

from pathlib import Path

from scripts.mutants import mutants_of, noticed_by

MODULE = '''"""A module."""
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
    sources = [mutant.source() for mutant in mutants_of(file)]
    assert len(set(sources)) == len(sources) == len(found)
    assert file.read_text() == MODULE


def test_a_change_leaves_a_module_that_compiles() -> None:
    for mutant in mutants_of(Path("app/auth/networks.py")):
        compile(mutant.source(), str(mutant.file), "exec")


def test_the_tests_of_the_very_module_come_first() -> None:
    first, second, *_ = noticed_by(Path("app/auth/principal.py"))
    assert first == "tests/unit/test_auth_principal.py"
    assert second.startswith("tests/unit/test_auth_")
