"""What the script of a folder's page does: filter, keys, copies and times."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import OpenPage
from tests.support.published_tree import FIT_NAMES
from tests.support.publishing import Published

SHOWN = "table.listing tbody tr:not(.parent, .empty):visible td:first-child"
TOKYO = "Asia/Tokyo"


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A page with JavaScript, nine hours before UTC."""
    return open_page(java_script_enabled=True, timezone_id=TOKYO)


def field(page: Page) -> Locator:
    return page.get_by_role("searchbox", name="Filter by name")


class TestFilter:
    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("BOTH", ["both.img"]),
            ("*.txt", ["notes.txt"]),
            ("b*.im?", ["board.img", "both.img"]),
            ("[!b]*.txt", ["notes.txt"]),
            ("[b-c]o[at]*", ["board.img", "both.img"]),
            ("[z-a]*", []),
            ("[", []),
            ("*.", []),
        ],
    )
    def test_rows_go_as_one_types_and_they_are_those_of_the_form(
        self, site: Published, page: Page, text: str, names: list[str]
    ) -> None:
        page.goto(site.url_of("tree/licensed/"))
        field(page).type(text)
        expect(page.locator(SHOWN)).to_have_text(names)
        expect(page.locator(".filter output")).to_have_text(re.compile(rf"^{len(names)} of 4\b"))
        field(page).press("Enter")
        expect(page).to_have_url(re.compile(r"\?q="))
        expect(page.locator(SHOWN)).to_have_text(names)

    def test_all_come_back_when_it_is_cleared(self, site: Published, page: Page) -> None:
        page.goto(site.url_of("tree/licensed/"))
        field(page).type("both")
        expect(page.locator(SHOWN)).to_have_count(1)
        field(page).press("Escape")
        expect(page.locator(SHOWN)).to_have_count(4)

    def test_each_name_finds_itself(self, site: Published, page: Page) -> None:
        page.goto(site.url_of("tree/odd/"))
        for name in FIT_NAMES:
            if not set(name) & set("*?["):
                field(page).fill(name)
                assert name in page.locator(SHOWN).all_text_contents()

    def test_one_page_of_several_sends_to_the_server(self, site: Published, page: Page) -> None:
        page.goto(f"{site.url_of('tree/odd/')}?limit=3")
        field(page).type("zzz")
        expect(page.locator(".filter output")).to_contain_text("Enter looks in all of the folder")

    def test_a_filtered_page_says_that_it_has_not_all(self, site: Published, page: Page) -> None:
        page.goto(f"{site.url_of('tree/licensed/')}?q=both")
        field(page).fill("board")
        expect(page.locator(".filter output")).to_contain_text("Enter looks in all of the folder")
        field(page).press("Enter")
        expect(page.locator(SHOWN)).to_have_text(["board.img"])


class TestKeys:
    def test_entries_by_keys_and_into_one(self, site: Published, page: Page) -> None:
        page.goto(site.url_of("tree/nested/"))
        names = [name.strip() for name in page.locator("table.listing tbody a").all_text_contents()]
        for name in [*names, names[-1]]:
            page.keyboard.press("j")
            expect(page.locator("a:focus")).to_have_text(name)
        for name in reversed(names[:-1]):
            page.keyboard.press("k")
            expect(page.locator("a:focus")).to_have_text(name)
        page.get_by_role("link", name="one/", exact=True).focus()
        page.keyboard.press("Enter")
        expect(page).to_have_url(site.url_of("tree/nested/one/"))

    def test_slash_goes_to_the_filter_where_keys_are_letters(self, site: Published, page: Page) -> None:
        page.goto(site.url_of("tree/licensed/"))
        page.keyboard.press("/")
        expect(field(page)).to_be_focused()
        page.keyboard.type("jk/?")
        expect(field(page)).to_have_value("jk/?")
        expect(page.get_by_role("dialog")).to_have_count(0)

    def test_down_from_the_filter_to_what_it_left(self, site: Published, page: Page) -> None:
        page.goto(site.url_of("tree/licensed/"))
        field(page).type("both")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("j")
        expect(page.locator("a:focus")).to_have_text("both.img")

    def test_help_and_its_end(self, site: Published, page: Page) -> None:
        page.goto(site.url_of("tree/"))
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keys")).to_contain_text("next entry")
        page.keyboard.press("j")
        expect(page.locator("a:focus")).to_have_count(0)
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)

    def test_they_can_be_turned_off_for_good(self, site: Published, page: Page) -> None:
        page.goto(site.url_of("tree/"))
        page.get_by_role("button", name="Keys", exact=True).click()
        page.get_by_label("Turn these keys off").check()
        page.get_by_role("button", name="Close").click()
        for _ in range(2):
            page.keyboard.press("j")
            expect(page.locator("table a:focus")).to_have_count(0)
            page.reload()

    def test_the_browsers_own_are_left_alone(self, site: Published, page: Page) -> None:
        page.goto(site.url_of("tree/"))
        page.keyboard.press("Control+j")
        expect(page.locator("a:focus")).to_have_count(0)


class TestCopy:
    @pytest.fixture
    def button(self, site: Published, page: Page) -> Locator:
        """In a page that has something to copy."""

        def put_in(route: Route) -> None:
            answer = route.fetch()
            more = '<pre id="command">curl -O "a b"\n</pre><button type="button" hidden data-copy="#command">Copy</button>'
            route.fulfill(response=answer, body=answer.text().replace("</main>", f"{more}</main>"))

        page.route("**/tree/nested/", put_in)
        page.goto(site.url_of("tree/nested/"))
        return page.locator("[data-copy]")

    @staticmethod
    def pasted(page: Page) -> str:
        field(page).focus()
        page.keyboard.press("Control+V")
        return field(page).input_value()

    def test_the_text_is_in_the_clipboard(self, page: Page, button: Locator) -> None:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        button.click()
        expect(button).to_have_text("Copied")
        assert self.pasted(page) == 'curl -O "a b"'
        expect(button).to_have_text("Copy")

    def test_also_where_the_browser_has_no_clipboard_for_pages(self, page: Page, button: Locator) -> None:
        page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
        button.click()
        expect(button).to_have_text("Copied")
        expect(page.locator("textarea")).to_have_count(0)
        assert self.pasted(page) == 'curl -O "a b"'


class TestTimes:
    def test_local_ones_on_hover_and_by_choice(self, site: Published, page: Page) -> None:
        page.goto(site.url_of("tree/licensed/"))
        time = page.locator("table.listing time").first
        expect(time).to_have_text("20-Jan-2017 12:00")
        expect(time).to_have_attribute("title", "20-Jan-2017 21:00 here")
        page.get_by_role("button", name="Show times of this place").click()
        expect(time).to_have_text("20-Jan-2017 21:00")
        expect(time).to_have_attribute("title", "20-Jan-2017 12:00 UTC")
        page.reload()
        expect(time).to_have_text("20-Jan-2017 21:00")
        page.get_by_role("button", name="Show times in UTC").click()
        expect(time).to_have_text("20-Jan-2017 12:00")


def test_without_it_nothing_is_offered_that_would_do_nothing(site: Published, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site.url_of("tree/licensed/"))
    of_forms = ["Filter", "Get all of this folder", "Name", "Last modified", "Size", *["Get"] * 4]
    expect(page.get_by_role("button")).to_have_text(of_forms)
    page.get_by_label("Filter by name").fill("b*.img")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator(SHOWN)).to_have_text(["board.img", "both.img"])
    page.get_by_role("button", name="Size").click()
    expect(page.locator("th[aria-sort]")).to_have_text("Size")


def test_only_pages_of_folders_have_it(site: Published, page: Page) -> None:
    page.goto(site.url_of("tree/licensed/board.img"))
    assert page.locator("script").count() == 0


class TestPrint:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_names_heads_and_sizes_black_on_white(
        self, site: Published, open_page: OpenPage, scheme: str
    ) -> None:
        page = open_page(java_script_enabled=True, color_scheme=scheme)
        page.goto(site.url_of("tree/licensed/"))
        page.emulate_media(media="print")
        for text in ("Last modified", "board.img", "39.1 KiB"):
            expect(page.get_by_text(text, exact=True).first).to_be_visible()
        expect(field(page)).to_be_hidden()
        expect(page.get_by_role("button", name="Keys", exact=True)).to_be_hidden()
        colours = page.locator("body").evaluate(
            "body => [getComputedStyle(body).backgroundColor, getComputedStyle(body).color]"
        )
        assert colours == ["rgba(0, 0, 0, 0)", "rgb(23, 33, 43)"]


@pytest.mark.parametrize("has_scripts", [False, True], ids=["no scripts", "scripts"])
def test_all_folders_below_are_searched(site: Published, open_page: OpenPage, has_scripts: bool) -> None:
    page = open_page(java_script_enabled=has_scripts)
    page.goto(f"{site.url_of('tree/')}?sort=size&order=asc")
    field(page).fill("T*.txt")
    page.get_by_label("in all folders below").check()
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page.locator(SHOWN)).to_have_text(["nested/one/two/three.txt"])
    expect(page.get_by_text("1 found.")).to_be_visible()
    page.get_by_role("link", name="nested/one/two/three.txt").click()
    expect(page.locator("body")).to_have_text("three")
