"""Listings for spreadsheets and for feed readers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from xml.etree import ElementTree

import httpx
import pytest

from app.pages.feed import MOST_ENTRIES
from tests.support.answers import member, problem
from tests.support.memory_store import MemoryStore
from tests.support.served_store import Site, serve_store
from tests.support.site_trees import MemoryTree, client_of

ATOM = "{http://www.w3.org/2005/Atom}"
POLICY = """
[[rule]]
path = "d/secret"
tier = "private"
groups = ["staff"]
visibility = "hidden"

[[rule]]
path = "d/shown"
tier = "private"
groups = ["staff"]
visibility = "listed"
"""
ODD = ["=1+1", "+x", "-y", "@sum", 'quo"te, comma', "caf\u00e9 <&>]]>", "\uffff", "\udcff"]


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    tree = MemoryTree()
    for number, name in enumerate(ODD):
        tree.put(f"odd/{name}", b"x", modified=1e9 + number)
    for number in range(MOST_ENTRIES + 20):
        tree.put(f"many/{number}", b"x", modified=1e9 + number * 60)
    for name in ("plain", "secret", "shown"):
        tree.put(f"d/{name}", name.encode(), modified=1e9)
    tree.put("d/sub/f", b"")
    tree.put("d/SHA256SUMS", b"0" * 64 + b"  plain\n", modified=1.1e9)
    with client_of(tree.app(policy=POLICY, cache_ttl=600)) as client:
        yield client


def rows(client: httpx.Client, url: str, **headers: str) -> list[dict[str, str]]:
    answer = client.get(f"{url}?format=csv", headers=headers)
    assert answer.content.replace(b"\r\n", b"").count(b"\n") == 0
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def feed(client: httpx.Client, url: str, **headers: str) -> ElementTree.Element:
    return ElementTree.fromstring(client.get(f"{url}?format=atom", headers=headers).content)


def titles(root: ElementTree.Element) -> list[str | None]:
    return [entry.findtext(f"{ATOM}title") for entry in root.iter(f"{ATOM}entry")]


def test_csv_has_the_members_of_json(client: httpx.Client) -> None:
    for entry, row in zip(client.get("/d/?format=json").json()["entries"], rows(client, "/d/"), strict=True):
        for name in ("name", "type", "url", "access"):
            assert row[name] == entry[name]
        assert row["size"] == ("" if entry["size"] is None else str(entry["size"]))
        assert row["modified"] == (entry["modified"] or "")
        assert row["locked"] == str(entry["locked"]).lower()
        assert row["sha256"] == entry.get("digests", {}).get("sha-256", "")


def test_no_cell_of_csv_is_a_formula_and_every_url_is_exact(client: httpx.Client) -> None:
    found = rows(client, "/odd/")
    assert len(found) == len(ODD)
    for row in found:
        assert not any((cell or "").startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())
        assert client.get(row["url"]).text == "x"
    assert {'quo"te, comma', "'=1+1"} <= {row["name"] for row in found}


def test_a_feed_is_well_formed_whatever_names_there_are(client: httpx.Client) -> None:
    root = feed(client, "/odd/")
    assert len(titles(root)) == len(ODD)
    for entry in root.iter(f"{ATOM}entry"):
        url = entry.findtext(f"{ATOM}id")
        assert url is not None
        assert client.get(url).text == "x"


def test_a_feed_has_what_rfc_4287_demands(client: httpx.Client) -> None:
    root = feed(client, "/d/")
    base = str(client.base_url).rstrip("/")
    assert root.tag == f"{ATOM}feed"
    assert root.findtext(f"{ATOM}id") == f"{base}/d/"
    assert root.findtext(f"{ATOM}author/{ATOM}name")
    assert root.findtext(f"{ATOM}updated") == "2004-11-09T11:33:20Z"
    links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
    assert links == {"self": f"{base}/d/?format=atom", "alternate": f"{base}/d/"}
    for entry in root.iter(f"{ATOM}entry"):
        for name in ("id", "title", "updated", "summary"):
            assert entry.findtext(f"{ATOM}{name}")
    assert titles(root) == ["SHA256SUMS", "plain", "sub/"]


def test_the_newest_come_first_and_no_more_than_so_many(client: httpx.Client) -> None:
    last = MOST_ENTRIES + 19
    assert titles(feed(client, "/many/")) == [str(number) for number in range(last, last - MOST_ENTRIES, -1)]


def test_a_feed_has_only_what_the_reader_may_have(client: httpx.Client) -> None:
    for _ in range(2):
        assert titles(feed(client, "/d/")) == ["SHA256SUMS", "plain", "sub/"]
        assert set(titles(feed(client, "/d/", **member("staff")))) >= {"secret", "shown"}
        assert "secret" not in {row["name"] for row in rows(client, "/d/")}


@pytest.mark.parametrize("query", ["limit=1", "after=a", "sort=size", "q=a"])
def test_a_feed_is_of_the_whole_folder(client: httpx.Client, query: str) -> None:
    assert problem(client.get(f"/d/?format=atom&{query}")) == (400, "bad-parameter")


def test_each_host_gets_its_own_urls_also_from_memory(client: httpx.Client) -> None:
    for host in ("one.example", "other.example", "one.example", "one.example"):
        answer = client.get("/d/?format=atom", headers={"Host": host})
        assert f"<id>http://{host}/d/</id>" in answer.text
        by_accept = client.get("/d/", headers={"Host": host, "Accept": "application/atom+xml"})
        assert by_accept.text == answer.text


def test_an_empty_feed_is_the_same_each_time(client: httpx.Client) -> None:
    tree = MemoryTree()
    tree.put("empty/", b"")
    with client_of(tree.app()) as other:
        root = feed(other, "/empty/")
        assert root.findtext(f"{ATOM}updated") == "1970-01-01T00:00:00Z"


def test_a_feed_below_a_path_and_behind_tls_has_the_urls_of_its_readers() -> None:
    store = MemoryStore()
    store.put("d/f", b"F")
    with serve_store(store, root_path="/downloads", trusted_proxies=("127.0.0.1",)) as site:
        for _ in range(2):
            secure = {"X-Forwarded-Proto": "https", "Host": "x.example"}
            text = site.http.get("/downloads/d/?format=atom", headers=secure).text
            assert "https://x.example/downloads/d/f" in text
            plain = site.http.get("/downloads/d/?format=atom", headers={"Host": "x.example"}).text
            assert "http://x.example/downloads/d/f" in plain


@pytest.mark.parametrize("form", ["csv", "atom"])
def test_they_are_kept_like_the_others(site: Site, form: str) -> None:
    site.store.put("kept/f", b"F")
    first = site.http.get(f"/kept/?format={form}")
    assert (
        site.http.get(f"/kept/?format={form}", headers={"If-None-Match": first.headers["etag"]}).status_code
        == 304
    )
