"""`/api/ls` and `/api/license` as scripts of the original server ask them, under the rules of every other way in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import httpx
import pytest

from tests.support.answers import BROWSER, member, problem
from tests.support.site_policies import MEMBERS_AND_SHOWN
from tests.support.site_trees import DirectoryTree, MemoryTree, SiteTree, client_of

GROUP_INFO = b"Format-Version: 0.5\nFiles-Pattern: *,\nAuth-Groups: staff\nLicense-Type: open\n"
TWO = b"""Format-Version: 0.5
Files-Pattern: *.img
License-Type: protected
Theme: samsung
License-Text: Second in no order but that of the file.
Files-Pattern: *.img
License-Type: protected
License-Text: A text.
 With a second line.
Files-Pattern: *.txt
License-Type: open
"""


ODD = "~a_b-c.d!$&'()*+,;=:@"


@pytest.fixture(scope="module")
def client(tree: SiteTree) -> Iterator[httpx.Client]:
    tree.put("d/BUILD-INFO.txt", TWO)
    for name in (
        "x.img",
        "a.txt",
        "ü b+c.txt",
        "no-extension",
        "t.tar.gz",
        "p.png",
        "16.09/f",
        "16.12/f",
        "latest/f",
    ):
        tree.put(f"d/{name}", b"12345", modified=1475236800.0)
    tree.put("group/BUILD-INFO.txt", GROUP_INFO)
    tree.put("group/secret.txt", b"x")
    tree.put("members/secret.txt", b"x")
    tree.put("shown/secret.txt", b"x")
    tree.put("malformed/BUILD-INFO.txt", b"nonsense")
    tree.put("malformed/f", b"x")
    tree.put("bare/f", b"x")
    tree.put("empty/")
    tree.put(f"odd/{ODD}/f")
    tree.put('odd/"#%<?' + ODD)
    with client_of(tree.app(policy=MEMBERS_AND_SHOWN)) as http:
        yield http


@pytest.mark.parametrize("path", ["/api/ls/d/", "/api/ls/d"])
def test_a_folder_is_listed_with_the_keys_and_types_of_old(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert list(answer.json()) == ["files"]
    files = answer.json()["files"]
    assert [item["name"] for item in files] == [
        "latest", "16.12", "16.09", "a.txt", "no-extension", "p.png", "t.tar.gz", "x.img", "ü b+c.txt",
    ]  # fmt: skip
    for item in files:
        assert item.keys() >= {"name", "size", "type", "mtime", "url"}
        assert isinstance(item["size"], int)
    types = {item["name"]: item["type"] for item in files}
    assert (types["latest"], types["a.txt"], types["p.png"]) == ("folder", "text/plain", "image/png")
    assert (types["t.tar.gz"], types["x.img"], types["no-extension"]) == ("application/x-tar", None, None)
    by_name = {item["name"]: item for item in files}
    assert (by_name["a.txt"]["size"], by_name["a.txt"]["mtime"]) == (5, 1475236800.0)
    assert isinstance(by_name["a.txt"]["mtime"], float)
    assert (by_name["latest"]["size"], by_name["latest"]["url"]) == (0, "/d/latest/")
    assert by_name["ü b+c.txt"]["url"] == "/d/%C3%BC%20b+c.txt"


def test_folders_without_a_time_have_none(memory: MemoryTree, directory: DirectoryTree) -> None:
    for tree, kind in ((memory, type(None)), (directory, float)):
        tree.put("folder/f")
        with client_of(tree.app()) as http:
            (item,) = http.get("/api/ls/").json()["files"]
            assert isinstance(item["mtime"], kind)


def test_one_file_is_a_list_of_one_by_its_own_name(client: httpx.Client) -> None:
    (item,) = client.get("/api/ls/d/%C3%BC%20b%2Bc.txt").json()["files"]
    assert (item["name"], item["url"], item["size"]) == ("ü b+c.txt", "/d/%C3%BC%20b+c.txt", 5)


@pytest.mark.parametrize(
    "asked",
    ["/api/ls/odd/", "/odd/?format=json", "/odd/?format=ndjson", "/api/v1/manifest/odd/?digests=true"],
)
def test_urls_leave_alone_what_a_segment_may_hold(client: httpx.Client, asked: str) -> None:
    """RFC 3986 section 3.3: unreserved, sub-delims, `:` and `@`."""
    answer = client.get(asked)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    items = lines[0].get("files") or lines[0].get("entries") or lines
    urls = {item["url"] for item in items}
    assert urls >= {f"/odd/{ODD}/", f"/odd/%22%23%25%3C%3F{ODD}"}
    for url in urls:
        assert client.get(url).status_code == 200


@pytest.mark.parametrize("path", ["/api/ls", "/api/ls/", "/api/ls?x=1"])
def test_the_top_is_listed(client: httpx.Client, path: str) -> None:
    names = [item["name"] for item in client.get(path).json()["files"]]
    assert {"d", "shown", "empty"} <= set(names)
    assert "members" not in names


def test_an_empty_folder_has_no_files(client: httpx.Client) -> None:
    assert client.get("/api/ls/empty/").json() == {"files": []}


@pytest.mark.parametrize(
    "path", ["group", "group/", "group/secret.txt", "members/", "members/secret.txt", "members/none"]
)
@pytest.mark.parametrize("kind", ["ls", "license"])
def test_groups_hold_for_the_api_too(client: httpx.Client, kind: str, path: str) -> None:
    assert problem(client.get(f"/api/{kind}/{path}")) == (401, "login-required")
    assert client.get(f"/api/{kind}/{path}", headers=BROWSER).status_code == 401
    assert problem(client.get(f"/api/{kind}/{path}", headers=member("guests"))) == (403, "group-required")
    allowed = client.get(f"/api/{kind}/{path}", headers=member("staff"))
    assert allowed.status_code == (404 if path.endswith("none") else 200)
    assert allowed.headers["cache-control"] in ("private, no-store", "no-store")


def test_a_listed_private_folder_is_named_and_not_opened(client: httpx.Client) -> None:
    assert client.get("/api/ls/shown/").status_code == 401
    assert client.get("/api/ls/shown/secret.txt").status_code == 401


@pytest.mark.parametrize("path", ["d/x.img", "d/a.txt", "bare/f"])
def test_head_is_as_get(client: httpx.Client, path: str) -> None:
    for kind in ("ls", "license"):
        got, head = client.get(f"/api/{kind}/{path}"), client.head(f"/api/{kind}/{path}")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == got.headers["content-length"]


def test_licences_are_told_in_the_order_of_the_file(client: httpx.Client) -> None:
    licences = client.get("/api/license/d/x.img").json()["licenses"]
    texts = ["Second in no order but that of the file.", "A text.\nWith a second line."]
    assert [licence["text"] for licence in licences] == texts
    assert [licence["digest"] for licence in licences] == [
        hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for text in texts
    ]
    accepted = {"License-Accepted": " ".join(licence["digest"] for licence in licences)}
    assert client.get("/d/x.img", headers=accepted).content == b"12345"


@pytest.mark.parametrize("path", ["d/a.txt", "bare/f"])
def test_an_open_file_is_open(client: httpx.Client, path: str) -> None:
    assert client.get(f"/api/license/{path}").json() == {"licenses": ["Open"]}


@pytest.mark.parametrize("path", ["d/no-extension", "malformed/f"])
def test_what_nobody_may_have_is_not_called_open(client: httpx.Client, path: str) -> None:
    assert problem(client.get(f"/api/license/{path}")) == (403, "refused")
    assert client.get(f"/{path}").status_code == 403


@pytest.mark.parametrize("path", ["d/", "d", "", "empty/"])
def test_a_folder_has_no_licence(client: httpx.Client, path: str) -> None:
    assert client.get(f"/api/license/{path}").json() == {
        "licenses": ["ERROR: License only shown for a single file."]
    }


@pytest.mark.parametrize("kind", ["ls", "license"])
@pytest.mark.parametrize(
    "path",
    ["none", "none/", "d/none", "d/a.txt/", "d/BUILD-INFO.txt", "bare/EULA.txt", "d//none", "d/%2e%2e/bare/none",
     "d%2Fa.txt", "d/%00", "/d/none", "%64/%zz"],
)  # fmt: skip
def test_what_is_not_there_is_a_problem(client: httpx.Client, kind: str, path: str) -> None:
    assert problem(client.get(f"/api/{kind}/{path}")) == (404, "not-found")
    assert client.get(f"/api/{kind}/{path}", headers=BROWSER).status_code == 404


@pytest.mark.parametrize("path", ["d//a.txt", "bare/%2e%2e/d/a.txt", "/d/a.txt", "d/./a.txt"])
def test_a_path_is_taken_for_its_canonical_form(client: httpx.Client, path: str) -> None:
    assert client.get(f"/api/ls/{path}").json() == client.get("/api/ls/d/a.txt").json()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(client: httpx.Client, method: str) -> None:
    answer = client.request(method, "/api/ls/d/")
    assert problem(answer) == (405, "method-not-allowed")
    assert {"GET", "HEAD"} <= set(answer.headers["allow"].split(", "))


def test_a_listing_the_client_has_is_304(client: httpx.Client) -> None:
    e_tag = client.get("/api/ls/d/").headers["etag"]
    assert client.get("/api/ls/d/", headers={"If-None-Match": e_tag}).status_code == 304
