"""`?get=`: a page with commands that fetch a file or a folder, for those who may see it."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator

import pytest

from tests.support.answers import problem
from tests.support.get_page import Served, commands, page, served_tree
from tests.support.memory_store import MemoryStore
from tests.support.served_store import Site, serve_store


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with served_tree() as served:
        yield served


def test_licences_are_linked_and_their_digests_spelt_out(served: Served) -> None:
    text = page(served.client, "/licensed/", "x")
    digest = hashlib.md5(b"Be nice.", usedforsecurity=False).hexdigest()
    assert f"License-Accepted: {digest}" in text
    assert commands(text)["pierhead"] == f"pierhead get --accept {digest} {served.url}/licensed/x"
    (url,) = re.findall(r'<a href="([^"]+)" rel="license">', text)
    assert "Be nice." in served.client.get(html.unescape(url)).text


def test_a_page_says_size_time_and_digests_with_their_sources(served: Served) -> None:
    text = page(served.client, "/d/", "plain.img")
    digest = hashlib.sha256(b"plain.img").hexdigest()
    for part in ("9 B", "09-Sep-2001 01:46 UTC", digest, "from SHA256SUMS", f"{served.url}/d/plain.img"):
        assert part in text
    assert f"--checksum=sha-256={digest}" in text
    stored = page(served.client, "/d/", "stored")
    assert "stored with the file" in stored
    assert "md5sum --check" in html.unescape(stored)
    assert "from SHA256SUMS" not in stored


def test_every_copy_button_is_hidden_and_names_what_it_copies(served: Served) -> None:
    text = page(served.client, "/d/", "plain.img")
    buttons = re.findall(r'<button class="plain" type="button" hidden data-copy="#([^"]+)">', text)
    assert buttons == ["sha-256", "curl", "wget", "aria2c", "pierhead", "check"]
    assert all(text.count(f'id="{name}"') == 1 for name in buttons)


def test_who_may_not_see_a_file_learns_nothing(served: Served) -> None:
    hidden = served.client.get("/secret/", params={"get": "s"})
    assert problem(hidden) == problem(served.client.get("/nowhere/", params={"get": "s"}))


@pytest.mark.parametrize(
    "name", ["none", "sub", "../licensed/x", "sub/below", "..", "%2e%2e", "%00", "%", "a\0"]
)
def test_what_is_no_file_of_the_folder_is_not_found(served: Served, name: str) -> None:
    assert problem(served.client.get("/d/", params={"get": name})) == (404, "not-found")


def test_the_page_of_a_folder_counts_it_and_says_as_of_when(served: Served) -> None:
    text = page(served.client, "/d/", "")
    assert "1 folder, 6 files, " in text
    assert re.search(r"As of</dt> <dd>\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d UTC", text)


def test_a_site_below_a_path_gives_whole_urls() -> None:
    store = MemoryStore()
    store.put("d/f", b"F")
    with serve_store(store, root_path="/downloads") as site:
        text = page(site.http, "/downloads/d/", "f")
        assert f"http://127.0.0.1:{site.port}/downloads/d/f" in text


def test_it_costs_no_more_than_the_file_itself(site: Site) -> None:
    site.store.put("d/f", b"F")
    calls = site.calls("GET", "/d/?get=f", 200)
    assert {call.operation for call in calls} <= {"list", "head"}


def test_a_row_that_was_found_below_leads_to_the_page_of_its_own_folder(served: Served) -> None:
    text = served.client.get("/?q=below&recursive=true", headers={"Accept": "text/html"}).text
    assert "Search on" not in text
    (found,) = re.findall(r'<button class="get"[^>]*formaction="([^"]+)" name="get" value="([^"]+)"', text)
    assert found == ("d/sub/", "below")
    assert page(served.client, f"/{found[0]}", found[1])
