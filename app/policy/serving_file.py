"""The part of the site policy file that says how files are served.

[[serve]]
path = "pypi"
index = ["index.html"]                # stands for its folder
html = "render"                       # or "attachment"
delivery = "proxy"                    # or "auto", "redirect", "accel"

[[serve]]
path = "nightly"
sort = "modified"                     # or "name", "version", "size"
order = "desc"                        # or "asc"

[[serve]]
path = "**/*.fit"
content_type = "application/x-fit"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from app.domain.order import DIRECTIONS, SORT_KEYS
from app.domain.paths import is_possible_name
from app.policy.serving import DeliveryMode, ServingOptions, ServingRule, ServingRules
from app.policy.toml_tables import TableReader

SERVE_KEYS: Final = ("path", "delivery", "content_type", "index", "html", "sort", "order")

_DELIVERIES: Final[Mapping[str, DeliveryMode]] = {
    "auto": "auto",
    "redirect": "redirect",
    "proxy": "proxy",
    "accel": "accel",
}
_HTML: Final[Mapping[str, Literal["attachment", "render"]]] = {"attachment": "attachment", "render": "render"}
_MEDIA_TYPE: Final = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?: *; *[\w!#$&^.+-]+=[\w!#$&^.+-]+)*", re.ASCII)


def read_serving(document: Mapping[str, Any], tables: TableReader) -> ServingRules:
    """Read every `[[serve]]` table.

    Args:
        tables: takes the faults.
    """
    rules = (
        _read_rule(table, tables, index) for index, table in enumerate(tables.read_array(document, "serve"))
    )
    return ServingRules(tuple(rule for rule in rules if rule))


def _read_rule(table: dict[str, Any], tables: TableReader, index: int) -> ServingRule | None:
    at = ("serve", index)
    tables.check_keys(table, SERVE_KEYS, *at)
    if "path" not in table:
        tables.note("a serve table must have a path", *at)
    glob = tables.read_path(table, *at)
    content_type = tables.read_text(table, "content_type", *at)
    if content_type is not None and not _MEDIA_TYPE.fullmatch(content_type):
        tables.note(f"content_type must be a media type, but got {content_type!r}", *at, "content_type")
    options = ServingOptions(
        delivery=tables.read_choice(table, "delivery", _DELIVERIES, *at),
        content_type=content_type,
        index=_read_index(table, tables, *at),
        html=tables.read_choice(table, "html", _HTML, *at),
        sort=tables.read_choice(table, "sort", {key: key for key in SORT_KEYS}, *at),
        order=tables.read_choice(table, "order", {direction: direction for direction in DIRECTIONS}, *at),
    )
    return ServingRule(glob, options) if glob else None


def _read_index(table: Mapping[str, Any], tables: TableReader, *at: str | int) -> tuple[str, ...] | None:
    names = table.get("index")
    if names is None:
        return None
    is_list = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if is_list and all(is_possible_name(name) and not set(name) & set("*?[/") for name in names):
        return tuple(names)
    tables.note("index must be a list of file names", *at, "index")
    return None
