"""The pages of a site, with the operator's theme."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from jinja2 import TemplateError, TemplateSyntaxError

from app.config import ConfigError
from app.domain.licence_look import LicenceLook
from app.pages.html import HtmlPages
from app.pages.theme_check import fault_of_pages, faults_of_files


def html_pages(templates: Path, theme: Path | None, looks: Iterable[LicenceLook] = ()) -> HtmlPages:
    """All pages. Templates of a theme are compiled and tried at once, so that a mistake is found at the start.

    Raises:
        ConfigError: a template of the theme cannot be used.
    """
    if theme is not None and (faults := faults_of_files(theme, templates)):
        raise ConfigError(tuple(f"theme_dir: {fault}" for fault in faults))
    try:
        pages = HtmlPages(templates, theme, looks)
        if theme is not None:
            pages.load()
    except TemplateError as error:
        where = f"{error.filename}, line {error.lineno}: " if isinstance(error, TemplateSyntaxError) else ""
        raise ConfigError((f"theme_dir: {where}{error}",)) from error
    if theme is not None and (fault := fault_of_pages(pages, theme)):
        raise ConfigError((f"theme_dir: {fault}",))
    return pages
