"""BUILD-INFO.txt, formats 0.1 to 0.6: text to values.

The file is a list of `Field: value` lines. The first is `Format-Version`; every `Files-Pattern` begins a block
that says who may have the files that its patterns match. A fault makes the whole file malformed, because a rule
that is skipped may be the one that protects. Only where a fault clearly belongs to one block does it close that
block alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from app.domain.errors import MalformedRules
from app.policy.build_info_fields import (
    AUTH_GROUPS,
    BUILD_NAME,
    COLLECT_USER_DATA,
    FILES_PATTERN,
    FORMAT_VERSION,
    LICENSE_TEXT,
    LICENSE_TYPE,
    THEME,
    WHITESPACE,
    Field,
    check_end,
    decode,
    read_fields,
)
from app.policy.name_patterns import MAX_PATTERN_BYTES, is_wild

LicenceType = Literal["open", "protected"]

MAX_WILD_PATTERNS = 256
"""Most patterns with wildcards in one file."""
MAX_WILD_CHARACTERS = 2_048
"""Most characters in all of them together. Every name in the folder is matched against all of them."""


class BlockFault(NamedTuple):
    """Why a block closes its files.

    Attributes:
        line: 1-based line of the fault.
        reason: what is wrong; never quotes the file.
    """

    line: int
    reason: str


@dataclass(frozen=True)
class Block:
    """One `Files-Pattern` and the fields after it.

    Attributes:
        patterns: shell patterns for names in the folder; the empty pattern means the folder's own listing.
        line: 1-based line of the `Files-Pattern`.
        licence_type: None if the block does not say.
        licence_text: exactly the text that is hashed; None if the block has none.
        theme: name of the licence's look.
        auth_groups: membership of any one of them is needed; empty means no such condition.
        build_name: kept, without effect.
        collect_user_data: kept, without effect.
        fault: the first fault that closes this block, and no other block; None if there is none.
    """

    patterns: tuple[str, ...]
    line: int
    licence_type: LicenceType | None = None
    licence_text: str | None = None
    theme: str | None = None
    auth_groups: tuple[str, ...] = ()
    build_name: str | None = None
    collect_user_data: str | None = None
    fault: BlockFault | None = None


@dataclass(frozen=True)
class BuildInfo:
    """A whole file.

    Attributes:
        format_version: as written.
        blocks: in file order.
    """

    format_version: str
    blocks: tuple[Block, ...]


def parse_build_info(content: bytes, source: str) -> BuildInfo:
    """Read a BUILD-INFO.txt. Takes time linear in its size.

    Args:
        content: the file's bytes, UTF-8 with or without a byte order mark.
        source: the file's name, for the error.

    Raises:
        MalformedRules: with the line of the first fault. Nothing else, whatever the bytes.
    """
    fields = list(read_fields(decode(content, source), source))
    if not fields or fields[0].name != FORMAT_VERSION:
        line = fields[0].line if fields else 1
        raise MalformedRules(source, line, "the first line must be 'Format-Version:' and a version up to 0.6")
    check_end(fields, source)
    blocks: list[list[Field]] = []
    for item in fields[1:]:
        if item.name == FILES_PATTERN:
            blocks.append([item])
        elif blocks:
            blocks[-1].append(item)
        # Known fields before the first Files-Pattern belong to no file: a header paragraph without effect.
    parsed = tuple(_read_block(block, source) for block in blocks)
    _check_wild_patterns(parsed, source)
    return BuildInfo(fields[0].value, parsed)


def _read_block(fields: list[Field], source: str) -> Block:
    by_name: dict[str, Field] = {}
    for item in fields:
        if item.name in by_name:
            first = by_name[item.name].line
            reason = f"a block has each field once; {item.name} is already on line {first}"
            raise MalformedRules(source, item.line, reason)
        by_name[item.name] = item
    patterns = by_name[FILES_PATTERN]
    groups = _read_groups(by_name.get(AUTH_GROUPS))
    values = {name: item.value for name, item in by_name.items()}
    return Block(
        patterns=tuple(part.strip(WHITESPACE) for part in patterns.value.split(",")),
        line=patterns.line,
        licence_type=_read_licence_type(by_name.get(LICENSE_TYPE), source),
        licence_text=values.get(LICENSE_TEXT),
        theme=values.get(THEME) or None,
        auth_groups=groups,
        build_name=values.get(BUILD_NAME),
        collect_user_data=values.get(COLLECT_USER_DATA),
        fault=next((BlockFault(item.line, item.fault) for item in fields if item.fault), None),
    )


def _read_licence_type(item: Field | None, source: str) -> LicenceType | None:
    match item.value.lower() if item else None:
        case None:
            return None
        case "open":
            return "open"
        case "protected":
            return "protected"
    raise MalformedRules(source, item.line if item else 1, "License-Type must be open or protected")


def _read_groups(item: Field | None) -> tuple[str, ...]:
    if item is None or not item.value:
        return ()
    groups = tuple(name for part in item.value.split(",") if (name := part.strip(WHITESPACE)))
    if not groups:
        # Only commas: the publisher meant to protect this. An empty value, by old custom, means no groups.
        item.fault = item.fault or "Auth-Groups must name a group or be empty"
    return groups


def _check_wild_patterns(blocks: tuple[Block, ...], source: str) -> None:
    """Limit what one file can cost: other requests wait while it is read and matched."""
    count = characters = 0
    for block in blocks:
        for pattern in filter(is_wild, block.patterns):
            count += 1
            if count > MAX_WILD_PATTERNS:
                reason = f"a file has at most {MAX_WILD_PATTERNS} patterns with wildcards"
                raise MalformedRules(source, block.line, reason)
            if len(pattern.encode("utf-8")) > MAX_PATTERN_BYTES:
                reason = f"a pattern with wildcards has at most {MAX_PATTERN_BYTES} bytes"
                raise MalformedRules(source, block.line, reason)
            characters += len(pattern)
            if characters > MAX_WILD_CHARACTERS:
                reason = f"patterns with wildcards have at most {MAX_WILD_CHARACTERS} characters together"
                raise MalformedRules(source, block.line, reason)
