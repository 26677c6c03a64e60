"""How pages look: on a phone, with a keyboard, in the light and in the dark."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, take
from tests.support.published_tree import MARKUP
from tests.support.publishing import Published

PAGES = {
    "root": "",
    "folder": "tree/",
    "odd names": "tree/odd/",
    "long names": "odd/",
    "folder of an odd name": f"tree/nested/{MARKUP}/",
    "licensed files": "tree/licensed/",
    "licence": "tree/licensed/board.img",
    "nothing there": f"tree/{'absent' * 30}/",
}

AA_TEXT = 4.5
"""Least contrast of text and its ground (WCAG 2.2, success criterion 1.4.3)."""

TEXTS = """() => {
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const text = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!text || !element.checkVisibility()) continue;
    let ground = element;
    while (ground && getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
    found.push([element.outerHTML.slice(0, 80), getComputedStyle(element).color,
                ground ? getComputedStyle(ground).backgroundColor : 'none']);
  }
  return found;
}"""
"""Each element with text of its own: its beginning, its colour, and that of the ground behind it."""

FOCUSED = """() => {
  const style = getComputedStyle(document.activeElement), box = document.activeElement.getBoundingClientRect();
  return {tag: document.activeElement.tagName, label: document.activeElement.textContent.trim(),
          outline: style.outlineStyle, width: parseFloat(style.outlineWidth),
          inside: box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight};
}"""


@pytest.fixture(params=PAGES)
def path(request: pytest.FixtureRequest) -> str:
    return PAGES[request.param]


def visit(page: Page, site: Published, path: str, complaints: list[str]) -> None:
    page.goto(site.url_of(path))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    if "absent" in path:
        take(page, complaints, "404")


class TestPhone:
    @pytest.mark.parametrize("width", [390, 320])
    def test_nothing_is_wider_than_the_screen(
        self, site: Published, open_page: OpenPage, path: str, width: int, complaints: list[str]
    ) -> None:
        page = open_page(viewport={"width": width, "height": 844}, is_mobile=True, has_touch=True)
        visit(page, site, path, complaints)
        assert page.evaluate("[innerWidth, document.scrollingElement.scrollWidth]") == [width, width]

    def test_what_can_be_tapped_is_tall_enough(self, site: Published, open_page: OpenPage) -> None:
        """24 pixels or, as for a line of text, that much room around (WCAG 2.2, success criterion 2.5.8)."""
        page = open_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
        page.goto(site.url_of("tree/odd/"))
        boxes = [row.bounding_box() for row in page.locator("table.listing tbody tr").all()]
        assert len(boxes) > 20
        assert all(box is not None and box["height"] >= 24 for box in boxes)

    def test_size_and_access_are_shown_there_too(self, site: Published, open_page: OpenPage) -> None:
        page = open_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
        page.goto(site.url_of("tree/licensed/"))
        row = page.locator("table.listing tr", has_text="both.img")
        for text in ("29.3 KiB", "EULA", "try-out, one-copy"):
            expect(row.get_by_text(text)).to_be_visible()


class TestDesktop:
    def test_nothing_is_wider_than_the_window(
        self, site: Published, open_page: OpenPage, path: str, complaints: list[str]
    ) -> None:
        page = open_page(viewport={"width": 1200, "height": 800})
        visit(page, site, path, complaints)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 1200


class TestKeyboard:
    def test_little_stands_before_the_entries(self, site: Published, page: Page) -> None:
        page.goto(site.url_of("tree/nested/"))
        labels = []
        for _ in range(11):
            page.keyboard.press("Tab")
            labels.append(page.evaluate(FOCUSED)["label"])
        field = box = ""
        heads = ["Name", "Last modified", "Size"]
        assert labels == [
            "Pierhead",
            "tree",
            field,
            box,
            "Filter",
            "Get all of this folder",
            "Show sizes of folders",
            *heads,
            "Parent folder",
        ]

    @pytest.mark.parametrize("where", ["tree/", "tree/licensed/board.img"])
    def test_every_stop_can_be_seen(self, site: Published, page: Page, where: str) -> None:
        page.goto(site.url_of(where))
        stops = page.locator("a[href], button, input:not([type='hidden']), [tabindex='0']").count()
        for _ in range(stops):
            page.keyboard.press("Tab")
            focused: dict[str, Any] = page.evaluate(FOCUSED)
            assert focused["tag"] in ("A", "BUTTON", "INPUT", "DIV")
            assert focused["outline"] not in ("none", "hidden"), focused
            assert focused["width"] >= 2, focused
            assert focused["inside"], focused

    def test_a_folder_opens_with_the_enter_key(self, site: Published, page: Page) -> None:
        page.goto(site.url_of("tree/"))
        page.get_by_role("link", name="nested/", exact=True).focus()
        page.keyboard.press("Enter")
        expect(page).to_have_url(site.url_of("tree/nested/"))


class TestColours:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_text_can_be_read_on_its_ground(
        self, site: Published, open_page: OpenPage, path: str, scheme: str, complaints: list[str]
    ) -> None:
        page = open_page(color_scheme=scheme)
        visit(page, site, path, complaints)
        texts = page.evaluate(TEXTS)
        assert len(texts) > 3
        too_faint = [text for text, colour, ground in texts if contrast(colour, ground) < AA_TEXT]
        assert too_faint == []

    def test_the_dark_is_dark(self, site: Published, open_page: OpenPage) -> None:
        grounds = []
        for scheme in ("light", "dark"):
            page = open_page(color_scheme=scheme)
            page.goto(site.url_of("tree/"))
            grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        light, dark = (luminance(ground) for ground in grounds)
        assert light > 0.8
        assert dark < 0.05

    def test_the_measure_itself(self) -> None:
        assert contrast("rgb(0, 0, 0)", "rgb(255, 255, 255)") == pytest.approx(21)
        assert contrast("rgb(118, 118, 118)", "rgb(255, 255, 255)") == pytest.approx(4.54, abs=0.01)


def test_pages_need_nothing_but_themselves(site: Published, page: Page) -> None:
    """A listing is one page, one style sheet and the pictures that it names, all from this server."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(site.url_of("tree/"), wait_until="networkidle")
    assert all(url.startswith(f"{site.url}/") for url in asked)
    assert 2 <= len(asked) <= 5


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours (WCAG 2.2, definition "contrast ratio")."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2) of an opaque colour that is written as `rgb(r, g, b)`."""
    found = re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", colour)
    assert found, colour
    parts = [int(part) / 255 for part in found.groups()]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
