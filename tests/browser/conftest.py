"""A real browser before a real server. Whatever it complains about on its console is a fault of the page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from tests.support.publishing import Published, publish_bucket, publish_directory
from tests.support.waiting import PATIENCE

EXECUTABLE = "/usr/bin/chromium-headless-shell"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
)
GIVEN_UP = "net::ERR_ABORTED"
FOCUSED_ALREADY = "Autofocus processing was blocked because a document already has a focused element."
"""Said when a test is quicker than a page that draws slowly."""

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """The tree, from a directory."""
    with publish_directory(tmp_path_factory.mktemp("directory")) as published:
        yield published


@pytest.fixture(scope="session")
def site_in_s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """The tree, from a bucket: its files are redirected to another host."""
    with publish_bucket(tmp_path_factory.mktemp("bucket")) as published:
        yield published


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ends with its module, since until then its event loop keeps others out of this thread."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=EXECUTABLE, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about so far. A test that provokes a complaint takes it out."""
    return []


@pytest.fixture
def open_page(browser: Browser, complaints: list[str]) -> Iterator[OpenPage]:
    """Opens a page in a browser that nobody has used before, without JavaScript unless told otherwise.

    The test fails if the browser has complained about anything by its end.
    """
    contexts: list[BrowserContext] = []

    def open_one(**options: Any) -> Page:
        context = browser.new_context(**({"java_script_enabled": False} | options))
        contexts.append(context)
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        watch(page, complaints)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A page without JavaScript."""
    return open_page()


def watch(page: Page, complaints: list[str]) -> None:
    """Write down whatever the browser says on its console, and what it could not load."""

    def hear(message: ConsoleMessage) -> None:
        if message.text != FOCUSED_ALREADY:
            complaints.append(f"{message.type}: {message.text}")

    def miss(request: Request) -> None:
        # No fault is what the browser gives up itself, such as an icon that is on its way as the test leaves the
        # page (what the server breaks off has other names), nor a navigation that becomes a download or a login.
        if not request.is_navigation_request() and request.failure != GIVEN_UP:
            complaints.append(f"{request.url}: {request.failure}")

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", miss)
    page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))


def follow_download(page: Page, act: Callable[[], object]) -> bytes:
    """The content of the file whose download an act starts."""
    with page.expect_download() as started:
        act()
    path: Path = started.value.path()
    return path.read_bytes()


def take(page: Page, complaints: list[str], part: str) -> None:
    """Take out the complaint that a test has provoked; the browser may take a moment to make it.

    Raises:
        AssertionError: it was not made.
    """
    deadline = time.monotonic() + PATIENCE
    while not any(part in complaint for complaint in complaints):
        assert time.monotonic() < deadline, complaints
        page.wait_for_timeout(20)  # lets the browser's events come in
    complaints[:] = [complaint for complaint in complaints if part not in complaint]
