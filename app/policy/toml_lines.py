"""Finds the line of a key in a TOML document, which `tomllib` does not report."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any

KeyPath = tuple[str | int, ...]
"""Names of tables and keys; behind the name of an array of tables comes the index of one of them."""

_TOKEN = re.compile(
    r'''
      (?P<string>  """ (?: \\. | [^\\] )*? """ "{0,2}   # up to two more quotes end the text, not the string
                 | \'\'\' .*? \'\'\' '{0,2}
                 | " (?: \\. | [^"\\\n] )* "
                 | ' [^'\n]* ' )
    | (?P<comment> \# [^\n]* )
    | (?P<open>    [\[{] )
    | (?P<close>   [\]}] )
    | (?P<equals>  = )
    | (?P<newline> \n )
    | (?P<other>   [^"'\#\[\]{}=\n]+ | . )
    ''',
    re.VERBOSE | re.DOTALL,
)


class KeyLines:
    """Lines of the statements of one document.

    Args:
        text: a document that `tomllib` accepts; anything else gives wrong lines.
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[KeyPath, int] = {}
        self._tables: Counter[KeyPath] = Counter()
        table: KeyPath = ()
        for line, head in _statements(text):
            if head.startswith("[["):
                table = self._resolve(_key_names(head[2:-2]))
                self._tables[table] += 1
                table = (*table, self._tables[table] - 1)
                self._record(table, line)
            elif head.startswith("["):
                table = self._resolve(_key_names(head[1:-1]))
                self._record(table, line)
            else:
                self._record((*table, *_key_names(head)), line)

    def line_of(self, *path: str | int) -> int:
        """The line where a key stands, or the innermost statement that holds it (an inline table, say).

        Returns:
            1-based line; 1 for a key that is nowhere.
        """
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def _resolve(self, names: tuple[str, ...]) -> KeyPath:
        """Insert the index of the table being filled behind each name of an array of tables but the last."""
        path: KeyPath = ()
        for name in names[:-1]:
            path = (*path, name)
            if count := self._tables[path]:
                path = (*path, count - 1)
        return (*path, names[-1])

    def _record(self, path: KeyPath, line: int) -> None:
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], line)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """The line of each statement, and what stands before its `=`, or its whole header."""
    line, start, depth, head, in_value = 1, 1, 0, "", False
    for token in _TOKEN.finditer(text + "\n"):
        kind, content = token.lastgroup, token.group()
        if kind == "newline" and depth == 0:
            if head.strip():
                yield start, head.strip()
            head, in_value = "", False
        elif kind == "equals" and depth == 0:
            in_value = True
        elif kind != "comment" and not in_value:
            if not head.strip():
                start = line
            head += content
        depth += (kind == "open") - (kind == "close")
        line += content.count("\n")


def _key_names(key: str) -> tuple[str, ...]:
    """The names of a dotted key, quotes and escapes undone by the parser itself."""
    names = []
    node: Any = tomllib.loads(f"{key} = 0")
    while isinstance(node, dict):
        ((name, node),) = node.items()
        names.append(name)
    return tuple(names)
