"""Line numbers of TOML keys."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policy.toml_lines import KeyLines, KeyPath

DOCUMENT = '''
# [[rule]] in a comment
top = "a # no comment, [[rule]], = and ' within"   # a comment with a quote: "
[[rule]]
path = 'literal \\'
text = """
[[rule]]
path = "not a key"
"" and \\""" and four quotes: """" # " [
groups = [   # [
  "a", # ]
  'b]',
]

  [[ rule ]]  # spaces
  "pa\\u0074h" = 1
  text = \'\'\'
tier = "no key" \'\'\'\'\'
  inline = { tier = "x", deep = ["""
"""] }
  a . "b.c" = 2
[rule.sub."t]b"]
key = 3
[other]
key = 4
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 3),
        (("rule", 0), 4),
        (("rule", 0, "path"), 5),
        (("rule", 0, "text"), 6),
        (("rule", 0, "groups"), 10),
        (("rule", 1), 15),
        (("rule", 1, "path"), 16),
        (("rule", 1, "text"), 17),
        (("rule", 1, "inline"), 19),
        (("rule", 1, "inline", "tier"), 19),
        (("rule", 1, "a", "b.c"), 21),
        (("rule", 1, "a"), 21),
        (("rule", 1, "sub", "t]b"), 22),
        (("rule", 1, "sub", "t]b", "key"), 23),
        (("other", "key"), 25),
        (("rule", 0, "tier"), 4),
        (("absent",), 1),
    ],
)
def test_line_of(path: tuple[str | int, ...], line: int) -> None:
    tomllib.loads(DOCUMENT)
    assert KeyLines(DOCUMENT).line_of(*path) == line


def test_dos_line_ends() -> None:
    assert KeyLines('a = """\r\n"""\r\n[[t]]\r\nb = 1\r\n').line_of("t", 0, "b") == 4


def test_the_empty_document() -> None:
    assert KeyLines("").line_of("a") == 1


VALUES = st.sampled_from(
    [
        '"a = [["',
        "'#'",
        "1",
        "[\n1, # ]\n[2],\n]",
        '"""\nx = 1\n\\""" """',
        "'''\n''\n'''",
        "{ x = '}' }",
        "1979-05-27",
    ]
)
FILLERS = st.sampled_from(["", "# comment = 'x\n", "\n", "  \n\t\n", "# [[t]]\r\n"])


@given(st.lists(st.tuples(FILLERS, st.booleans(), VALUES), max_size=12))
def test_every_key_of_any_document_is_found_on_its_line(items: list[tuple[str, bool, str]]) -> None:
    text, table = "", -1
    expected: dict[KeyPath, int] = {}
    for number, (filler, is_new_table, value) in enumerate(items):
        text += filler
        if is_new_table:
            table += 1
            expected["t", table] = text.count("\n") + 1
            text += "[[t]]\n"
        key: KeyPath = (f"k{number}",) if table < 0 else ("t", table, f"k{number}")
        expected[key] = text.count("\n") + 1
        text += f"k{number} = {value}\n"
    tomllib.loads(text)
    lines = KeyLines(text)
    assert {path: lines.line_of(*path) for path in expected} == expected
