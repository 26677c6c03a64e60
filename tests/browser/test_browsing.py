"""Finding the way through the tree, without a line of JavaScript."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, follow_download, take
from tests.support.live_server import token
from tests.support.published_tree import BIG, FIT_NAMES, MARKUP, MEMBERS, ODD, PUBLIC, RESTRICTED
from tests.support.publishing import Published

ENTRIES = "table.listing tbody tr:not(.parent) td:first-child a"


def entry(page: Page, name: str) -> None:
    """Click on an entry of a listing."""
    page.get_by_role("link", name=name, exact=True).click()


class TestWay:
    def test_from_the_root_to_a_file(self, site: Published, page: Page) -> None:
        page.goto(f"{site.url}/")
        for folder in ("tree/", "nested/", "one/"):
            entry(page, folder)
        expect(page).to_have_url(site.url_of("tree/nested/one/"))
        content = follow_download(page, lambda: entry(page, "first.bin"))
        assert content == PUBLIC["tree/nested/one/first.bin"]

    def test_back_by_the_parent_link(self, site: Published, page: Page) -> None:
        page.goto(site.url_of("tree/nested/one/"))
        entry(page, "Parent folder")
        expect(page).to_have_url(site.url_of("tree/nested/"))

    def test_back_by_the_breadcrumbs(self, site: Published, page: Page) -> None:
        page.goto(site.url_of("tree/nested/one/two/"))
        way = page.get_by_role("navigation", name="Breadcrumb")
        crumbs = way.get_by_role("link")
        assert crumbs.all_text_contents() == ["Pierhead", "tree", "nested", "one"]
        expect(way.locator("[aria-current=page]")).to_have_text("two")
        crumbs.nth(2).click()
        expect(page).to_have_url(site.url_of("tree/nested/"))
        entry(page, "Pierhead")
        expect(page).to_have_url(f"{site.url}/")

    def test_an_unknown_folder_leads_back(self, site: Published, page: Page, complaints: list[str]) -> None:
        page.goto(site.url_of("tree/absent/"))
        expect(page.get_by_role("heading", name="Not found")).to_be_visible()
        take(page, complaints, "404")
        entry(page, "Folder above")
        expect(page).to_have_url(site.url_of("tree/"))


class TestDownload:
    def test_a_big_file_comes_whole(self, site: Published, page: Page) -> None:
        page.goto(site.url_of("tree/"))
        with page.expect_download() as started:
            entry(page, "big.img")
        assert started.value.suggested_filename == "big.img"
        assert started.value.path().read_bytes() == BIG

    def test_a_text_is_shown_in_place(self, site: Published, page: Page) -> None:
        page.goto(site.url_of("tree/"))
        entry(page, "notes.txt")
        expect(page.locator("body")).to_contain_text("Notes on the tree.")

    def test_from_the_host_where_it_is_stored(self, site_in_s3: Published, page: Page) -> None:
        page.goto(site_in_s3.url_of("tree/"))
        assert follow_download(page, lambda: entry(page, "big.img")) == BIG
        assert site_in_s3.s3 is not None
        assert site_in_s3.s3.seen_from("mozilla")


class TestOddNames:
    def test_each_is_shown_as_it_is(self, site: Published, page: Page) -> None:
        page.goto(site.url_of("tree/odd/"))
        assert sorted(page.locator(ENTRIES).all_text_contents()) == sorted(FIT_NAMES)

    @pytest.mark.parametrize("folder", ["tree/odd/", "odd/"])
    def test_each_leads_to_its_own_content(self, site: Published, page: Page, folder: str) -> None:
        page.goto(site.url_of(folder))
        links = page.locator(ENTRIES)
        found = {
            folder + name: follow_download(page, links.nth(index).click)
            for index, name in enumerate(links.all_text_contents())
        }
        assert found == {path: content for path, content in ODD.items() if path.startswith(folder)}

    def test_a_folder_with_one_can_be_entered(self, site: Published, page: Page) -> None:
        page.goto(site.url_of("tree/nested/"))
        entry(page, "a folder? yes & 100%/")
        expect(page.get_by_role("heading", level=1)).to_have_text("a folder? yes & 100%")
        assert page.locator(ENTRIES).all_text_contents() == ["ü + b.txt"]

    @pytest.mark.parametrize(
        "path", ["tree/odd/", f"tree/nested/{MARKUP}/", f"tree/licensed/{MARKUP}.img", "tree/licensed/"]
    )
    def test_markup_in_a_name_does_nothing(self, site: Published, open_page: OpenPage, path: str) -> None:
        page = open_page(java_script_enabled=True)
        page.goto(site.url_of(path))
        expect(page.locator("main")).to_contain_text(MARKUP)
        assert page.locator("main img, main script, nav img").count() == 0

    def test_markup_in_an_address_does_nothing(
        self, site: Published, open_page: OpenPage, complaints: list[str]
    ) -> None:
        page = open_page(java_script_enabled=True)
        page.goto(f"{site.url}/tree/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E")
        expect(page.get_by_role("heading", name="Not found")).to_be_visible()
        take(page, complaints, "404")
        assert page.locator("script").count() == 0


class TestPrivate:
    def test_a_stranger_is_asked_for_a_password(
        self, site: Published, page: Page, complaints: list[str]
    ) -> None:
        # A browser with a window would ask. The next test answers.
        answer = page.goto(site.url_of("tree/members/"))
        take(page, complaints, "401")
        expect(page.get_by_text("preview.img")).to_have_count(0)
        assert answer is not None
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith('Basic realm="Pierhead"')

    def test_a_token_is_a_password(self, site: Published, open_page: OpenPage) -> None:
        credentials = {"username": "robot", "password": token(MEMBERS, now=time.time())}
        page = open_page(http_credentials=credentials)
        page.goto(site.url_of("tree/members/"))
        content = follow_download(page, lambda: entry(page, "preview.img"))
        assert content == RESTRICTED["tree/members/preview.img"]

    def test_a_wrong_password_is_told_so(
        self, site: Published, open_page: OpenPage, complaints: list[str]
    ) -> None:
        page = open_page(http_credentials={"username": "robot", "password": "guess"})
        page.goto(site.url_of("tree/members/"))
        expect(page.get_by_role("heading", name="Authentication failed")).to_be_visible()
        take(page, complaints, "401")
        expect(page.get_by_text("plan.txt")).to_have_count(0)
