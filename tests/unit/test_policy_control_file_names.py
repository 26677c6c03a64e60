"""Names that folders keep to themselves, and the files that must be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policy.control_file_names import (
    GOVERNING_MARKS,
    control_files_to_read,
    governing_names,
    is_hidden_name,
    may_govern,
)


@pytest.mark.parametrize(
    "name",
    [
        "BUILD-INFO.txt",
        "EULA.txt",
        "OPEN-EULA.txt",
        "board.img.EULA.txt",
        "board.img.EULA.txt.samsung",
        ".htaccess",
        ".s3_linked_from",
    ],
)
def test_hidden(name: str) -> None:
    assert is_hidden_name(name)


PIECES = st.sampled_from([*GOVERNING_MARKS, ".EULA.txt", "HEADER.html", ".txt", ".", "x", "OPEN-", "\n"])


@given(st.lists(PIECES, max_size=4).map("".join))
def test_every_name_that_governs_may_govern_and_has_a_mark(name: str) -> None:
    assert not governing_names([name]) or may_govern(name)
    assert not may_govern(name) or any(mark in name for mark in GOVERNING_MARKS)


@pytest.mark.parametrize(
    "name",
    [
        "licenses.csv",
        "HEADER.html",
        "HEADER.textile",
        "README.textile",
        "HOWTO_install.txt",
        "textile-utils.tar.gz",
        "python-textile_2.1.deb",
        "MY-HOWTO_x",
        "MY-HOWTO_x.txt",
        "HOWTO_foo.pdf",
        "NOT-EULA.txt.gz",
        "NOT-EULA.txt",
        "foo.OPEN-EULA.txt.bak",
        "foo.OPEN-EULA.txt",
        "EULA.txt.samsung",
        ".EULA.txt",
        "foo.EULA.txt.",
        "BUILD-INFOxtxt",
        "BUILD-INFO.txt.bak",
        "build-info.txt",
        ".textile",
        "a.textile.gz",
        "source-manifest-ann.xml",
        ".dotfile",
        "header.html",
        ".s3_linked_from.txt",
    ],
)
def test_ordinary(name: str) -> None:
    assert not is_hidden_name(name)


@pytest.mark.parametrize(
    ("names", "to_read"),
    [
        ([], ()),
        (["a", "README.textile", ".s3_linked_from"], ()),
        (["a", "EULA.txt", "BUILD-INFO.txt", "OPEN-EULA.txt", "a.EULA.txt"], ("BUILD-INFO.txt",)),
        (["OPEN-EULA.txt", "EULA.txt", "a.EULA.txt"], ("OPEN-EULA.txt",)),
        (["EULA.txt", "a.EULA.txt"], ("EULA.txt",)),
        (["b.EULA.txt", "a.EULA.txt.samsung", "a"], ("a.EULA.txt.samsung", "b.EULA.txt")),
        (["NOT-EULA.txt", "BUILD-INFO.txt.bak"], ()),
    ],
)
def test_files_to_read(names: list[str], to_read: tuple[str, ...]) -> None:
    assert control_files_to_read(iter(names)) == to_read


def test_whatever_is_read_is_hidden() -> None:
    for name in ("BUILD-INFO.txt", "EULA.txt", "a.EULA.txt", "a.EULA.txt.x"):
        assert control_files_to_read([name]) == (name,)
        assert is_hidden_name(name)
