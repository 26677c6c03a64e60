"""lynx and w3m: pages that read well with no style sheet, no script and no pictures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.programs import run
from tests.support.published_tree import BIG, LICENCE
from tests.support.publishing import Published

BROWSERS = {
    "lynx": ("lynx", "-dump", "-nolist", "-width=100"),
    "w3m": ("w3m", "-dump", "-cols", "100"),
}


@pytest.fixture(params=BROWSERS)
def browser(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return BROWSERS[request.param]


def dump(browser: tuple[str, ...], home: Path, url: str) -> str:
    return run(*browser, url, home=home).stdout.decode()


def row(text: str, name: str) -> str:
    """The rest of the line that begins with a name."""
    found = re.search(rf"^\s*{re.escape(name)} +(.*)$", text, re.MULTILINE)
    assert found, text
    return found[1]


def test_a_listing_has_one_line_for_each_entry(
    published: Published, home: Path, browser: tuple[str, ...]
) -> None:
    text = dump(browser, home, published.url_of("tree/"))
    assert re.fullmatch(r"\d\d-\w\w\w-20\d\d \d\d:\d\d +9\.0 MiB +(\(big\.img\) )?Get", row(text, "big.img"))
    assert row(text, "notes.txt").endswith("Get")
    assert "Get" not in row(text, "nested/")
    assert "public" not in text
    assert "members" not in text


def test_it_says_where_it_is_and_what_needs_a_licence(
    published: Published, home: Path, browser: tuple[str, ...]
) -> None:
    text = dump(browser, home, published.url_of("tree/licensed/"))
    assert "Pierhead / tree / licensed" in text
    assert "Parent folder" in text
    assert (
        row(text, "board.img")
        .partition(" (board.img)")[0]
        .removesuffix(" Get")
        .endswith(f"EULA {LICENCE.name}")
    )
    assert "EULA try-out, one-copy" in row(text, "both.img")


def test_a_licence_is_shown_before_its_file(
    published: Published, home: Path, browser: tuple[str, ...]
) -> None:
    text = dump(browser, home, published.url_of("tree/licensed/board.img"))
    assert "Licence agreement" in text
    assert LICENCE.text in text
    assert "Accept and download" in text
    assert "Decline" in text


def test_an_error_is_a_page(published: Published, home: Path, browser: tuple[str, ...]) -> None:
    text = dump(browser, home, published.url_of("tree/absent/"))
    assert "Not found" in text
    assert "Folder above" in text


def test_a_file_arrives_as_it_is(published: Published, home: Path) -> None:
    result = run("lynx", "-source", published.url_of("tree/big.img"), home=home)
    assert result.stdout == BIG
