"""Tables of a TOML document, read value by value so that every fault in it is found."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

from app.domain.errors import MalformedRules
from app.policy.globs import PathGlob
from app.policy.toml_lines import KeyLines

_Choice = TypeVar("_Choice")


class TableReader:
    """Reads values, noting faults as it goes on.

    Every `read_...` method gives None, or what is empty, for a value that is absent or, once a fault is noted, wrong.
    The last arguments of each say where the table stands in the document.

    Attributes:
        source: name of the file, for messages.
        faults: what was wrong so far.
    """

    def __init__(self, source: str, lines: KeyLines) -> None:
        self.source = source
        self.faults: list[MalformedRules] = []
        self._lines = lines
        self._line_by_glob: dict[tuple[str | int, PathGlob], int] = {}

    def line_of(self, *at: str | int) -> int:
        """Where a table or key stands."""
        return self._lines.line_of(*at)

    def read_array(self, document: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
        """The tables of an array of tables."""
        tables = document.get(key, [])
        if isinstance(tables, list) and all(isinstance(table, dict) for table in tables):
            return tables
        self.note(f"each {key} must be a table that begins with [[{key}]]", key)
        return []

    def read_path(self, table: Mapping[str, Any], *at: str | int) -> PathGlob | None:
        text = self.read_text(table, "path", *at)
        if text is None:
            return None
        line = self._lines.line_of(*at, "path")
        try:
            glob = PathGlob.parse(text)
        except ValueError as exc:
            self.note(str(exc), *at, "path")
            return None
        first = self._line_by_glob.setdefault((at[0], glob), line)
        if first != line:
            self.note(f"the path {text!r} has a rule already, on line {first}", *at, "path")
        return glob

    def read_flag(self, table: Mapping[str, Any], key: str, *at: str | int) -> bool:
        value = table.get(key, False)
        if not isinstance(value, bool):
            self.note(f"{key} must be true or false, but got {value!r}", *at, key)
        return value is True

    def read_text(self, table: Mapping[str, Any], key: str, *at: str | int) -> str | None:
        value = table.get(key)
        if value is None or (isinstance(value, str) and value.strip()):
            return value
        self.note(f"{key} must be a text that is not blank, but got {value!r}", *at, key)
        return None

    def read_choice(
        self, table: Mapping[str, Any], key: str, choices: Mapping[str, _Choice], *at: str | int
    ) -> _Choice | None:
        value = table.get(key)
        if value is None:
            return None
        if isinstance(value, str) and value in choices:
            return choices[value]
        self.note(f"{key} must be one of {', '.join(choices)}, but got {value!r}", *at, key)
        return None

    def check_keys(self, table: Mapping[str, Any], allowed: tuple[str, ...], *at: str | int) -> None:
        for key in table:
            if key not in allowed:
                close = difflib.get_close_matches(key, allowed, n=1)
                hint = f"did you mean {close[0]!r}? " if close else ""
                self.note(f"unknown key {key!r}; {hint}allowed are {', '.join(allowed)}", *at, key)

    def note(self, reason: str, *at: str | int) -> None:
        self.faults.append(MalformedRules(self.source, self._lines.line_of(*at), reason))
