"""From a link to the file behind a licence."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, follow_download, take
from tests.support.published_tree import LICENCE, MARKUP, RESTRICTED, SECOND_LICENCE
from tests.support.publishing import Published

FOLDER = "tree/licensed/"


@pytest.fixture(params=["site", "site_in_s3"])
def licensed(request: pytest.FixtureRequest) -> Published:
    """The tree from each storage; from S3, the journey ends on another host."""
    found: Published = request.getfixturevalue(request.param)
    return found


def choose(page: Page, site: Published, name: str) -> None:
    """Click on a file in the folder's listing."""
    page.goto(site.url_of(FOLDER))
    page.get_by_role("link", name=name, exact=True).click()


def answer(page: Page, words: str) -> None:
    """Press a button of the form."""
    page.get_by_role("button", name=words, exact=True).click()


@pytest.mark.parametrize("has_scripts", [False, True], ids=["no scripts", "scripts"])
def test_accepting_starts_the_download(licensed: Published, open_page: OpenPage, has_scripts: bool) -> None:
    page = open_page(java_script_enabled=has_scripts)
    choose(page, licensed, "board.img")
    expect(page.get_by_role("heading", name="Licence agreement")).to_be_visible()
    expect(page.get_by_role("region", name="Licence text")).to_contain_text(LICENCE.text)
    content = follow_download(page, lambda: answer(page, "Accept and download"))
    assert content == RESTRICTED["tree/licensed/board.img"]
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


def test_the_download_can_be_started_by_hand_as_well(licensed: Published, page: Page) -> None:
    choose(page, licensed, "board.img")
    follow_download(page, lambda: answer(page, "Accept and download"))
    content = follow_download(page, page.get_by_role("link", name="Download", exact=True).click)
    assert content == RESTRICTED["tree/licensed/board.img"]


def test_it_is_asked_once(licensed: Published, page: Page) -> None:
    choose(page, licensed, "board.img")
    follow_download(page, lambda: answer(page, "Accept and download"))
    page.get_by_role("link", name="Back to the folder").click()
    expect(page).to_have_url(licensed.url_of(FOLDER))
    again = follow_download(page, page.get_by_role("link", name="board.img", exact=True).click)
    assert again == RESTRICTED["tree/licensed/board.img"]


def test_another_browser_is_asked_anew(site: Published, open_page: OpenPage) -> None:
    first, second = open_page(), open_page()
    choose(first, site, "board.img")
    follow_download(first, lambda: answer(first, "Accept and download"))
    choose(second, site, "board.img")
    expect(second.get_by_role("heading", name="Licence agreement")).to_be_visible()


def test_declining_is_a_refusal(site: Published, page: Page, complaints: list[str]) -> None:
    choose(page, site, "board.img")
    answer(page, "Decline")
    expect(page.get_by_role("heading", name="Licence not accepted")).to_be_visible()
    take(page, complaints, "403")
    choose(page, site, "board.img")
    expect(page.get_by_role("heading", name="Licence agreement")).to_be_visible()


def test_several_licences_follow_one_another(licensed: Published, page: Page) -> None:
    choose(page, licensed, "both.img")
    expect(page.locator("main")).to_contain_text("One more licence follows.")
    seen = [page.get_by_role("region", name="Licence text").inner_text().strip()]
    answer(page, "Accept and continue")
    # What leads on to the second one is a page that goes there by itself.
    expect(page.get_by_role("button", name="Accept and download", exact=True)).to_be_visible()
    seen.append(page.get_by_role("region", name="Licence text").inner_text().strip())
    content = follow_download(page, lambda: answer(page, "Accept and download"))
    assert content == RESTRICTED["tree/licensed/both.img"]
    assert sorted(seen) == sorted([LICENCE.text, SECOND_LICENCE.text])


def test_one_that_is_accepted_already_is_left_out(site: Published, page: Page) -> None:
    choose(page, site, "board.img")
    follow_download(page, lambda: answer(page, "Accept and download"))
    choose(page, site, "both.img")
    expect(page.get_by_role("region", name="Licence text")).to_contain_text(SECOND_LICENCE.text)
    content = follow_download(page, lambda: answer(page, "Accept and download"))
    assert content == RESTRICTED["tree/licensed/both.img"]


def test_a_name_with_markup_is_a_name(licensed: Published, page: Page) -> None:
    choose(page, licensed, f"{MARKUP}.img")
    content = follow_download(page, lambda: answer(page, "Accept and download"))
    assert content == RESTRICTED[f"tree/licensed/{MARKUP}.img"]


def test_a_form_that_was_made_elsewhere_is_refused(
    site: Published, page: Page, complaints: list[str]
) -> None:
    choose(page, site, "board.img")
    page.context.clear_cookies()
    answer(page, "Accept and download")
    expect(page.get_by_role("heading", name="Form refused")).to_be_visible()
    take(page, complaints, "403")
    choose(page, site, "board.img")
    expect(page.get_by_role("heading", name="Licence agreement")).to_be_visible()
