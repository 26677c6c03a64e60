"""Tries a theme at the start: what of it would fail on a page, and what would be on none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from traceback import extract_tb
from typing import Final

from jinja2 import Environment, TemplateNotFound, TemplateSyntaxError, nodes
from jinja2.meta import find_referenced_templates

from app.domain.access import Access, Licence, VisibleEntry
from app.domain.entries import File
from app.domain.paths import ROOT, ArtifactPath
from app.pages.contexts import ErrorPage, FolderPage, LicencePage, Site
from app.pages.html import HtmlPages
from app.pages.search_page import SearchPage

_ADDED: Final = frozenset({"header.html", "footer.html"})
"""What `layout.html` includes from a theme."""


def faults_of_files(theme: Path, templates: Path) -> list[str]:
    """A sentence for each template that is not UTF-8, takes the place of nothing, or has a block that ours lack.

    Args:
        theme: the directory of the operator's.
        templates: ours.
    """
    faults: list[str] = []
    ours, theirs = _parsed(templates, []), _parsed(theme, faults)
    named = {name for tree in theirs.values() for name in find_referenced_templates(tree)}
    bases = [*ours.values(), *(tree for tree in theirs.values() if tree.find(nodes.Extends) is None)]
    blocks = {block.name for tree in bases for block in tree.find_all(nodes.Block)}
    for name, tree in theirs.items():
        if not ({name, None} & named or name in ours or name in _ADDED):
            known = ", ".join(sorted(ours.keys() | _ADDED))
            faults.append(f"{theme / name}: takes the place of no template; there are {known}")
        if tree.find(nodes.Extends) is not None:
            faults += [
                f"{theme / name}, line {block.lineno}: there is no block {block.name!r}; there are {', '.join(sorted(blocks))}"
                for block in tree.body
                if isinstance(block, nodes.Block) and block.name not in blocks
            ]
    return faults


def fault_of_pages(pages: HtmlPages, theme: Path) -> str | None:
    """What fails where the most common pages are made; None if nothing does.

    Args:
        pages: with this theme.
    """
    try:
        for _ in _made(pages):
            pass
    except Exception as error:  # noqa: BLE001 - a template may raise anything
        places = [
            place for place in extract_tb(error.__traceback__) if Path(place.filename).is_relative_to(theme)
        ]
        where = f"{places[-1].filename}, line {places[-1].lineno}: " if places else ""
        return (
            f"{where}there is no template {error}"
            if isinstance(error, TemplateNotFound)
            else f"{where}{error}"
        )
    return None


def _parsed(directory: Path, faults: list[str]) -> dict[str, nodes.Template]:
    """The templates of a directory by their names. Those with a mistake are left out: loading them says it."""
    found = {}
    for file in sorted(directory.rglob("*.html")):
        try:
            if file.is_file():
                found[file.relative_to(directory).as_posix()] = Environment(autoescape=True).parse(
                    file.read_text("utf-8")
                )
        except UnicodeDecodeError:
            faults.append(f"{file}: must be UTF-8")
        except TemplateSyntaxError:
            continue
    return found


def _made(pages: HtmlPages) -> Iterator[object]:
    site, path = Site("Site"), ArtifactPath.of("folder", "file", is_folder=False)
    file = VisibleEntry(path, File("file", 1, 1.0), Access.PUBLIC)
    yield pages.folder(FolderPage(site, ROOT, ()))
    yield pages.folder(FolderPage(site, path.parent, (file,)))
    yield pages.around_found(SearchPage(site, ROOT, "file"))
    yield pages.licence(LicencePage(site, path, Licence("text"), ""))
    yield pages.error(ErrorPage(site, 404, "Not found", "Nothing is here."))
