"""Which files of a folder its page shows, under which title, and in which order."""

from __future__ import annotations

import pytest

from app.pages.documents import documents_among


def shown(*names: str) -> list[tuple[str, str, str]]:
    return [(found.name, found.title, found.markup) for found in documents_among(names)]


def test_the_documents_of_older_servers_have_their_titles_in_their_order() -> None:
    names = [
        "source-manifest-ann.xml", "testreport.textile", "testplan.textile", "OPENJDK.textile", "HOWTO_rtsm.txt",
        "HOWTO_eula.txt", "FASTMODELS.textile", "HOWTO_flashfirmware.txt", "GETTINGSTARTED.textile",
        "HACKING.textile", "HOWTO_install.txt", "README.textile", "HEADER.textile",
    ]  # fmt: skip
    assert [title for _, title, _ in shown(*names)] == [
        "", "Release Notes", "Binary Image Installation", "Building From Source", "Getting Started", "Firmware",
        "Fast Models", "EULA", "RTSM", "OpenJDK", "Test Plan", "Test Project", "Git Descriptions",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "title", "markup"),
    [
        ("README.md", "README.md", "markdown"),
        ("readme.rst", "readme.rst", "rst"),
        ("Readme.txt", "Readme.txt", "text"),
        ("README", "README", "text"),
        ("INSTALL.md", "INSTALL.md", "markdown"),
        ("README.textile", "Release Notes", "textile"),
        ("HOWTO_releasenotes.txt", "Release Notes", "textile"),
        ("HEADER.html", "", "html"),
        ("HEADER.md", "", "markdown"),
    ],
)
def test_a_document(name: str, title: str, markup: str) -> None:
    assert shown(name, "other.img") == [(name, title, markup)]


@pytest.mark.parametrize(
    "name",
    [
        "README.md.sig",
        "MYREADME.md",
        "README-old.md",
        "README.html",
        "HOWTO_install.md",
        "HOWTO_other.txt",
        "HEADER",
    ],
)
def test_what_is_no_document(name: str) -> None:
    assert shown(name) == []


def test_one_file_for_each_title() -> None:
    assert shown("HEADER.html", "HEADER.textile") == [("HEADER.textile", "", "textile")]
    assert shown("INSTALL.textile", "HOWTO_install.txt") == [
        ("HOWTO_install.txt", "Binary Image Installation", "textile")
    ]
