"""What control files mean for listing and download, over HTTP: the cases in which older servers let files slip."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from tests.support.answers import member, problem
from tests.support.memory_store import MemoryStore
from tests.support.served_store import Site, serve_store
from tests.support.site_trees import DirectoryTree, SiteTree, client_of

NICE, PATIENT = "Be nice.", "Be patient."


def info(*lines: str) -> bytes:
    return "\n".join(("Format-Version: 0.5", *lines, "")).encode()


def block(pattern: str, *lines: str) -> str:
    return "\n".join((f"Files-Pattern: {pattern}", *lines))


def protected(text: str) -> tuple[str, str]:
    return "License-Type: protected", f"License-Text: {text}"


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


OPEN = "License-Type: open"


@pytest.fixture(scope="module")
def closed_site() -> Iterator[Site]:
    """Where nothing is open that no rule opens."""
    with serve_store(MemoryStore(), default_tier="closed") as site:
        yield site


@pytest.fixture(scope="module", params=[(), ("127.0.0.0/8",)], ids=["stranger", "trusted network"])
def trusting(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[DirectoryTree, httpx.Client]]:
    """A directory, asked from a network that is trusted or not."""
    tree = DirectoryTree(tmp_path_factory.mktemp("tree"))
    with client_of(tree.app(trusted_networks=request.param)) as client:
        yield tree, client


def test_a_known_field_before_the_first_pattern_stops_nobody(site: Site) -> None:
    site.store.put("d/BUILD-INFO.txt", info(OPEN, block("*.txt", OPEN)))
    site.store.put("d/f.txt", b"x")
    http = site.http
    assert http.get("/d/f.txt").content == b"x"
    assert http.get("/d/?format=text").text == "f.txt\n"


@pytest.mark.parametrize(
    "blocks",
    [
        (block("*.txt", OPEN), block("*.txt", OPEN), block("*.txt", *protected(NICE))),
        (block("*.txt", *protected(NICE)), block("*.txt", OPEN)),
        (block("*", *protected(NICE)), block("*.txt", OPEN)),
        (block("*.txt", OPEN), block("*", *protected(NICE))),
        (block("*.txt", OPEN), block("f*", *protected(NICE))),
    ],
)
def test_an_open_block_never_drops_a_licence(site: Site, blocks: tuple[str, ...]) -> None:
    site.store.put("d/BUILD-INFO.txt", info(*blocks))
    site.store.put("d/f.txt", b"x")
    http = site.http
    refused = http.get("/d/f.txt")
    assert problem(refused) == (403, "licence-required")
    assert [licence["digest"] for licence in refused.json()["licences"]] == [md5(NICE)]


def test_an_exact_name_goes_before_every_wildcard(site: Site) -> None:
    site.store.put("d/BUILD-INFO.txt", info(block("*", *protected(NICE)), block("MD5SUMS", OPEN)))
    site.store.put("d/MD5SUMS", b"x")
    site.store.put("d/f", b"x")
    http = site.http
    assert http.get("/d/MD5SUMS").content == b"x"
    assert http.get("/d/f").status_code == 403


def test_the_groups_of_every_matching_block_count(site: Site) -> None:
    blocks = (block("*.txt", *protected(NICE)), block("*.txt", OPEN, "Auth-Groups: staff"))
    site.store.put("d/BUILD-INFO.txt", info(*blocks))
    site.store.put("d/f.txt", b"x")
    accepted = {"License-Accepted": md5(NICE)}
    http = site.http
    assert http.get("/d/f.txt", headers=accepted).status_code == 401
    assert problem(http.get("/d/f.txt", headers=member("staff"))) == (403, "licence-required")
    assert http.get("/d/f.txt", headers=member("staff") | accepted).content == b"x"


@pytest.mark.parametrize(
    "field",
    [
        {"License-Accepted": f"{md5(NICE)} {md5(PATIENT)}"},
        {"License-Accepted": f"other {md5(PATIENT)}   {md5(NICE).upper()} {md5('another')}"},
        {"License_Accepted": f"{md5(NICE)} {md5(PATIENT)}"},
        {"LICENSE_ACCEPTED": f"{md5(NICE)} {sha256(PATIENT)}"},
        {"License-Accepted": md5(NICE), "License_Accepted": md5(PATIENT)},
        {"License-Accepted": f"{sha256(NICE)} {sha256(PATIENT)}"},
    ],
)
def test_several_licences_are_accepted_by_header(tree: SiteTree, field: dict[str, str]) -> None:
    tree.put("two/BUILD-INFO.txt", info(block("*", *protected(NICE)), block("*", *protected(PATIENT))))
    tree.put("two/f", b"x")
    with client_of(tree.app()) as http:
        assert http.get("/two/f", headers=field).content == b"x"
        head = http.head("/two/f", headers=field)
        assert (head.status_code, head.headers["content-length"]) == (200, "1")


def test_each_licence_that_is_missing_is_named_in_order(tree: SiteTree) -> None:
    tree.put("two/BUILD-INFO.txt", info(block("*", *protected(NICE)), block("*", *protected(PATIENT))))
    tree.put("two/f", b"x")
    with client_of(tree.app()) as http:
        both = http.get("/two/f").json()
        assert [(each["digest"], each["sha256"]) for each in both["licences"]] == [
            (md5(NICE), sha256(NICE)), (md5(PATIENT), sha256(PATIENT)),
        ]  # fmt: skip
        assert both["accept_with"] == {"License-Accepted": f"{md5(NICE)} {md5(PATIENT)}"}
        one = http.get("/two/f", headers={"License-Accepted": md5(NICE)}).json()
        assert [each["digest"] for each in one["licences"]] == [md5(PATIENT)]
        text = http.get(one["licences"][0]["text_url"])
        assert (text.status_code, PATIENT in text.text) == (200, True)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\n\n  \n", b"nonsense", b"Files-Pattern: *\nLicense-Type: open\n", info("# comment"), info("Color: red"),
        info(block("*", "License-Type: freeish")), info(block("*", OPEN, "License-Type: protected")),
        info(block("*", "License-Type: protected", "License-Text: \xff")).replace(b"\xc3\xbf", b"\xff"),
        b"Format-Version: 0.5\nFiles-Pattern: *\nLicense-Type: open\n" + b"x" * 1024 * 1024,
    ],
    ids=["zero bytes", "blank", "nonsense", "no version", "comment", "unknown field", "unknown type", "repeated field",
         "not UTF-8", "over a MiB"],
)  # fmt: skip
def test_malformed_rules_close_the_folder_and_nothing_else(site: Site, content: bytes) -> None:
    site.store.put("d/BUILD-INFO.txt", content)
    site.store.put("d/f", b"x")
    site.store.put("d/sub/f", b"x")
    http = site.http
    for path in ("/d/", "/d/f", "/api/ls/d/", "/api/license/d/f", "/d/?format=json"):
        for headers in ({}, member("staff"), {"License-Accepted": md5(NICE)}):
            answer = http.get(path, headers=headers)
            assert problem(answer) == (403, "refused")
            assert "BUILD-INFO.txt" in answer.json()["detail"]
    assert http.get("/?format=text").text == "d/\n"
    assert http.get("/d/sub/f").content == b"x"


@pytest.mark.parametrize(
    ("control", "name", "status"),
    [
        ("foo.txt.EULA.txt.samsung", "foo.txt", 403),
        ("foo.txt.EULA.txt.samsung", "o.txt", 200),
        ("foo.txt.EULA.txt", "foo.txt", 403),  # without a theme
        ("foo.txt.EULA.txt.unknown", "foo.txt", 403),
        ("OPEN-EULA.txt", "f", 200),
        ("EULA.txt", "f", 403),
        ("MY-EULA.txt", "f", 200),  # its presence opens what nothing protects
        ("foo.OPEN-EULA.txt.bak", "f", 200),
        ("NOT-EULA.txt.gz", "NOT-EULA.txt.gz", 200),
        ("foo.EULA.txt~", "foo", 403),
        ("MY-EULA.TXT", "f", 403),
    ],
)
def test_eula_files_count_by_their_whole_name(
    closed_site: Site, control: str, name: str, status: int
) -> None:
    for folder in (control + name, "EULA.txt-archive" + control + name, "br[1]" + control + name):
        closed_site.store.put(f"{folder}/{control}")
        closed_site.store.put(f"{folder}/{name}", b"x")
        assert closed_site.http.get(f"/{quote(folder)}/{name}").status_code == status


@pytest.mark.parametrize(
    "name",
    ["BUILD-INFO.txt", "EULA.txt", "OPEN-EULA.txt", "f.EULA.txt", "f.EULA.txt.ste",
     ".htaccess", ".s3_linked_from"],
)  # fmt: skip
def test_control_files_are_neither_listed_nor_served_to_anybody(
    trusting: tuple[DirectoryTree, httpx.Client], name: str
) -> None:
    tree, http = trusting
    tree.put(f"{name}.d/{name}", info(block("*", OPEN)) if name == "BUILD-INFO.txt" else b"")
    tree.put(f"{name}.d/f", b"x")
    assert http.get(f"/{name}.d/?format=text").text == "f\n"
    for headers in (member("staff"), {}):
        for path in (f"/{name}.d/{name}", f"/api/ls/{name}.d/{name}", f"/api/license/{name}.d/{name}"):
            assert http.get(path, headers=headers).status_code == 404


def test_names_that_only_look_like_control_files_are_ordinary(tree: SiteTree) -> None:
    names = [
        "licenses.csv", "textile-utils.tar.gz", "python-textile_2.1.deb", "MY-HOWTO_x", "HOWTO_foo.pdf",
        "HEADER.html", "HEADER.textile", "HOWTO_install.txt", "README.textile",
        "NOT-EULA.txt.gz", "BUILD-INFOxtxt", "libtextile/ok.bin", "my-licenses/f", ".hidden", "build-info.txt",
    ]  # fmt: skip
    for name in names:
        tree.put(f"ordinary/{name}", b"x")
    with client_of(tree.app()) as http:
        shown = {entry["url"] for entry in http.get("/ordinary/?format=json").json()["entries"]}
        assert shown == {f"/ordinary/{name.partition('/')[0]}" + "/" * ("/" in name) for name in names}
        for name in names:
            assert http.get(f"/ordinary/{name}").content == b"x"


def test_folders_that_begin_like_reserved_names_are_the_trees(tree: SiteTree) -> None:
    folders = (
        "licenses-text",
        "license.d",
        "js",
        "css",
        "static",
        "apis",
        "metrics2",
        "admin",
        "reports",
        "loginx",
    )
    for folder in folders:
        tree.put(f"{folder}/ok.bin", b"x")
    with client_of(tree.app()) as http:
        for folder in folders:
            assert http.get(f"/{folder}/ok.bin").content == b"x"
            assert f"{folder}/" in http.get("/?format=text").text.splitlines()
