"""The style sheet, script and icons of all pages. Loaded once, at start."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

from app.domain.licence_look import LicenceLook
from app.domain.own_file import read_own_file
from app.pages.licence_looks import look_contents

STATIC_PREFIX = "/-/static/"
"""URL path that the names of `load_static` are appended to."""

_LOGO = "favicon.svg"
_STYLE_SHEET = "pierhead.css"
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}


class StaticFile(NamedTuple):
    """One file.

    Attributes:
        content: its bytes.
        media_type: value for Content-Type.
        e_tag: strong validator without quotes, from the content.
        sources: its names in the templates, without the hash; several where files are the same.
    """

    content: bytes
    media_type: str
    e_tag: str
    sources: tuple[str, ...]


def load_static(
    templates: Path, theme: Path | None = None, looks: Iterable[LicenceLook] = ()
) -> Mapping[str, StaticFile]:
    """Read every static file.

    Args:
        templates: the directory that holds `static/`.
        theme: a directory of the operator's: its `logo.svg` takes the place of ours, its `theme.css` comes behind our
            style sheet, and what is in its `static/` is served as well.
        looks: of licences, whose logos and colours are served as well.

    Returns:
        files by public name. The name carries a hash of the content (`pierhead-0123456789ab.css`), so that
        it may be cached for ever (`Cache-Control: immutable`, RFC 8246). Style sheets come last, since the
        images' public names are written into them.

    Raises:
        OSError: the templates are missing, or something of the theme cannot be read.
    """
    contents = _contents(templates / "static")
    if theme is not None:
        contents |= _contents(theme / "static")
        if (logo := theme / "logo.svg").exists():
            contents[_LOGO] = read_own_file(logo)
        if (colours := theme / "theme.css").exists():
            contents[_STYLE_SHEET] += b"\n" + read_own_file(colours)
    contents |= look_contents(looks)
    files: dict[str, StaticFile] = {}
    for source in sorted(contents, key=lambda source: (source.endswith(".css"), source)):
        content = contents[source]
        if source.endswith(".css"):
            content = _with_public_names(content, files)
        digest = hashlib.sha256(content).hexdigest()
        stem, suffix = Path(source).stem, Path(source).suffix
        name = f"{stem}-{digest[:12]}{suffix}"
        sources = (*(files[name].sources if name in files else ()), source)
        files[name] = StaticFile(content, _MEDIA_TYPES[suffix], digest[:32], sources)
    return MappingProxyType(files)


def _contents(directory: Path) -> dict[str, bytes]:
    if not directory.is_dir():
        return {}
    return {file.name: read_own_file(file) for file in directory.iterdir() if file.suffix in _MEDIA_TYPES}


def static_urls(files: Mapping[str, StaticFile]) -> dict[str, str]:
    """URL path of every static file by its name in the templates."""
    return {source: STATIC_PREFIX + _quoted(name) for name, file in files.items() for source in file.sources}


def _with_public_names(style_sheet: bytes, images: Mapping[str, StaticFile]) -> bytes:
    for name, image in images.items():
        for source in image.sources:
            style_sheet = style_sheet.replace(f'url("{source}")'.encode(), f'url("{_quoted(name)}")'.encode())
    return style_sheet


def _quoted(name: str) -> str:
    return quote(os.fsencode(name))
