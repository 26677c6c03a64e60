"""What is added in one place and forgotten in another is noticed: settings, what pages say of their site, routers."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

import app
from app.auth.keys import KeyRing
from app.auth.revocation import NOTHING_REVOKED
from app.config import Settings
from app.config.page_settings import PageSettings
from app.config.sites import OF_A_SITE
from app.pages.contexts import Site
from app.pages.templates_dir import templates_directory
from app.wiring.login import build_login, site_of
from tests.support.live_server import settings_for

APP = Path(app.__file__).parent
CODE = {
    path.relative_to(APP).as_posix(): path.read_text(encoding="utf-8") for path in sorted(APP.rglob("*.py"))
}
TEMPLATES = "".join(path.read_text() for path in sorted(templates_directory().rglob("*.html")))


def names_read_of(owner: str, module: str) -> Iterator[str]:
    """The attributes that code reads of anything called so, such as `own.settings` or `self._settings`."""
    for node in ast.walk(ast.parse(module)):
        if isinstance(node, ast.Attribute):
            if ast.unparse(node.value).rpartition(".")[2].lstrip("_") == owner:
                yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value  # settings that belong together are read by their names


def test_every_setting_is_used() -> None:
    read = {
        name
        for path, text in CODE.items()
        if not path.startswith("config/")
        for name in names_read_of("settings", text)
    }
    shown = set(re.findall(r"\bsite\.shown\.(\w+)", TEMPLATES))
    assert set(Settings.model_fields) <= read | shown
    assert shown <= set(PageSettings.model_fields)


def test_all_that_pages_say_of_their_site_is_filled_in_and_shown() -> None:
    shown = set(re.findall(r"\bsite\.(\w+)", TEMPLATES)).union(
        *(names_read_of("site", text) for path, text in CODE.items() if not path.startswith("wiring/"))
    )
    (call,) = (
        node
        for node in ast.walk(ast.parse(inspect.getsource(site_of)))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Site"
    )
    names = [field.name for field in fields(Site)]
    filled_in = {*names[: len(call.args)], *(word.arg for word in call.keywords)}
    assert set(names) == filled_in
    assert set(names) <= shown | {"shown"}  # which the next settings of pages are in


def test_every_router_is_wired() -> None:
    built = {
        name
        for path, text in CODE.items()
        if path.startswith("routes/")
        for name in re.findall(r"^def (build_\w+_router)\(", text, re.MULTILINE)
    }
    assert built == set(re.findall(r"\b(build_\w+_router)\(", CODE["wiring/routers.py"]))


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md", "tests/README.md"])
def test_the_map_names_only_what_is_there(page: str) -> None:
    project = APP.parent
    named = set(re.findall(r"`((?:\w+/)+\w+(?:\.\w+)?)`", (project / page).read_text()))
    roots = (project, APP, project / "tests")
    assert named
    assert [
        name
        for name in sorted(named)
        if not any((root / f"{name}{ending}").exists() for root in roots for ending in ("", ".py"))
    ] == []


def test_the_guide_to_the_tests_names_only_support_that_is_there() -> None:
    offered = (
        (APP.parent / "tests/README.md").read_text().split("## What `support/` offers")[1].split("\n## ")[0]
    )
    modules = {path.stem for path in (APP.parent / "tests/support").glob("*.py")}
    assert {
        name.partition(".")[0] for name in re.findall(r"`([a-z][a-z0-9]*_[a-z0-9_]+(?:\.\w+)?)`", offered)
    } <= modules | {"still_well", "run_serve"}


def test_a_setting_of_how_pages_look_is_known_to_every_page_and_may_differ_by_site() -> None:
    settings = settings_for(site_title="Acme")
    site = site_of(settings, build_login(settings, KeyRing(["a secret"]), NOTHING_REVOKED))
    assert site.shown == {name: getattr(settings, name) for name in PageSettings.model_fields}
    assert site.shown["site_title"] == site.title == "Acme"
    assert set(PageSettings.model_fields) <= set(OF_A_SITE)
