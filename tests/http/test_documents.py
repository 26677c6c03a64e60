"""Documents on the page of their folder: to those alone who may have the file."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from app.domain.errors import StoreUnavailable
from tests.support.answers import BROWSER, member
from tests.support.served_store import Site
from tests.support.site_trees import MemoryTree, client_of

POLICY = """
[[rule]]
path = "mixed/README.md"
tier = "private"
groups = ["staff"]
visibility = "listed"

[[rule]]
path = "licensed/README.md"
tier = "eula"
licence_text = "The terms."
"""


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    tree = MemoryTree()
    tree.put("d/README.md", b"# Welcome\n\nGet [the image](a%20b.img).")
    tree.put("d/HEADER.html", b'<div id="content"><b>News</b>: <linaro:include file="./news.txt" />'
                              b'<linaro:include file="../mixed/README.md"/></div>')  # fmt: skip
    tree.put("d/news.txt", b"1 < 2")
    tree.put("d/HOWTO_install.txt", b"h2. Steps\n\n# one")
    tree.put("mixed/README.md", b"only for the staff")
    tree.put("licensed/README.md", b"behind a licence")
    tree.put("large/README.md", b"x" * (128 * 1024 + 1))
    tree.put("empty/README.md", b"")
    tree.put("several/README.md", b"# Use\n\n[up](#use)")
    tree.put("several/INSTALL.rst", b"Use\n===\n\n`Use`_")
    tree.put("latin/README.txt", b"caf\xe9")
    tree.put("marked/README.md", b"\xef\xbb\xbf# Notes\r\n")
    tree.put("wide/README.md", "# Notes\r\n".encode("utf-16"))
    with client_of(tree.app(policy=POLICY, cache_ttl=60)) as client:
        yield client


def page(client: httpx.Client, path: str, **headers: str) -> str:
    answer = client.get(path, headers={**BROWSER, **headers})
    assert answer.status_code == 200
    return answer.text


def test_a_readme_a_header_and_a_howto_are_shown(client: httpx.Client) -> None:
    for _ in range(2):
        text = page(client, "/d/")
        header, table, readme, howto = map(
            text.index, ("<b>News</b>: 1 &lt; 2", "<table", ">Welcome</h3>", ">Steps</h3>")
        )
        assert header < table < readme < howto
        assert 'href="a%20b.img"' in text
        assert "<h2>README.md</h2>" in text
        assert "<h2>Binary Image Installation</h2>" in text
        assert "only for the staff" not in text


def test_documents_are_files_like_others(client: httpx.Client) -> None:
    names = ["HEADER.html", "HOWTO_install.txt", "README.md", "news.txt"]
    assert sorted(client.get("/d/?format=text").text.split()) == names
    for name in names:
        assert client.get(f"/d/{name}").status_code == 200


@pytest.mark.parametrize("query", ["?sort=name", "?limit=1", "?format=html"])
def test_every_first_page_has_them_and_no_other_representation(client: httpx.Client, query: str) -> None:
    assert "Welcome" in page(client, f"/d/{query}")
    assert "Welcome" not in page(client, "/d/?after=HEADER.html")
    assert "Welcome" not in client.get("/d/?format=json").text


def test_who_may_not_have_a_file_does_not_see_it_on_the_page_either(client: httpx.Client) -> None:
    for _ in range(2):
        assert "only for the staff" not in page(client, "/mixed/")
        assert "only for the staff" in page(client, "/mixed/", **member("staff"))


def test_what_is_behind_a_licence_is_not_shown_even_to_those_who_accepted_it(client: httpx.Client) -> None:
    digest = client.get("/licensed/?format=json").json()["entries"][0]["licences"][0]["digest"]
    accepted = {"License-Accepted": digest}
    assert client.get("/licensed/README.md", headers=accepted).text == "behind a licence"
    assert "behind a licence" not in page(client, "/licensed/", **accepted)


@pytest.mark.parametrize("path", ["/large/", "/empty/"])
def test_what_is_too_large_or_empty_is_only_listed(client: httpx.Client, path: str) -> None:
    text = page(client, path)
    assert "README.md" in text
    assert '<details class="document"' not in text


def test_what_is_not_utf_8_is_shown_as_far_as_it_can_be(client: httpx.Client) -> None:
    assert "caf\ufffd" in page(client, "/latin/")


def test_the_links_within_a_document_stay_in_it(client: httpx.Client) -> None:
    text = page(client, "/several/")
    for prefix in ("doc1", "doc2"):
        assert f'id="{prefix}-use"' in text
        assert f"href=#{prefix}-use " in text


@pytest.mark.parametrize("path", ["/marked/", "/wide/"])
def test_the_marks_of_windows_are_no_part_of_a_text(client: httpx.Client, path: str) -> None:
    assert '<h3 id="doc1-notes">Notes</h3>' in page(client, path)


def test_a_document_that_cannot_be_read_is_left_out(site: Site) -> None:
    site.store.put("d/README.md", b"# Welcome")
    site.store.fail_on("get", StoreUnavailable("timeout"), path="d/README.md")
    assert "Welcome" not in page(site.http, "/d/")
    site.store.fail_on("get", None, path="d/README.md")
    assert "Welcome" in page(site.http, "/d/"), "the page without it was kept"


def test_a_changed_document_is_read_again() -> None:
    tree = MemoryTree()
    tree.put("d/README.md", b"one")
    with client_of(tree.app(cache_ttl=0)) as client:
        assert "one" in page(client, "/d/")
        tree.put("d/README.md", b"another")
        assert "another" in page(client, "/d/")
