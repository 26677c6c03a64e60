"""Makes the pictures in docs/images: a folder of a release as a browser shows it, on a desktop, in the dark, on a phone and with a theme."""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, sync_playwright

from scripts.sample_tree.showcase import FOLDER, LICENSED, make_showcase, make_theme

IMAGES = Path(__file__).parents[1] / "docs" / "images"
CHROMIUM = Path("/usr/bin/chromium")
START_SECONDS = 30


class Picture(NamedTuple):
    """One picture: the name of its file, the screen it is taken from, in CSS pixels, whether that is dark, and what of the folder it shows."""

    name: str
    width: int
    height: int
    pixels_per_dot: int = 1
    is_mobile: bool = False
    is_dark: bool = False
    shown: str = ""


PICTURES = (
    Picture("listing.png", 1200, 800),
    Picture("listing-dark.png", 1200, 800, is_dark=True),
    Picture("listing-phone.png", 390, 844, pixels_per_dot=2, is_mobile=True),
)
THEMED = (
    Picture("themed-listing.png", 1000, 560),
    Picture("themed-licence.png", 1000, 480, shown=LICENSED),
)


@contextmanager
def serve_showcase(directory: Path, *, has_theme: bool) -> Iterator[str]:
    """Make the folder and serve it until the block ends.

    Args:
        directory: an empty one.
        has_theme: whether the site and its licence have a look of their own.

    Yields:
        where it answers, without a slash at the end.

    Raises:
        RuntimeError: the server did not start.
    """
    tree = directory / "tree"
    make_showcase(tree)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    pierhead = Path(sys.executable).with_name("pierhead")
    environment = {
        "PATH": os.environ["PATH"],
        "PIERHEAD_SITE_TITLE": "Aurora downloads",
        "PIERHEAD_ADMIN_LISTEN": "127.0.0.1:0",
        "PIERHEAD_LOG_LEVEL": "error",
    }
    if has_theme:
        theme, policy = make_theme(directory)
        environment |= {"PIERHEAD_THEME_DIR": str(theme), "PIERHEAD_POLICY_FILE": str(policy)}
    process = subprocess.Popen(
        [pierhead, "serve", "--storage", tree, "--port", port], cwd=directory, env=environment
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/readyz", process)
        yield url
    finally:
        process.terminate()
        process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers.

    Raises:
        RuntimeError: it ended, or took too long.
    """
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=START_SECONDS):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"the server did not answer at {url}")


def take_picture(browser: Browser, picture: Picture, url: str, path: Path) -> None:
    """Store what the top of a page looks like."""
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        device_scale_factor=picture.pixels_per_dot,
        is_mobile=picture.is_mobile,
        color_scheme="dark" if picture.is_dark else "light",
    )
    page = context.new_page()
    page.goto(url, wait_until="networkidle")
    page.screenshot(path=path)
    context.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="make_screenshots", description=__doc__)
    parser.add_argument("--folder", default=f"{FOLDER}/", help="folder of the tree to show")
    parser.add_argument("--into", type=Path, default=IMAGES, help="directory to write to")
    parser.add_argument("--chromium", type=Path, default=CHROMIUM, help="the browser")
    options = parser.parse_args(arguments)
    options.into.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
        for pictures, has_theme in ((PICTURES, False), (THEMED, True)):
            with (
                tempfile.TemporaryDirectory() as directory,
                serve_showcase(Path(directory), has_theme=has_theme) as url,
            ):
                for picture in pictures:
                    path: Path = options.into / picture.name
                    take_picture(browser, picture, f"{url}/{options.folder}{picture.shown}", path)
                    print(f"{path}: {path.stat().st_size} bytes", file=sys.stderr)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
