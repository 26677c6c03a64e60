"""The site policy file: TOML to `SitePolicy`, or every fault in it at once.

private_entries = "unlisted"          # or "listed", "hidden": what strangers learn of private paths

[[rule]]
path = "releases/members"             # a path glob; see app.policy.globs
tier = "private"                      # or "public", "eula"
groups = ["release-team"]

[[serve]]                             # how files go out; see app.policy.serving_file
path = "git"
delivery = "proxy"

[[licence]]                           # how a licence looks; see app.policy.licence_look_file
name = "samsung"
title = "Samsung evaluation terms"

[[workload_issuers]]                  # whose tokens count beside our own; see app.policy.workload_file
issuer = "https://token.actions.githubusercontent.com"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from app.domain.access import Access, Licence, Source, Visibility
from app.domain.errors import MalformedRules, PierheadError
from app.policy.licence_look_file import KEY as LICENCES
from app.policy.licence_look_file import read_licence_looks
from app.policy.serving_file import read_serving
from app.policy.site_policy import SitePolicy, SiteRule
from app.policy.toml_lines import KeyLines
from app.policy.toml_tables import TableReader
from app.policy.workload_file import KEY as WORKLOADS
from app.policy.workload_file import read_workload_issuers

__all__ = ["SitePolicy", "SitePolicyError", "SiteRule", "parse_site_policy"]

_Choice = TypeVar("_Choice")

_TOP_KEYS = ("private_entries", "rule", "serve", LICENCES, WORKLOADS)
RULE_KEYS = {
    "path": "public, eula and private",
    "tier": "public, eula and private",
    "override": "public, eula and private",
    "licence_text": "eula",
    "licence_file": "eula",
    "licence_name": "eula",
    "groups": "private",
    "visibility": "private",
}
"""Every key of a rule, and the tiers it is for."""

_TIERS = {tier.value: tier for tier in (Access.PUBLIC, Access.EULA, Access.PRIVATE)}
_VISIBILITIES = {visibility.value: visibility for visibility in Visibility}


class SitePolicyError(PierheadError):
    """A malformed site policy file. None of it applies.

    Args:
        faults: everything that is wrong, in line order; at least one.
    """

    def __init__(self, faults: tuple[MalformedRules, ...]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


def parse_site_policy(
    text: str, *, source: str, read_text: Callable[[str], str], read_bytes: Callable[[str], bytes]
) -> SitePolicy:
    """Read a site policy file.

    Args:
        text: its content.
        source: its name, for messages.
        read_text: gives the content of a `licence_file`, by the path as it stands in the policy. May raise
            OSError, or ValueError for what is not UTF-8.
        read_bytes: the same for a `logo`.

    Raises:
        SitePolicyError: naming every fault with its line, and what is allowed there.
    """
    text = text.removeprefix("\ufeff")
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as exc:
        line = _line_of_toml_error(str(exc), text)
        raise SitePolicyError((MalformedRules(source, line, f"not valid TOML: {exc}"),)) from exc
    return _PolicyReader(document, TableReader(source, KeyLines(text)), read_text, read_bytes).read()


class _PolicyReader:
    """Checks one document, noting faults as it goes on."""

    def __init__(
        self,
        document: dict[str, Any],
        tables: TableReader,
        read_text: Callable[[str], str],
        read_bytes: Callable[[str], bytes],
    ) -> None:
        self._document = document
        self._tables = tables
        self._read_text = read_text
        self._read_bytes = read_bytes

    def read(self) -> SitePolicy:
        self._tables.check_keys(self._document, _TOP_KEYS)
        private_entries = self._tables.read_choice(self._document, "private_entries", _VISIBILITIES)
        tables = self._tables.read_array(self._document, "rule")
        serving = read_serving(self._document, self._tables)
        issuers = read_workload_issuers(self._document, self._tables)
        looks = read_licence_looks(self._document, self._tables, self._read_bytes)
        default = private_entries or Visibility.UNLISTED
        rules = [self._read_rule(table, index, default) for index, table in enumerate(tables)]
        if self._tables.faults:
            raise SitePolicyError(tuple(sorted(self._tables.faults, key=lambda fault: fault.line)))
        return SitePolicy(tuple(rule for rule in rules if rule), default, serving, issuers, looks)

    def _read_rule(self, table: dict[str, Any], index: int, default: Visibility) -> SiteRule | None:
        at = ("rule", index)
        self._tables.check_keys(table, tuple(RULE_KEYS), *at)
        glob = self._tables.read_path(table, *at)
        tier = self._tables.read_choice(table, "tier", _TIERS, *at)
        override = self._tables.read_flag(table, "override", *at)
        visibility = self._tables.read_choice(table, "visibility", _VISIBILITIES, *at)
        groups = self._read_groups(table, *at)
        licence = self._read_licence(table, *at)
        for key in ("path", "tier"):
            if key not in table:
                self._tables.note(f"a rule must have a {key}", *at)
        if tier is None or not self._check_fits(tier, table, *at) or glob is None:
            return None
        source = Source(self._tables.source, self._tables.line_of(*at))
        return SiteRule(glob, tier, source, licence, groups, visibility or default, override)

    def _check_fits(self, tier: Access, table: Mapping[str, Any], *at: str | int) -> bool:
        """Whether the rule has the keys its tier needs, and none that another tier is for."""
        before = len(self._tables.faults)
        for key in table:
            if key in RULE_KEYS and tier.value not in RULE_KEYS[key]:
                self._tables.note(
                    f"{key} is for a rule whose tier is {RULE_KEYS[key]}, but this one's is {tier}", *at, key
                )
        if tier is Access.PRIVATE and "groups" not in table:
            self._tables.note('a private rule must have groups, as in groups = ["release-team"]', *at)
        if tier is Access.EULA and ("licence_text" in table) == ("licence_file" in table):
            self._tables.note("a eula rule must have either licence_text or licence_file", *at)
        return len(self._tables.faults) == before

    def _read_licence(self, table: Mapping[str, Any], *at: str | int) -> Licence | None:
        text = self._tables.read_text(table, "licence_text", *at)
        name = self._tables.read_text(table, "licence_name", *at)
        file = self._tables.read_text(table, "licence_file", *at)
        if file is not None:
            try:
                text = self._read_text(file)
            except (OSError, ValueError) as exc:
                reason = (
                    exc.strerror if isinstance(exc, OSError) and exc.strerror else "it must be a UTF-8 text"
                )
                self._tables.note(f"licence_file {file!r} cannot be read: {reason}", *at, "licence_file")
                return None
            if not text.strip():
                self._tables.note(f"licence_file {file!r} is blank", *at, "licence_file")
        return None if text is None else Licence(text, name or "licence")

    def _read_groups(self, table: Mapping[str, Any], *at: str | int) -> tuple[str, ...]:
        groups = table.get("groups", [])
        is_list = isinstance(groups, list) and all(isinstance(name, str) and name.strip() for name in groups)
        if not is_list or ("groups" in table and not groups):
            self._tables.note("groups must be a list of at least one group name", *at, "groups")
            return ()
        return tuple(groups)


def _line_of_toml_error(message: str, text: str) -> int:
    """`tomllib` puts the position into its message, and into nothing else."""
    if match := re.search(r"\(at line (\d+), column \d+\)", message):
        return int(match[1])
    return text.count("\n") + 1
