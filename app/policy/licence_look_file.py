"""The part of the site policy file that says how licences look.

[[licence]]
name = "samsung"                      # a theme, or the licence_name of a rule
title = "Samsung evaluation terms"
logo = "licences/samsung.svg"         # beside the policy; or a .png
accent = "#1428a0"
background = "#eef1fb"
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, Final

from app.domain.licence_look import MIN_CONTRAST, Colours, LicenceLook, Logo, contrast, is_colour
from app.policy.toml_tables import TableReader

KEY: Final = "licence"
LOOK_KEYS: Final = ("name", "title", "logo", "accent", "background")
MAX_LOGO_BYTES: Final = 256 * 1024

_MARKS: Final = {".svg": b"<svg", ".png": b"\x89PNG\r\n\x1a\n"}
"""What the content of a picture must have in it, by the end of its name (SVG 2 section 5.1, PNG section 5.2)."""


def read_licence_looks(
    document: Mapping[str, Any], tables: TableReader, read_bytes: Callable[[str], bytes]
) -> tuple[LicenceLook, ...]:
    """Read every `[[licence]]` table.

    Args:
        tables: takes the faults.
        read_bytes: gives the content of a logo, by the path as it stands in the policy. May raise OSError, or
            ValueError for a path that no file can have.
    """
    looks: dict[str, LicenceLook] = {}
    lines: dict[str, int] = {}
    for index, table in enumerate(tables.read_array(document, KEY)):
        at = (KEY, index)
        look = _read_look(table, tables, read_bytes, *at)
        first = lines.setdefault(look.name, tables.line_of(*at, "name"))
        if look.name and looks.setdefault(look.name, look) is not look:
            tables.note(f"the licence {look.name!r} has a look already, on line {first}", *at, "name")
    return tuple(looks.values())


def _read_look(
    table: Mapping[str, Any], tables: TableReader, read_bytes: Callable[[str], bytes], *at: str | int
) -> LicenceLook:
    tables.check_keys(table, LOOK_KEYS, *at)
    if "name" not in table:
        tables.note("a licence table must have a name: a theme, or the licence_name of a rule", *at)
    elif table.keys() == {"name"}:
        tables.note("a licence table must have a title, a logo, or accent and background", *at)
    return LicenceLook(
        tables.read_text(table, "name", *at) or "",
        tables.read_text(table, "title", *at) or "",
        _read_logo(table, tables, read_bytes, *at),
        _read_colours(table, tables, *at),
    )


def _read_logo(
    table: Mapping[str, Any], tables: TableReader, read_bytes: Callable[[str], bytes], *at: str | int
) -> Logo | None:
    name = tables.read_text(table, "logo", *at)
    if name is None:
        return None
    try:
        return _logo(name, read_bytes)
    except ValueError as exc:
        tables.note(f"logo {name!r} {exc}", *at, "logo")
        return None


def _logo(name: str, read_bytes: Callable[[str], bytes]) -> Logo:
    """A picture, checked.

    Raises:
        ValueError: what is wrong with it, as the end of a sentence.
    """
    path = PurePath(name)
    if path.suffix not in _MARKS:
        raise ValueError(f"must be a file whose name ends with {' or '.join(_MARKS)}")
    if "://" in name:
        raise ValueError("must be a file beside the policy, because pages load nothing from other hosts")
    try:
        content = read_bytes(name)
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else exc
        raise ValueError(f"cannot be read: {reason}") from exc
    if len(content) > MAX_LOGO_BYTES:
        raise ValueError(f"has {len(content)} bytes, but at most {MAX_LOGO_BYTES} are allowed")
    if _MARKS[path.suffix] not in content:
        raise ValueError(f"is not a picture of the kind {path.suffix}")
    return Logo(path.name, content)


def _read_colours(table: Mapping[str, Any], tables: TableReader, *at: str | int) -> Colours | None:
    accent, background = (_read_colour(table, tables, key, *at) for key in ("accent", "background"))
    if ("accent" in table) != ("background" in table):
        tables.note("accent and background belong together: give both, or neither", *at)
    if accent is None or background is None:
        return None
    # Either is the ground of the other somewhere, in the dark as well.
    if (ratio := contrast(accent, background)) < MIN_CONTRAST:
        tables.note(
            f"accent {accent} does not stand out from background {background}:"
            f" their contrast is {math.floor(ratio * 10) / 10} : 1, but must be at least {MIN_CONTRAST} : 1",
            *at,
            "accent",
        )
    return Colours(accent, background)


def _read_colour(table: Mapping[str, Any], tables: TableReader, key: str, *at: str | int) -> str | None:
    value = table.get(key)
    if value is None:
        return None
    if isinstance(value, str) and is_colour(value):
        return value.lower()
    tables.note(f'{key} must be a colour such as "#1a2b3c", but got {value!r}', *at, key)
    return None
