"""How much is in a folder and below its folders: for each viewer what they may list, and only where it is known and fresh.

Each test has a folder of its own, so that what others read is no matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.answers import member
from tests.support.listing_page import read_listing
from tests.support.memory_store import MemoryStore
from tests.support.served_store import Site, serve_store

TTL = 60
POLICY = """
[[rule]]
path = "**/vault"
tier = "private"
groups = ["staff"]
visibility = "hidden"

[[rule]]
path = "**/shown"
tier = "private"
groups = ["staff"]
visibility = "listed"

[[rule]]
path = "**/open/secret-*"
tier = "private"
groups = ["staff"]
visibility = "hidden"

[[rule]]
path = "**/open/seen-*"
tier = "private"
groups = ["staff"]
visibility = "listed"
"""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serve_store(
        MemoryStore(), policy=POLICY, cache_ttl=TTL, cache_grace=TTL, cache_max_stale=10 * TTL
    ) as served:
        yield served


def put(site: Site, folder: str, **sizes: int) -> None:
    """Files by their paths below a folder, with `__` for a slash."""
    for path, size in sizes.items():
        site.store.put(f"{folder}/{path.replace('__', '/')}", b"x" * size)


def read(site: Site, *folders: str) -> None:
    for folder in folders:
        assert site.http.get(f"/{folder}/?format=text").status_code == 200


def listing(site: Site, folder: str, query: str = "&sizes=true", **options: Any) -> Any:
    answer = site.http.get(f"/{folder}/?format=json{query}", **options)
    assert answer.status_code == 200
    return answer.json()


def sizes(site: Site, folder: str, **options: Any) -> dict[str, int | None]:
    return {entry["name"]: entry["size"] for entry in listing(site, folder, **options)["entries"]}


def test_a_folder_has_a_size_where_all_below_it_is_in_memory(site: Site) -> None:
    put(site, "known", a__one=5, a__b__two=20, a__b__c__three=100, other__file=1, own=7)
    read(site, "known", "known/a", "known/a/b")
    assert sizes(site, "known") == {"a": None, "other": None, "own": 7}

    read(site, "known/a/b/c")
    assert sizes(site, "known") == {"a": 125, "other": None, "own": 7}
    assert sizes(site, "known", query="") == {"a": None, "other": None, "own": 7}


def test_it_asks_the_store_for_nothing(site: Site) -> None:
    put(site, "quiet", a__one=5, b__two=5)
    read(site, "quiet", "quiet/a", "quiet/b")
    assert site.calls("GET", "/quiet/?sizes=true", 200) == []

    site.clock.now += TTL + 1  # the folder itself is read again, and those below it are not
    calls = site.calls("GET", "/quiet/?sizes=true", 200)
    assert not [call for call in calls if "quiet/a" in str(call) or "quiet/b" in str(call)]


def test_a_size_that_is_not_fresh_is_not_known(site: Site) -> None:
    put(site, "old", a__one=5, b__two=6)
    read(site, "old/a")
    site.clock.now += 2 * TTL / 3
    read(site, "old", "old/b")
    assert sizes(site, "old") == {"a": 5, "b": 6}

    site.clock.now += 2 * TTL / 3
    assert sizes(site, "old") == {"a": None, "b": 6}


def test_an_answer_is_as_old_as_the_oldest_size_in_it(site: Site) -> None:
    put(site, "aged", a__one=5, b__c__two=6)
    read(site, "aged/b/c")
    site.clock.now += 20
    read(site, "aged/a", "aged/b")
    site.clock.now += 5
    read(site, "aged")

    assert site.http.get("/aged/?sizes=true").headers["age"] == "25"
    assert site.http.get("/aged/").headers["age"] == "0"


def test_what_changed_below_is_counted_anew(site: Site) -> None:
    put(site, "changed", a__b__one=5)
    read(site, "changed", "changed/a", "changed/a/b")
    assert sizes(site, "changed") == {"a": 5}

    put(site, "changed", a__b__more=70)
    site.clock.now += 3 * TTL  # too old to be served while it is refreshed
    read(site, "changed", "changed/a", "changed/a/b")
    assert sizes(site, "changed") == {"a": 75}


def test_each_viewer_gets_the_sum_of_what_they_may_list(site: Site) -> None:
    put(site, "tiers", top__open__public=1, top__vault__hidden=2, top__shown__locked=4)
    site.store.put("tiers/open/secret-a", b"x" * 8)
    site.store.put("tiers/open/seen-b", b"x" * 16)
    site.store.put("tiers/open/c", b"x" * 32)
    staff = member("staff")
    for folder in ("", "/open", "/top", "/top/open", "/top/vault", "/top/shown"):
        assert site.http.get(f"/tiers{folder}/?format=text", headers=staff).status_code == 200

    assert sizes(site, "tiers", headers=staff) == {"open": 56, "top": 7}
    assert sizes(site, "tiers/top", headers=staff) == {"open": 1, "shown": 4, "vault": 2}
    assert sizes(site, "tiers") == {"open": 32, "top": 1}
    assert sizes(site, "tiers/top") == {"open": 1, "shown": None}
    assert sizes(site, "tiers/top", headers=member("others")) == {"open": 1, "shown": None}


def test_what_is_hidden_or_locked_makes_no_difference_whether_it_is_in_memory_or_not(site: Site) -> None:
    put(site, "veiled", a__vault__secret=2, a__shown__locked=4, a__one=1)
    read(site, "veiled", "veiled/a")
    before = listing(site, "veiled")
    assert before["entries"][0]["size"] == 1

    for name in ("vault", "shown"):
        assert site.http.get(f"/veiled/a/{name}/?format=text", headers=member("staff")).status_code == 200
    assert listing(site, "veiled") == before


def test_folders_are_sorted_by_the_sizes_that_are_known(site: Site) -> None:
    put(site, "sorted", small__f=1, large__f=300, middle__f=20, unknown__f=9, file=2)
    read(site, "sorted", "sorted/small", "sorted/large", "sorted/middle")
    query = "&sizes=true&sort=size"

    assert list(sizes(site, "sorted", query=query)) == ["small", "middle", "large", "unknown", "file"]
    assert list(sizes(site, "sorted", query=f"{query}&order=desc")) == [
        "large",
        "middle",
        "small",
        "unknown",
        "file",
    ]
    read(site, "sorted/unknown")
    assert list(sizes(site, "sorted", query=query)) == ["small", "unknown", "middle", "large", "file"]


def test_a_sorted_listing_in_pages_is_the_whole_one(site: Site) -> None:
    put(site, "paged", a__f=30, b__f=30, c__f=1, d__f=0, unknown__f=9, file=2)
    read(site, "paged", *(f"paged/{name}" for name in "abcd"))
    query: str | None = "?format=json&sizes=true&sort=size&order=desc&limit=1"
    seen = []
    while query:
        page = site.http.get(f"/paged/{query}").json()
        seen += [(entry["name"], entry["size"]) for entry in page["entries"]]
        query = page["next"]
    assert seen == [("b", 30), ("a", 30), ("c", 1), ("d", 0), ("unknown", None), ("file", 2)]


def test_every_representation_with_sizes_has_them(site: Site) -> None:
    put(site, "forms", a__one=2048, b__two=1)
    read(site, "forms", "forms/a")
    page = site.http.get("/forms/?sizes=true&limit=5", headers={"Accept": "text/html"}).text
    assert [row.name for row in read_listing(page).rows] == ["a/", "b/"]
    assert '<td title="2,048 bytes">2.0 KiB</td>' in page
    assert page.count('<input type="hidden" name="sizes" value="true">') == 4, (
        "three column heads, and the filter"
    )
    assert 'name="sizes" value="true">Show' not in page
    assert 'name="sizes" value="true">Show' in site.http.get("/forms/", headers={"Accept": "text/html"}).text

    lines = site.http.get("/forms/?sizes=true&format=csv").text.splitlines()
    assert lines[1].startswith("a,folder,2048,")
    assert lines[2].startswith("b,folder,,")
    assert '"size":2048' in site.http.get("/forms/?sizes=true&format=ndjson").text


@pytest.mark.parametrize(
    "query", ["sizes=yes", "sizes=true&format=atom", "sizes=true&recursive=true", "size=true"]
)
def test_sizes_where_there_are_none_are_refused(site: Site, query: str) -> None:
    put(site, "refused", one=1)
    assert site.http.get(f"/refused/?{query}").status_code == 400


def test_json_counts_all_of_a_folder_by_tier_where_nothing_is_left_out(site: Site) -> None:
    put(site, "total", a__one=1, vault__two=2, x=10, y=20)
    site.store.put("total/open/seen-b", b"x")
    site.store.put("total/open/secret-b", b"x")
    staff = member("staff")

    assert listing(site, "total", "")["total"] == {"folders": 2, "files": 2, "size": 30}
    assert listing(site, "total", "", headers=staff)["total"] == {"folders": 3, "files": 2, "size": 30}
    assert listing(site, "total", "&sort=name")["total"] == {"folders": 2, "files": 2, "size": 30}
    for part in ("limit=1", "limit=1000", "limit=1&after=a/"):
        assert listing(site, "total", f"&{part}")["total"] is None
    assert listing(site, "total", "&q=x")["total"] is None
    assert listing(site, "total/open", "")["total"] == {"folders": 0, "files": 1, "size": None}


def test_a_total_is_counted_anew_when_the_folder_changed(site: Site) -> None:
    put(site, "grown", x=1, y=2)
    assert listing(site, "grown", "")["total"]["size"] == 3

    put(site, "grown", z=4)
    site.clock.now += 3 * TTL
    assert listing(site, "grown", "")["total"]["size"] == 7
