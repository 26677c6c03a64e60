"""The style sheet, script and icons of all pages. Loaded once, at start."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

STATIC_PREFIX = "/-/static/"
"""URL path that the names of `load_static` are appended to."""

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class StaticFile(NamedTuple):
    """One file.

    Attributes:
        content: its bytes.
        media_type: value for Content-Type.
        e_tag: strong validator without quotes, from the content.
        source: its name in the templates, without the hash.
    """

    content: bytes
    media_type: str
    e_tag: str
    source: str


def load_static(templates: Path) -> Mapping[str, StaticFile]:
    """Read every static file.

    Args:
        templates: the directory that holds `static/`.

    Returns:
        files by public name. The name carries a hash of the content (`pierhead-0123456789ab.css`), so that
        it may be cached for ever (`Cache-Control: immutable`, RFC 8246). Style sheets come last, since the
        images' public names are written into them.

    Raises:
        OSError: the templates are missing.
    """
    found = (file for file in (templates / "static").iterdir() if file.suffix in _MEDIA_TYPES)
    sources = sorted(found, key=lambda file: (file.suffix == ".css", file.name))
    files: dict[str, StaticFile] = {}
    for source in sources:
        content = source.read_bytes()
        if source.suffix == ".css":
            content = _with_public_names(content, files)
        digest = hashlib.sha256(content).hexdigest()
        name = f"{source.stem}-{digest[:12]}{source.suffix}"
        files[name] = StaticFile(content, _MEDIA_TYPES[source.suffix], digest[:32], source.name)
    return MappingProxyType(files)


def static_urls(files: Mapping[str, StaticFile]) -> dict[str, str]:
    """URL path of every static file by its name in the templates."""
    return {file.source: STATIC_PREFIX + name for name, file in files.items()}


def _with_public_names(style_sheet: bytes, images: Mapping[str, StaticFile]) -> bytes:
    for name, image in images.items():
        style_sheet = style_sheet.replace(f'url("{image.source}")'.encode(), f'url("{name}")'.encode())
    return style_sheet
