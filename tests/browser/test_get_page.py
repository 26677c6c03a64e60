"""The page with commands, with and without scripts."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.support.publishing import Published


def test_a_row_leads_to_the_commands_that_fetch_it_and_copies_them(
    site: Published, open_page: OpenPage
) -> None:
    page = open_page(java_script_enabled=True, permissions=["clipboard-read", "clipboard-write"])
    page.goto(site.url_of("tree/licensed/"))
    page.get_by_role("button", name="Get board.img").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Get board.img")
    command = page.locator("#curl").inner_text()
    assert site.url_of("tree/licensed/board.img") in command
    page.locator("button[data-copy='#curl']").click()
    assert page.evaluate("navigator.clipboard.readText()") == command


def test_without_scripts_the_commands_are_there_and_no_button_that_does_nothing(
    site: Published, open_page: OpenPage
) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(site.url_of("tree/licensed/"))
    page.get_by_role("button", name="Get all of this folder").click()
    expect(page.locator("#wget")).to_be_visible()
    expect(page.locator("button[data-copy]").first).to_be_hidden()
