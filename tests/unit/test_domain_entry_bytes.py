"""A table of entries goes to another process and is the same there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.entries import Entry, File, Folder
from app.domain.entry_bytes import from_bytes, to_bytes
from app.domain.entry_table import EntryTable

SOME_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=40)
NAMES = SOME_TEXT | st.just("caf\udce9")
TEXTS = st.none() | SOME_TEXT | st.just("0" * 32)
FILES = st.builds(File, NAMES, st.integers(0, 2**62), st.floats(0, 1e12), TEXTS, TEXTS, TEXTS)
FOLDERS = st.builds(Folder, NAMES, st.none() | st.floats(0, 1e12), st.none())


@given(st.lists(FILES | FOLDERS))
def test_what_comes_back_is_the_same(entries: list[Entry]) -> None:
    table = EntryTable.of(entries)
    assert from_bytes(to_bytes(table)) == table


@given(st.integers(0, 200))
def test_what_is_cut_off_is_no_table(length: int) -> None:
    whole = to_bytes(EntryTable.of([File("a", 1, 2.0, "x"), Folder("b")]))
    with pytest.raises(ValueError, match=r"bytes|lengths"):
        from_bytes(whole[: length % len(whole)])
