"""BUILD-INFO.txt, formats 0.1 to 0.5: text to values.

The file is a list of `Field: value` lines. The first is `Format-Version`; every `Files-Pattern` begins a block
that says who may have the files that its patterns match. Whatever is not understood makes the whole file
malformed, because a rule that is skipped may be the one that protects.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from app.domain.errors import MalformedRules
from app.policy.globs import is_wild

LicenceType = Literal["open", "protected"]

MAX_WILD_PATTERNS = 256
"""Most patterns with wildcards in one file. Every name of the folder is held against each of them."""
MAX_WILD_PATTERN_LENGTH = 255
"""Most characters of a pattern with wildcards: as many as a file name has bytes (NAME_MAX)."""

_FORMAT_VERSION = "format-version"
_FILES_PATTERN = "files-pattern"
_LICENSE_TYPE = "license-type"
_LICENSE_TEXT = "license-text"
_THEME = "theme"
_AUTH_GROUPS = "auth-groups"
_BUILD_NAME = "build-name"
_COLLECT_USER_DATA = "collect-user-data"

_FIELDS = {
    name: name
    for name in (
        _FORMAT_VERSION,
        _FILES_PATTERN,
        _LICENSE_TYPE,
        _LICENSE_TEXT,
        _THEME,
        _AUTH_GROUPS,
        _BUILD_NAME,
        _COLLECT_USER_DATA,
    )
} | {"openid-launchpad-teams": _AUTH_GROUPS}
"""Every field name, lower-case, and the field it means."""

_WHITESPACE = " \t\r\n\x0b\x0c"
"""ASCII only: the digests of existing texts are over what remains, and other space was never stripped."""


@dataclass(frozen=True)
class Block:
    """What one `Files-Pattern` and the fields after it say.

    Attributes:
        patterns: shell patterns for names in the folder; the empty pattern means the folder's own listing.
        line: 1-based line of the `Files-Pattern`.
        licence_type: None where the block does not say.
        licence_text: exactly the text the digests are over; None where the block has none.
        theme: name of the licence's look.
        auth_groups: membership of any one of them is needed; empty means no such condition.
        build_name: kept, without effect.
        collect_user_data: kept, without effect.
    """

    patterns: tuple[str, ...]
    line: int
    licence_type: LicenceType | None = None
    licence_text: str | None = None
    theme: str | None = None
    auth_groups: tuple[str, ...] = ()
    build_name: str | None = None
    collect_user_data: str | None = None


@dataclass(frozen=True)
class BuildInfo:
    """A whole file.

    Attributes:
        format_version: as written; no version changes how the rest is read.
        blocks: in file order.
    """

    format_version: str
    blocks: tuple[Block, ...]


@dataclass
class _Field:
    """One field while it is being read: `parts` are the lines of its value."""

    name: str
    line: int
    parts: list[str] = field(default_factory=list)

    @property
    def value(self) -> str:
        return "\n".join(self.parts)


def parse_build_info(content: bytes, source: str) -> BuildInfo:
    """Read a BUILD-INFO.txt. Takes time linear in its size.

    Args:
        content: the file's bytes, UTF-8 with or without a byte order mark.
        source: the file's name, for the error.

    Raises:
        MalformedRules: with the line of the first fault. Nothing else, whatever the bytes.
    """
    fields = list(_read_fields(_decode(content, source), source))
    if not fields or fields[0].name != _FORMAT_VERSION:
        line = fields[0].line if fields else 1
        raise MalformedRules(source, line, "the first line must be 'Format-Version: 0.5' or an older version")
    blocks: list[list[_Field]] = []
    for item in fields[1:]:
        if item.name == _FILES_PATTERN:
            blocks.append([item])
        elif blocks:
            blocks[-1].append(item)
        # Known fields before the first Files-Pattern belong to no file: a header paragraph without effect.
    parsed = tuple(_read_block(block, source) for block in blocks)
    _check_wild_patterns(parsed, source)
    return BuildInfo(fields[0].value, parsed)


def _decode(content: bytes, source: str) -> str:
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        raise MalformedRules(source, line, "the file must be UTF-8") from exc


def _read_fields(text: str, source: str) -> Iterator[_Field]:
    """Group lines into fields. Only License-Text goes on over further lines, each begun by one space.

    Lines end at a newline alone: a carriage return before it is stripped from a field like other space, but
    stays in a continuation line, because existing digests are over it.
    """
    current: _Field | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip(_WHITESPACE):
            continue  # blank lines end nothing, not even a License-Text, and are never part of one
        if current and current.name == _LICENSE_TEXT:
            if line.startswith(" "):
                current.parts.append(line[1:])
                continue
            if line[0] in _WHITESPACE:
                raise MalformedRules(source, number, "a line that continues License-Text begins with a space")
        if current:
            yield current
        current = _read_field(line, number, source)
    if current:
        yield current


def _read_field(line: str, number: int, source: str) -> _Field:
    name, colon, value = line.partition(":")
    if not colon:
        raise MalformedRules(source, number, "a line must be 'Field: value'; there are no comments")
    known = _FIELDS.get(name.strip(_WHITESPACE).lower())
    if known is None:
        allowed = ", ".join(sorted(_FIELDS))
        raise MalformedRules(source, number, f"unknown field; must be one of {allowed} (in any case)")
    return _Field(known, number, [value.strip(_WHITESPACE)])


def _read_block(fields: list[_Field], source: str) -> Block:
    by_name: dict[str, _Field] = {}
    for item in fields:
        if item.name in by_name:
            first = by_name[item.name].line
            reason = f"a block has each field once; {item.name} stands on line {first} already"
            raise MalformedRules(source, item.line, reason)
        by_name[item.name] = item
    patterns = by_name[_FILES_PATTERN]
    values = {name: item.value for name, item in by_name.items()}
    return Block(
        patterns=tuple(part.strip(_WHITESPACE) for part in patterns.value.split(",")),
        line=patterns.line,
        licence_type=_read_licence_type(by_name.get(_LICENSE_TYPE), source),
        licence_text=values.get(_LICENSE_TEXT),
        theme=values.get(_THEME) or None,
        auth_groups=_read_groups(by_name.get(_AUTH_GROUPS), source),
        build_name=values.get(_BUILD_NAME),
        collect_user_data=values.get(_COLLECT_USER_DATA),
    )


def _read_licence_type(item: _Field | None, source: str) -> LicenceType | None:
    match item.value.lower() if item else None:
        case None:
            return None
        case "open":
            return "open"
        case "protected":
            return "protected"
    raise MalformedRules(source, item.line if item else 1, "License-Type must be open or protected")


def _read_groups(item: _Field | None, source: str) -> tuple[str, ...]:
    if item is None or not item.value:
        return ()
    groups = tuple(name for part in item.value.split(",") if (name := part.strip(_WHITESPACE)))
    if not groups:
        # Commas alone: somebody meant to protect this. An empty value, by old custom, means no groups.
        raise MalformedRules(source, item.line, "Auth-Groups must name a group or be empty")
    return groups


def _check_wild_patterns(blocks: tuple[Block, ...], source: str) -> None:
    """Keep what one file can cost bounded: it is read and matched while others wait."""
    count = 0
    for block in blocks:
        for pattern in filter(is_wild, block.patterns):
            count += 1
            if count > MAX_WILD_PATTERNS:
                reason = f"a file has at most {MAX_WILD_PATTERNS} patterns with wildcards"
                raise MalformedRules(source, block.line, reason)
            if len(pattern) > MAX_WILD_PATTERN_LENGTH:
                reason = f"a pattern with wildcards has at most {MAX_WILD_PATTERN_LENGTH} characters"
                raise MalformedRules(source, block.line, reason)
