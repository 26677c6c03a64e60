"""The page of a folder, as a person with any browser and a mirroring client see it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from html import escape
from urllib.parse import urljoin

import httpx
import pytest

from tests.support.listing_page import ListingPage, read_listing
from tests.support.live_server import token
from tests.support.site_trees import SiteTree, client_of
from tests.support.store_contract import ODD_NAMES

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
SEPTEMBER = 1475236800.0  # 2016-09-30 12:00 UTC
POLICY = """
[[rule]]
path = "members"
tier = "private"
groups = ["staff"]
visibility = "listed"

[[rule]]
path = "secret"
tier = "private"
groups = ["staff"]
"""


@pytest.fixture(scope="module")
def client(tree: SiteTree) -> Iterator[httpx.Client]:
    for folder in ("16.09", "16.12", "9.1", "latest", "100", "zeta", "Alpha", "alpha"):
        tree.put(f"order/{folder}/f")
    for name in ("b.txt", "B.txt", "2", "10", "16.9.1", "2a", "nan", "1e3", "-1"):
        tree.put(f"order/{name}")
    tree.put("order-of-files/2")
    tree.put("order-of-files/latest")
    tree.put("facts/sized.bin", b"x" * 1536, modified=SEPTEMBER)
    tree.put("facts/small.txt", b"x" * 1023, modified=SEPTEMBER)
    tree.put("tiers/EULA.txt", b"Be nice.")
    tree.put("tiers/x.img", b"x")
    tree.put("members/inside.txt", b"x")
    tree.put("secret/inside.txt", b"x")
    tree.put("empty/")
    for name in ODD_NAMES:
        tree.put(f"odd/{name}", name.encode())
    with client_of(tree.app(policy=POLICY)) as http:
        yield http


def page_of(client: httpx.Client, path: str, **headers: str) -> ListingPage:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return read_listing(answer.text)


def test_folders_first_then_latest_then_numbers_newest_first_then_by_version(client: httpx.Client) -> None:
    assert page_of(client, "/order/").names == [
        "latest/", "100/", "16.12/", "16.09/", "9.1/", "Alpha/", "alpha/", "zeta/",
        "-1", "1e3", "2", "2a", "10", "16.9.1", "B.txt", "b.txt", "nan",
    ]  # fmt: skip
    assert page_of(client, "/order-of-files/").names == ["latest", "2"]


def test_every_row_tells_size_time_and_tier(client: httpx.Client) -> None:
    sized, small = page_of(client, "/facts/").rows
    assert sized == ("sized.bin", "sized.bin", "30-Sep-2016 12:00", "1.5 KiB", "")
    assert (small.size, small.access) == ("1023 B", "")
    (licensed,) = page_of(client, "/tiers/").rows
    assert (licensed.name, licensed.access) == ("x.img", "EULA")


def test_a_listed_private_folder_is_shown_with_a_lock_and_an_unlisted_one_is_not(
    client: httpx.Client,
) -> None:
    (members,) = (row for row in page_of(client, "/").rows if row.name == "members/")
    assert (members.href, members.access) == ("members/", "private locked")
    assert "secret/" not in page_of(client, "/").names


def test_members_see_their_folders_as_links(client: httpx.Client) -> None:
    page = page_of(client, "/", Authorization=f"Bearer {token('staff', now=time.time())}")
    assert {"members/", "secret/"} <= set(page.hrefs)


def test_the_parent_is_linked_except_at_the_top(client: httpx.Client) -> None:
    assert page_of(client, "/order/").parent == "../"
    assert page_of(client, "/").parent is None


def test_links_are_relative_to_the_folder_and_have_no_query(client: httpx.Client) -> None:
    page = page_of(client, "/order/")
    assert page.hrefs == page.names  # plain names need no encoding
    assert not [link for link in page.links if "?" in link]


def test_no_page_runs_another_script_or_loads_anything_from_elsewhere(client: httpx.Client) -> None:
    answer = client.get("/odd/")
    assert re.findall("<script.*", answer.text) == re.findall(
        r'<script defer src="/-/static/pierhead-[0-9a-f]{12}\.js"></script>', answer.text
    )
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert not [link for link in read_listing(answer.text).links if "//" in link or "script:" in link]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "referrer-policy" in answer.headers


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_odd_name_is_shown_as_it_is_and_its_link_leads_to_its_bytes(
    client: httpx.Client, name: str
) -> None:
    (row,) = (row for row in page_of(client, "/odd/").rows if row.name == name.strip())
    assert row.href is not None
    assert row.href.isascii()
    answer = client.get(urljoin(str(client.base_url.join("/odd/")), row.href))
    assert (answer.status_code, answer.content) == (200, name.encode())


def test_an_empty_folder_is_a_page_without_rows(client: httpx.Client) -> None:
    assert page_of(client, "/empty/").rows == ()


@pytest.mark.parametrize("query", ["", "?format=json", "?format=ndjson", "?format=text", "?limit=2"])
def test_head_has_the_headers_of_get_and_no_body(client: httpx.Client, query: str) -> None:
    got, head = client.get(f"/order/{query}"), client.head(f"/order/{query}")
    assert head.status_code == 200
    assert head.content == b""
    without_date = [(name, value) for name, value in head.headers.multi_items() if name != "date"]
    assert without_date == [(name, value) for name, value in got.headers.multi_items() if name != "date"]
    assert int(head.headers["content-length"]) > 0


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/order", "/order/"),
        ("/order/16.09", "/order/16.09/"),
        ("/order/16.09?format=json&limit=1", "/order/16.09/?format=json&limit=1"),
        ("/order/zeta?a=%C3%BC&b=+", "/order/zeta/?a=%C3%BC&b=+"),
    ],
)
def test_a_folder_without_its_slash_is_redirected_to_its_path_with_its_query(
    client: httpx.Client, method: str, path: str, location: str
) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["location"]) == (301, location)
    if method == "GET":  # some clients show this and stay
        assert f'<a href="{escape(location)}">' in answer.text


def test_a_file_with_a_slash_behind_it_is_not_found(client: httpx.Client) -> None:
    assert client.get("/facts/small.txt/").status_code == 404
