"""A directory of the operator's changes how pages look: logo, colours, header, footer, and single blocks of a template."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.config import ConfigError
from app.domain.licence_look import Logo
from app.main import read_site_policy
from tests.support.live_server import app_over, live_server, settings_for
from tests.support.memory_store import MemoryStore
from tests.support.policy import build_info, picture_of
from tests.support.site_trees import SiteClient, http_client

HTML = {"Accept": "text/html"}
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1z"/></svg>'


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.put("a/board.img", b"x")
    store.put("a/EULA.txt", b"Be nice.")
    return store


@pytest.fixture
def theme(tmp_path: Path) -> Path:
    (tmp_path / "static").mkdir()
    return tmp_path


def pages(client: SiteClient) -> list[str]:
    """A folder, a licence and an error."""
    paths = ("/a/", "/a/board.img", "/absent")
    return [client.get(path, headers=HTML, follow_redirects=True).text for path in paths]


def test_logo_colours_header_and_footer_are_on_every_page(store: MemoryStore, theme: Path) -> None:
    (theme / "logo.svg").write_text(LOGO)
    (theme / "theme.css").write_text(':root { --link: #7a1f1f; }\nheader { background: url("mark.png"); }\n')
    (theme / "static" / "mark.png").write_bytes(b"PNG")
    (theme / "header.html").write_text('<img src="{{ static["mark.png"] }}" alt="Acme">')
    (theme / "footer.html").write_text("<p>Acme, {{ page.site.title }}</p>")
    with live_server(app_over(store, theme_dir=theme)) as server, http_client(server.url) as http:
        for page in pages(http):
            sheet = http.get(re.findall(r'<link rel="stylesheet" href="([^"]+)">', page)[0])
            assert "--link: #7a1f1f" in sheet.text
            mark = re.findall(r'header { background: url\("([^"]+)"\)', sheet.text)[0]
            answer = http.get(f"/-/static/{mark}")
            assert (answer.content, answer.headers["content-type"]) == (b"PNG", "image/png")
            assert f'<img src="/-/static/{mark}" alt="Acme">' in page
            assert "<p>Acme, Pierhead</p>" in page
            icon = re.findall(r'<link rel="icon" type="image/svg\+xml" href="([^"]+)">', page)[0]
            assert http.get(icon).text == LOGO


def test_a_template_replaces_one_block_of_ours(store: MemoryStore, theme: Path) -> None:
    (theme / "folder.html").write_text(
        '{% extends "pierhead/folder.html" %}{% block heading %}{{ super() }}<p>Acme builds</p>{% endblock %}'
    )
    (theme / "layout.html").write_text(
        '{% extends "pierhead/layout.html" %}{% block site_footer %}<p>Of all pages</p>{% endblock %}'
    )
    with live_server(app_over(store, theme_dir=theme)) as server, http_client(server.url) as http:
        folder, licence, error = pages(http)
        search = http.get("/?q=board&recursive=true", headers=HTML).text
        again = http.get("/a/", headers=HTML).text
    assert "<h1><bdi>a</bdi></h1>\n<p>Acme builds</p>" in folder == again
    assert "board.img" in folder
    assert "Acme builds" not in licence + error
    assert all("<p>Of all pages</p>" in page for page in (folder, licence, error, search))


def test_without_one_nothing_is_added(store: MemoryStore) -> None:
    with live_server(app_over(store)) as server, http_client(server.url) as http:
        assert not [
            page for page in pages(http) if re.search(r"<header>\s*(?!<nav)<|</dl>\s*</footer>", page)
        ]


@pytest.mark.parametrize("name", ["folder.html", "token.html", "header.html"])
def test_a_mistake_in_a_template_is_found_at_the_start(store: MemoryStore, theme: Path, name: str) -> None:
    (theme / name).write_text("\n{% block %}")
    with pytest.raises(ConfigError, match=rf"theme_dir: .*{re.escape(name)}, line 2: "):
        app_over(store, theme_dir=theme)


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("folder.html", '{% extends "pierhead/folder.html" %}\n{% block heading %}{{ page.nope }}{% endblock %}', "line 2: "),
        ("folder.html", '{% extends "pierhead/nope.html" %}', "there is no template pierhead/nope.html"),
        ("header.html", "{{ 1 / 0 }}", "line 1: division by zero"),
        ("layout.html", '{% extends "pierhead/layout.html" %}\n{% block foter %}{% endblock %}', "line 2: there is no block 'foter'"),
        ("foldr.html", "", "takes the place of no template; there are account.html"),
        ("footer.html", "caf\udce9", "must be UTF-8"),
    ],
)  # fmt: skip
def test_what_would_fail_or_do_nothing_is_found_at_the_start(
    store: MemoryStore, theme: Path, name: str, text: str, fault: str
) -> None:
    (theme / name).write_text(text, errors="surrogateescape")
    with pytest.raises(ConfigError, match=rf"theme_dir: .*{re.escape(name)}.*{re.escape(fault)}"):
        app_over(store, theme_dir=theme)


def test_a_template_may_use_others_of_the_theme(store: MemoryStore, theme: Path) -> None:
    (theme / "parts").mkdir()
    (theme / "parts" / "address.html").write_text("<p>1 Main Street</p>")
    (theme / "footer.html").write_text('{% include "parts/address.html" %}')
    with live_server(app_over(store, theme_dir=theme)) as server, http_client(server.url) as http:
        assert all("<p>1 Main Street</p>" in page for page in pages(http))


LOOKS = """
[[rule]]
path = "b"
tier = "eula"
licence_text = "Be kind."
licence_name = "Acme's <own>"

[[licence]]
name = "Acme's <own>"
title = "Terms of <Acme>"
logo = "acme.svg"
accent = "#7b1538"
background = "#fdf1f4"

[[licence]]
name = "samsung"
logo = "samsung.svg"
"""


def sheets(page: str) -> list[str]:
    return re.findall(r'<link rel="stylesheet" href="([^"]+)">', page)


def test_a_licence_has_its_title_logo_and_colours_on_its_page_alone(store: MemoryStore) -> None:
    store.put("b/board.img")
    store.put("c/board.img")
    lines = ("Files-Pattern: *", "License-Type: protected", "Theme: samsung", "License-Text: Be brief.")
    store.put("c/BUILD-INFO.txt", build_info(*lines))
    app = app_over(store, policy=LOOKS, root_path="/down")
    with live_server(app) as server, http_client(server.url) as http:
        plain, titled, themed = (
            http.get(f"/down/{folder}/board.img", headers=HTML, follow_redirects=True).text
            for folder in "abc"
        )
        own_sheet = http.get(sheets(titled)[1])
        logos = [re.findall(r'<img src="([^"]+)" alt="([^"]+)">', page) for page in (plain, titled, themed)]
        (acme,), (samsung,) = logos[1:]
        assert http.get(acme[0]).content == picture_of("acme.svg")
        assert http.get(samsung[0]).content == picture_of("samsung.svg")
        listing = http.get("/down/b/", headers=HTML).text
    assert sheets(titled)[0].startswith("/down/-/static/pierhead-")
    assert own_sheet.text == ":root { --accent: #7b1538; --accent-ground: #fdf1f4; }\n"
    assert own_sheet.headers["content-type"] == "text/css; charset=utf-8"
    assert sheets(plain) == sheets(themed) == sheets(listing) == sheets(titled)[:1]
    assert logos[0] == []
    assert (acme[1], samsung[1]) == ("Terms of &lt;Acme&gt;", "samsung")
    assert "accept <strong><bdi>Terms of &lt;Acme&gt;</bdi></strong>." in titled
    assert "accept the licence <strong><bdi>samsung</bdi></strong>." in themed
    assert 'class="licence-head coloured"' in titled
    assert 'class="licence-head"' in plain
    assert 'class="licence-head"' in themed


def test_a_logo_of_a_licence_is_read_beside_the_policy(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[[licence]]\nname = "a"\nlogo = "logos/a.svg"\n')
    with pytest.raises(
        ConfigError, match=r"policy\.toml, line 3: logo 'logos/a\.svg' cannot be read: No such file"
    ):
        read_site_policy(settings_for(policy_file=policy))
    (tmp_path / "logos").mkdir()
    (tmp_path / "logos" / "a.svg").write_text(LOGO)
    (look,) = read_site_policy(settings_for(policy_file=policy)).looks
    assert look.logo == Logo("a.svg", LOGO.encode())
