"""What those need who hear a page, or walk it by its structure."""

from __future__ import annotations

from importlib.resources import files

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, take
from tests.support.published_tree import SECOND_LICENCE
from tests.support.publishing import Published

PAGES = {
    "folder": ("tree/licensed/", "/tree/licensed/ – Pierhead"),
    "get": ("tree/licensed/?get=board.img", "Get board.img – Pierhead"),
    "view": ("tree/notes.txt?view=1", "notes.txt – Pierhead"),
    "licence": ("tree/licensed/board.img", "Licence for board.img – Pierhead"),
    "licence with a look": (
        f"license?lic={SECOND_LICENCE.digest}&url=/tree/licensed/both.img",
        "Licence for both.img – Pierhead",
    ),
    "error": ("tree/absent/", "Not found – Pierhead"),
}

RULES = (files("axe_playwright_python") / "axe.min.js").read_text()
BROKEN = (
    "async () => (await axe.run()).violations.map(rule => `${rule.id}: ${rule.nodes.map(node => node.html)}`)"
)


def address(site: Published, chosen: str) -> str:
    path, mark, query = PAGES[chosen][0].partition("?")
    return site.url_of(path) + mark + query


@pytest.fixture(params=PAGES)
def kind(request: pytest.FixtureRequest, site: Published, page: Page, complaints: list[str]) -> str:
    """Each kind of page, opened."""
    chosen: str = request.param
    page.goto(address(site, chosen))
    if chosen == "error":
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        take(page, complaints, "404")
    return chosen


def test_the_title_says_what_it_is(kind: str, page: Page) -> None:
    expect(page).to_have_title(PAGES[kind][1])


def test_the_language_is_told(kind: str, page: Page) -> None:
    assert page.locator("html").get_attribute("lang") == "en"


def test_there_is_one_of_each_landmark(kind: str, page: Page) -> None:
    for role in ("banner", "main", "contentinfo"):
        expect(page.get_by_role(role)).to_have_count(1)
    expect(page.get_by_role("navigation", name="Breadcrumb")).to_have_count(1)


def test_there_is_one_heading_of_the_first_level(kind: str, page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_count(1)


def test_no_identifier_is_used_twice(kind: str, page: Page) -> None:
    identifiers = page.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert len(identifiers) == len(set(identifiers))


def test_everything_that_can_be_used_has_a_name(kind: str, page: Page) -> None:
    names = page.evaluate(
        "[...document.querySelectorAll('a, button')].map(element => element.textContent.trim())"
    )
    assert names
    assert all(names)


def test_text_may_be_made_larger(kind: str, page: Page) -> None:
    viewport = page.locator("meta[name=viewport]").get_attribute("content") or ""
    assert "width=device-width" in viewport
    assert "user-scalable" not in viewport
    assert "maximum-scale" not in viewport


class TestTable:
    @pytest.fixture
    def listing(self, site: Published, page: Page) -> Page:
        page.goto(site.url_of("tree/licensed/"))
        return page

    def test_it_has_a_caption(self, listing: Page) -> None:
        expect(listing.get_by_role("table", name="Contents of /tree/licensed/")).to_have_count(1)

    def test_each_column_has_a_head(self, listing: Page) -> None:
        heads = listing.locator("th[scope=col]")
        assert heads.all_text_contents() == ["Name", "Last modified", "Size", "Access"]
        assert listing.locator("table.listing th").count() == 4

    def test_times_can_be_read_by_machines(self, listing: Page) -> None:
        times = [time.get_attribute("datetime") for time in listing.locator("table.listing time").all()]
        assert times == ["2017-01-20T12:00:00Z"] * len(times)
        assert times

    def test_it_is_still_a_table_on_a_phone(self, listing: Page) -> None:
        listing.set_viewport_size({"width": 390, "height": 844})
        expect(listing.get_by_role("table")).to_have_count(1)
        row = listing.get_by_role("row", name="board.img")
        expect(row.get_by_role("cell")).not_to_have_count(0)


def test_the_licence_can_be_scrolled_with_the_keyboard(site: Published, page: Page) -> None:
    page.goto(site.url_of("tree/licensed/board.img"))
    expect(page.get_by_role("region", name="Licence text")).to_have_attribute("tabindex", "0")


def test_where_one_is_is_told_in_the_breadcrumbs(site: Published, page: Page) -> None:
    page.goto(site.url_of("tree/nested/one/"))
    here = page.locator("nav [aria-current=page]")
    expect(here).to_have_text("one")
    expect(here).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("chosen", PAGES)
def test_axe_finds_nothing(
    site: Published, open_page: OpenPage, complaints: list[str], chosen: str, scheme: str
) -> None:
    page = open_page(java_script_enabled=True, color_scheme=scheme)
    page.goto(address(site, chosen))
    if chosen == "error":
        take(page, complaints, "404")
    assert broken_rules(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_what_the_script_adds(site: Published, open_page: OpenPage, scheme: str) -> None:
    page = open_page(java_script_enabled=True, color_scheme=scheme)
    page.goto(site.url_of("tree/licensed/"))
    page.get_by_label("Filter by name").fill("both")
    assert broken_rules(page) == []
    page.get_by_role("button", name="Keys", exact=True).click()
    assert broken_rules(page) == []


def broken_rules(page: Page) -> list[str]:
    """The rules of axe that a page breaks, with the elements that do."""
    page.evaluate(RULES)  # by the debugger, which the page's own policy does not concern
    found: list[str] = page.evaluate(BROKEN)
    return found
