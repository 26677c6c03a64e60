"""What the page of a folder costs a browser: bytes over the wire, and requests."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.support.memory_store import MemoryStore
from tests.support.raw_http import exchange, request
from tests.support.served_store import Site, serve_store

MOST_BYTES = 25_000
MOST_REQUESTS = 5
ACCEPTED = (b"Accept: text/html", b"Accept-Encoding: gzip, deflate, br, zstd")


@pytest.fixture
def site() -> Iterator[Site]:
    store = MemoryStore()
    for number in range(100):
        name = f"lt-board-{'abcde'[number % 5]}{number:02}-5.{number % 15}.0-{20260000 + number * 7}.img.xz"
        store.put(f"builds/{name}", bytes(number * 37), modified=1_790_000_000.0 + number * 4021)
    with serve_store(store) as served:
        yield served


def asked(site: Site, path: str) -> tuple[int, str]:
    """Bytes of an answer with its head, and its text."""
    whole = exchange(site.port, request(b"GET", path.encode(), *ACCEPTED))
    assert whole.startswith(b"HTTP/1.1 200")
    return len(whole), site.http.get(path, headers={"Accept": "text/html"}).text


def test_a_hundred_entries_with_all_that_belongs_to_their_page_are_small(site: Site) -> None:
    size, page = asked(site, "/builds/")
    assert page.count("<tr><td class=") == 100
    urls = set(re.findall(r'<(?:link|script|img)[^>]* (?:href|src)="([^"]+)"', page))
    sheet = next(url for url in urls if url.endswith(".css"))
    names = re.findall(r'url\("([^"]+)"\)', site.http.get(sheet).text)
    urls |= {f"/-/static/{name}" for name in names}
    sizes = {"/builds/": size} | {url: asked(site, url)[0] for url in urls}
    assert len(sizes) <= MOST_REQUESTS, sizes
    assert sum(sizes.values()) <= MOST_BYTES, sizes


@pytest.mark.parametrize("encoding", ["zstd", "br", "gzip"])
def test_style_sheet_and_script_are_sent_compressed(site: Site, encoding: str) -> None:
    page = site.http.get("/builds/", headers={"Accept": "text/html"}).text
    for url in re.findall(r"/-/static/pierhead-[0-9a-f]{12}\.(?:css|js)", page):
        plain = site.http.get(url, headers={"Accept-Encoding": "identity"})
        coded = site.http.get(url, headers={"Accept-Encoding": encoding})
        assert plain.headers["vary"] == coded.headers["vary"] == "Accept-Encoding"
        assert (plain.headers.get("content-encoding"), coded.headers["content-encoding"]) == (None, encoding)
        assert plain.headers["etag"] != coded.headers["etag"]
        assert int(coded.headers["content-length"]) < int(plain.headers["content-length"]) / 2
        if encoding == "gzip":
            assert coded.content == plain.content
