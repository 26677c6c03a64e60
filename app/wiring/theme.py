"""The pages of a site, with the operator's theme."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from jinja2 import TemplateError, TemplateSyntaxError

from app.config import ConfigError
from app.domain.licence_look import LicenceLook
from app.pages.html import HtmlPages


def html_pages(templates: Path, theme: Path | None, looks: Iterable[LicenceLook] = ()) -> HtmlPages:
    """All pages. Templates of a theme are compiled at once, so that a mistake is found at the start.

    Raises:
        ConfigError: a template of the theme does not compile.
    """
    try:
        pages = HtmlPages(templates, theme, looks)
        if theme is not None:
            pages.load()
    except (TemplateError, UnicodeDecodeError) as error:
        where = f"{error.filename}, line {error.lineno}: " if isinstance(error, TemplateSyntaxError) else ""
        raise ConfigError((f"theme_dir: {where}{error}",)) from error
    return pages
