"""`?view=1`: text files with numbered lines, and images, for those who may have the file."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from app.pages.text_view import MAX_LINES, MAX_TEXT_BYTES
from tests.support.answers import BROWSER, member, problem
from tests.support.memory_store import MemoryStore
from tests.support.served_store import serve_store
from tests.support.site_trees import MemoryTree, client_of

POLICY = """
[[rule]]
path = "secret"
tier = "private"
groups = ["staff"]
"""
IMAGES = ("a.png", "a.JPG", "a.jpeg", "a.gif", "a.webp", "a.avif", "a.svg", '\u00fc <"b">.png')
HOSTILE = b"<script>alert(1)</script>\n\"'&\x1b[31m<b>red\x1b[0m \x00\x07\x9b\xff\n"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    tree = MemoryTree()
    tree.put(
        "a.log", b"one\n\x1b[1;32mgreen\nstill\x1b[0m plain\n10%\r50%\r100%\r\n\x1b]0;title\x07\x1b[2Kend"
    )
    tree.put("hostile.txt", HOSTILE.replace(b"\x00", b""))
    tree.put("windows.txt", "\u00e4\r\nb\r\n".encode("utf-16"))
    tree.put("binary.txt", b"\x00\x01\x02")
    tree.put("image.img", b"x")
    tree.put("empty.txt", b"")
    tree.put("long.txt", b"x" * (MAX_TEXT_BYTES + 1))
    tree.put("lines.txt", b"\n" * (MAX_LINES + 1))
    tree.put("most.txt", b"\n" * MAX_LINES)
    for name in IMAGES:
        tree.put(name, b"image")
    tree.put("no.png", b"")
    tree.put("secret/s.txt", b"secret")
    tree.put("secret/s.png", b"secret")
    tree.put("licensed/l.txt", b"licensed")
    tree.put("licensed/EULA.txt", b"Be nice.")
    with client_of(tree.app(policy=POLICY, cache_ttl=60)) as client:
        yield client


def lines_of(client: httpx.Client, path: str) -> list[str]:
    answer = client.get(f"{path}?view=1")
    assert answer.status_code == 200
    source = re.search(r'<pre class="source"[^>]*>(.*?)</pre>', answer.text, re.DOTALL)
    assert source is not None
    return [re.sub(r'^<a id="L(\d+)" href="#L\1">\1</a> ', "", line) for line in source[1].splitlines()]


def test_lines_are_numbered_and_have_the_colours_of_terminals(client: httpx.Client) -> None:
    assert lines_of(client, "/a.log") == [
        "one",
        '<span class="c32 bold">green</span>',
        '<span class="c32 bold">still</span> plain',
        "100%",
        "end",
    ]


def test_nothing_in_a_file_becomes_markup(client: httpx.Client) -> None:
    first, second = lines_of(client, "/hostile.txt")
    assert first == "&lt;script&gt;alert(1)&lt;/script&gt;"
    assert second.startswith('&quot;&#x27;&amp;<span class="c31">&lt;b&gt;red</span> ')
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", second)
    policy = client.get("/hostile.txt?view=1").headers["content-security-policy"]
    assert "script-src" not in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("path", ["/a.log", "/a.log?view=0", "/a.log?other=1"])
def test_the_plain_file_is_the_default_for_browsers_too(client: httpx.Client, path: str) -> None:
    assert client.get(path, headers=BROWSER).content.startswith(b"one\n\x1b[1;32m")


@pytest.mark.parametrize("name", ["binary.txt", "image.img", "long.txt", "lines.txt", "no.png"])
def test_what_is_no_text_or_too_long_is_refused_in_words(client: httpx.Client, name: str) -> None:
    answer = client.get(f"/{name}?view=1")
    assert problem(answer) == (400, "bad-parameter")
    assert "1.0 MiB" in answer.json()["detail"]


def test_the_longest_and_the_shortest_are_shown(client: httpx.Client) -> None:
    assert len(lines_of(client, "/most.txt")) == MAX_LINES
    assert lines_of(client, "/empty.txt") == [""]
    assert lines_of(client, "/windows.txt") == ["\u00e4", "b"]


def test_who_may_not_have_the_file_does_not_see_it(client: httpx.Client) -> None:
    assert client.get("/secret/s.txt?view=1").status_code == 401
    shown = client.get("/secret/s.txt?view=1", headers=member("staff"))
    assert "secret" in shown.text
    assert shown.headers["cache-control"] == "private, no-store"
    assert client.get("/licensed/l.txt?view=1").status_code == 403
    digest = client.get("/licensed/?format=json").json()["entries"][0]["licences"][0]["digest"]
    accepted = client.get("/licensed/l.txt?view=1", headers={"License-Accepted": digest})
    assert "</a> licensed" in accepted.text
    assert accepted.headers["cache-control"] == "private, no-store"


def test_it_is_asked_for_again_with_its_tag(client: httpx.Client) -> None:
    tag = client.get("/a.log?view=1").headers["etag"]
    assert client.get("/a.log?view=1", headers={"If-None-Match": tag}).status_code == 304
    assert client.head("/a.log?view=1").status_code == 200


def test_the_page_with_commands_leads_there_where_there_is_a_page(client: httpx.Client) -> None:
    assert 'href="/a.log?view=1"' in client.get("/?get=a.log").text
    assert "?view=1" not in client.get("/?get=image.img").text


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_on_a_page_of_its_own(client: httpx.Client, name: str) -> None:
    answer = client.get(f"/{quote(name)}?view=1")
    assert answer.status_code == 200
    assert "img-src 'self'" in answer.headers["content-security-policy"]
    source, alt = re.findall(r'<img class="picture" src="([^"]+)" alt="([^"]+)">', answer.text)[0]
    assert html.unescape(alt) == name
    image = client.get(html.unescape(source))
    assert image.content == b"image"
    assert image.headers["content-type"].startswith("image/")
    assert f'href="{source.replace("view=0", "view=1")}"' in client.get("/", params={"get": quote(name)}).text


def test_an_image_is_for_those_who_may_have_it(client: httpx.Client) -> None:
    assert client.get("/secret/s.png?view=1").status_code == 401
    shown = client.get("/secret/s.png?view=1", headers=member("staff"))
    assert 'src="/secret/s.png?view=0"' in shown.text
    assert shown.headers["cache-control"] == "private, no-store"


def test_no_image_of_a_page_is_sent_for_to_another_host() -> None:
    """The policy of pages forbids images of other hosts, and a browser holds redirects against it too."""
    store = MemoryStore(presign_base="https://bucket.s3.example")
    store.put("d/a.png", b"image")
    store.put("d/README.md", b"![shot](a.png) ![raw](a.png?raw=true#x) ![other](https://other.example/b.png)")
    with serve_store(store, storage="s3://bucket", delivery="auto") as site:
        assert site.http.get("/d/a.png").status_code == 302
        page = site.http.get("/d/", headers=BROWSER).text
        assert re.findall(r'<img src="([^"]+)"', page) == [
            "a.png?view=0",
            "a.png?view=0",
            "https://other.example/b.png",
        ]
        for _ in range(2):
            image = site.http.get("/d/a.png?view=0")
            assert (image.status_code, image.content) == (200, b"image")
