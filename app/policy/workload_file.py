"""The part of the site policy file that says whose tokens count beside our own.

[[workload_issuers]]
issuer = "https://token.actions.githubusercontent.com"
audience = "https://releases.example.org"
groups = [
    { claim = "repository", equals = "example/firmware", group = "release-team" },
    { claim = "sub", matches = "repo:example/*:ref:refs/heads/main", group = "nightly" },
]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.domain.urls import is_issuer_url
from app.policy.toml_tables import TableReader
from app.policy.workloads import ClaimPattern, WorkloadGroup, WorkloadIssuer

KEY: Final = "workload_issuers"
ISSUER_KEYS: Final = ("issuer", "audience", "groups")
GROUP_KEYS: Final = ("claim", "equals", "matches", "group")


def read_workload_issuers(document: Mapping[str, Any], tables: TableReader) -> tuple[WorkloadIssuer, ...]:
    """Read every `[[workload_issuers]]` table.

    Args:
        tables: takes the faults.
    """
    first_of: dict[str, int] = {}
    found = (
        _read_issuer(table, tables, first_of, index)
        for index, table in enumerate(tables.read_array(document, KEY))
    )
    return tuple(issuer for issuer in found if issuer)


def _read_issuer(
    table: dict[str, Any], tables: TableReader, first_of: dict[str, int], index: int
) -> WorkloadIssuer | None:
    at = (KEY, index)
    tables.check_keys(table, ISSUER_KEYS, *at)
    for key in ISSUER_KEYS:
        if key not in table:
            tables.note(f"a workload issuer must have {_named(key)}", *at)
    url = tables.read_text(table, "issuer", *at)
    if url is not None:
        if not is_issuer_url(url):
            tables.note(
                f"issuer must be an https: URL, as its tokens name it, but got {url!r}", *at, "issuer"
            )
        if (first := first_of.setdefault(url, index)) != index:
            line = tables.line_of(KEY, first, "issuer")
            tables.note(f"the issuer {url!r} has a table already, on line {line}", *at, "issuer")
    audience = tables.read_text(table, "audience", *at)
    groups = _read_groups(table, tables, *at)
    return WorkloadIssuer(url, audience, groups) if url and audience else None


def _read_groups(table: Mapping[str, Any], tables: TableReader, *at: str | int) -> tuple[WorkloadGroup, ...]:
    items = table.get("groups", [])
    is_list = isinstance(items, list) and all(isinstance(item, dict) for item in items)
    if not is_list or ("groups" in table and not items):
        tables.note(
            'groups must be a list of at least one table such as { claim = "repository", equals = "example/firmware", '
            'group = "release-team" }',
            *(*at, "groups"),
        )
        return ()
    found = (_read_group(item, tables, *at, "groups") for item in items)
    return tuple(group for group in found if group)


def _read_group(item: dict[str, Any], tables: TableReader, *at: str | int) -> WorkloadGroup | None:
    tables.check_keys(item, GROUP_KEYS, *at)
    claim, group = (tables.read_text(item, key, *at) for key in ("claim", "group"))
    equals, matches = (tables.read_text(item, key, *at) for key in ("equals", "matches"))
    if "claim" not in item or "group" not in item or ("equals" in item) == ("matches" in item):
        tables.note("each of groups must have a claim, either equals or matches, and a group", *at)
        return None
    if claim is None or group is None or (text := equals or matches) is None:
        return None
    try:
        return WorkloadGroup(claim, ClaimPattern(text, is_wild=equals is None), group)
    except ValueError as error:
        tables.note(f"matches must be a text with stars, but got {text!r}: {error}", *at)
        return None


def _named(key: str) -> str:
    return key if key == "groups" else f"an {key}"
