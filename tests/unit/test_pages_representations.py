"""The table of forms that a folder is shown in: each row is a form of its own, complete, and documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.domain.access import Access, Licence
from app.domain.entries import File, Folder
from app.pages.html import HtmlPages
from app.pages.representations import REPRESENTATIONS, Representation
from app.pages.templates_dir import templates_directory
from tests.unit.pages_support import NOON, folder_page, visible

HTML = HtmlPages(templates_directory())
PAGE = folder_page(
    visible(Folder("sub")), visible(File("a b.img", 12, NOON), Access.EULA, (Licence("text", "name"),))
)
FORMS = pytest.mark.parametrize("form", REPRESENTATIONS.values(), ids=list(REPRESENTATIONS))
DOCS = Path(__file__).parents[2] / "docs"


@FORMS
def test_it_shows_every_entry(form: Representation) -> None:
    body = form.page(HTML, PAGE)
    assert b"a%20b.img" in body
    assert b"sub/" in body


@FORMS
def test_its_lines_and_what_is_around_them_make_up_a_page(form: Representation) -> None:
    if form.line is None:
        return
    before, after = form.around(HTML, PAGE)
    lines = [*map(form.line(PAGE.mount), PAGE.entries)]
    page = before + b"".join(lines) + after
    for line in lines:
        assert line.strip() in form.page(HTML, PAGE)
    assert page.startswith(form.page(HTML, PAGE)[:20])


def test_no_two_forms_are_one() -> None:
    assert len({form.page(HTML, PAGE) for form in REPRESENTATIONS.values()}) == len(REPRESENTATIONS)
    assert len({form.bare_media_type for form in REPRESENTATIONS.values()}) == len(REPRESENTATIONS)


def test_every_page_says_how_scripts_get_the_others() -> None:
    named = set(re.findall(r"[?]format=(\w+)", REPRESENTATIONS["html"].page(HTML, PAGE).decode()))
    assert named == set(REPRESENTATIONS) - {"html"}


@FORMS
def test_it_is_documented(form: Representation) -> None:
    assert f"`{form.bare_media_type}`" in (DOCS / "http.md").read_text()
    assert f"`{form.name}`" in (DOCS / "http.md").read_text()
