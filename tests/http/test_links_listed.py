"""What a listing says of links: nothing to those who may not know what these lead to, whether that is there or not."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from app.catalog import linked_rules
from app.storage.local.store import LocalStore
from tests.support.answers import member
from tests.support.in_process import Ask, Asker, send
from tests.support.live_server import policy_from, settings_for, token
from tests.support.oracle import NOW, Site
from tests.support.policy import build_info
from tests.support.site_trees import DirectoryTree, MemoryTree, SiteTree, client_of

POLICY = """
[[rule]]
path = "members"
tier = "private"
groups = ["staff"]

[[rule]]
path = "vault"
tier = "private"
groups = ["staff"]
visibility = "hidden"
"""
FOR_STAFF = build_info("Files-Pattern: *,", "Auth-Groups: staff")
TARGETS = {
    "by-policy.bin": "members/plan.bin",
    "hidden.bin": "vault/plan.bin",
    "ruled.bin": "ruled/plan.bin",
    "beside.bin": "pub/plan.bin",
    "rules.bin": "other/none.EULA.txt",
    "by-policy": "members/inner/x/plan.bin",
    "hidden": "vault/inner/x/plan.bin",
    "ruled": "ruled/inner/x/plan.bin",
    "chain.bin": "other/hop.bin",
}
"""Links in `pub/`, and what is there for some and not for others, or is below that, or leads there."""


def plant(tree: SiteTree, names: Iterable[str], *, has_targets: bool) -> None:
    """A tree with links; and what they lead to, or nothing."""
    tree.put("pub/first.bin", b"first")
    tree.put(
        "pub/BUILD-INFO.txt",
        build_info("Files-Pattern: plan.bin", "Auth-Groups: staff", "Files-Pattern: *", "License-Type: open"),
    )
    tree.put("other/file", b"x")
    for folder in ("members", "vault", "ruled"):
        tree.put(f"{folder}/kept/f", b"x")
        tree.put(f"{folder}/hop.bin", b"x")
    tree.put("ruled/BUILD-INFO.txt", FOR_STAFF)
    if has_targets:
        tree.put("ruled/inner/BUILD-INFO.txt", FOR_STAFF)
        tree.put("ruled/inner/x/BUILD-INFO.txt", FOR_STAFF)
        for target in {TARGETS[name] for name in names if name != "chain.bin"}:
            tree.put(target, b"a secret of some length")
    for name in names:
        tree.link(f"pub/{name}", TARGETS[name].removesuffix("/x/plan.bin"))
    tree.link("other/hop.bin", "members/plan.bin")


ASKS = [
    *(Ask("/pub/", f"format={form}") for form in ("html", "json", "ndjson", "text")),
    *(
        Ask("/pub/", query)
        for query in ("recursive=true", "format=json&limit=1", "format=json&after=first.bin")
    ),
    Ask("/", "recursive=true"),
    *(Ask("/api/v1/manifest/pub/", query) for query in ("", "format=text", "digests=true")),
    *(Ask(path) for path in ("/api/ls/pub/", "/pub/*")),
]
"""Every way to ask for the folder of the links."""


def asks(names: Iterable[str]) -> Iterator[tuple[Ask, Asker]]:
    """Every way to ask for that folder and for each of the links, and who asks."""
    for who in STRANGERS:
        yield from ((ask, who) for ask in ASKS)
    for name in names:
        ways = (f"/pub/{name}", f"/pub/{name}/", f"/pub/{name}/x/plan.bin", f"/pub/{name}/none")
        paths = [
            f"{kind}{way}" for way in ways for kind in ("", "/api/ls", "/api/license", "/api/v1/manifest")
        ]
        yield from (
            (Ask(path), STRANGERS[0]) for path in (*paths, f"/pub/{name[:4]}*", f"/api/ls/pub/{name[:4]}*")
        )
        for way in ways[:2]:
            yield Ask(way, method="HEAD"), STRANGERS[0]
            yield Ask(way, headers=(("Accept", "text/html"),)), STRANGERS[0]
        yield from ((Ask(way), STRANGERS[1]) for way in ways)


def asker(group: str) -> Asker:
    return Asker(group, (("Authorization", f"Bearer {token(group, now=NOW)}"),))


STRANGERS, STAFF = (Asker("anonymous"), asker("outsiders")), asker("staff")
SITES = {
    kind: Site(settings_for(log_level="error"), policy_from(f'private_entries = "{visibility}"\n{POLICY}'))
    for kind, visibility in (("directory", "unlisted"), ("memory", "listed"))
}


@pytest.mark.parametrize("kind", SITES)
async def test_where_a_link_leads_is_for_those_who_may_know_what_is_there(tmp_path: Path, kind: str) -> None:
    names = set(TARGETS)
    if kind == "memory":
        names.remove("beside.bin")  # the listing itself names what that leads to, with a lock
    seen = []
    for has_targets in (True, False):
        root = tmp_path / str(has_targets)
        memory = MemoryTree()
        plant(memory if kind == "memory" else DirectoryTree(root), names, has_targets=has_targets)
        for folder in root.rglob("**/"):
            os.utime(folder, (1e9, 1e9))
        store = memory.store if kind == "memory" else LocalStore(root, observe=lambda *_: None)
        app = SITES[kind].uncached(store).front_door
        seen.append({(ask, who.name): await send(app, ask, who) for ask, who in asks(names)})
        shown = {name for name in names if has_targets and name != "rules.bin"}
        for query in ("format=text", "recursive=true"):
            listed = (await send(app, Ask("/pub/", query), STAFF)).body.decode()
            assert {name for name in names if re.search(rf"\b{name}(?![.\w])", listed)} == shown
        if isinstance(store, LocalStore):
            await store.aclose()
    for asked_by, answer in seen[0].items():
        assert answer == seen[1][asked_by], asked_by


def test_a_link_to_what_is_open_shows_what_it_leads_to(tree: SiteTree) -> None:
    tree.put("pub/a/f.bin", b"12345")
    tree.put("pub/licensed/BUILD-INFO.txt", build_info("Files-Pattern: *", "License-Type: protected"))
    tree.put("pub/licensed/f.bin", b"1234567")
    for name, target in {
        "latest": "pub/a",
        "same.bin": "pub/a/f.bin",
        "far.bin": "pub/same.bin",
        "licensed.bin": "pub/licensed/f.bin",
        "gone.bin": "pub/a/gone.bin",
    }.items():
        tree.link(f"pub/{name}", target)
    with client_of(tree.app()) as client:
        assert client.get("/pub/?format=text").text.split() == [
            "latest/",
            "a/",
            "licensed/",
            "far.bin",
            "licensed.bin",
            "same.bin",
        ]
        entries = {item["name"]: item["size"] for item in client.get("/pub/?format=json").json()["entries"]}
        assert entries == {
            **dict.fromkeys(("latest", "a", "licensed")),
            "far.bin": 5,
            "same.bin": 5,
            "licensed.bin": 7,
        }


def test_what_a_link_leads_to_is_listed_by_the_rules_of_now(memory: MemoryTree) -> None:
    """Rules elsewhere are read together with the folder, so none count for longer than its own."""
    memory.put("pub/first.bin", b"first")
    memory.put("other/f.bin", b"12345")
    memory.link("pub/link.bin", "other/f.bin")
    with client_of(memory.app()) as client:
        assert "link.bin" in client.get("/pub/?format=text").text
        memory.put("other/BUILD-INFO.txt", FOR_STAFF)
        assert "link.bin" not in client.get("/pub/?format=text").text
        assert "link.bin" in client.get("/pub/?format=text", headers=member("staff")).text


def test_links_beyond_what_is_read_for_them_are_in_no_listing_and_open_as_ever(
    tree: SiteTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linked_rules, "MAX_FOLDERS", 2)
    for number in range(4):
        tree.put(f"t/{number}/f.bin", b"%d" % number)
        tree.link(f"pub/{number}.bin", f"t/{number}/f.bin")
    with client_of(tree.app()) as client:
        for query in ("format=html", "format=json", "format=text", "recursive=true", "format=ndjson"):
            page = client.get(f"/pub/?{query}").text
            assert [f"{number}.bin" in page for number in range(4)] == [True, True, False, False]
        assert client.get("/pub/3.bin").text == "3"
