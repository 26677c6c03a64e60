"""The lines of a BUILD-INFO.txt: text to fields, each a name and a value.

A lost line break would let one field swallow the next, perhaps the one that protects. So no value may contain
what looks like another field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.domain.errors import MalformedRules

FORMAT_VERSION = "format-version"
FILES_PATTERN = "files-pattern"
LICENSE_TYPE = "license-type"
LICENSE_TEXT = "license-text"
THEME = "theme"
AUTH_GROUPS = "auth-groups"
BUILD_NAME = "build-name"
COLLECT_USER_DATA = "collect-user-data"
END_OF_FILE = "end-of-file"

ENDED_VERSION = "0.6"
"""The format version whose last line is `End-Of-File:`, so that a file that was cut off is malformed."""

_FIELDS = {
    name: name
    for name in (
        FORMAT_VERSION,
        FILES_PATTERN,
        LICENSE_TYPE,
        LICENSE_TEXT,
        THEME,
        AUTH_GROUPS,
        BUILD_NAME,
        COLLECT_USER_DATA,
        END_OF_FILE,
    )
} | {"openid-launchpad-teams": AUTH_GROUPS}
"""Every field name, lower-case, and the field it means."""

WHITESPACE = " \t\r\n\x0b\x0c"
"""ASCII only. Existing digests are over the stripped text, and other white space was never stripped."""
_LOST_BREAK = "a field must begin its own line."

_PROTECTING = "|".join((FILES_PATTERN, LICENSE_TYPE, LICENSE_TEXT, AUTH_GROUPS, "openid-launchpad-teams"))
_SWALLOWED_FIELD = re.compile(rf"(?:{_PROTECTING})[{WHITESPACE}]*:", re.IGNORECASE)
"""A field that protects, in the value of another: the line break between them was lost, or a space came after it."""


@dataclass
class Field:
    """One field while it is being read.

    Attributes:
        name: lower-case.
        line: 1-based.
        parts: the lines of its value.
        fault: why it closes its block; None if it does not.
    """

    name: str
    line: int
    parts: list[str] = field(default_factory=list)
    fault: str | None = None

    @property
    def value(self) -> str:
        return "\n".join(self.parts)


def decode(content: bytes, source: str) -> str:
    """The text of a file, without its byte order mark.

    Raises:
        MalformedRules: it is not UTF-8.
    """
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        raise MalformedRules(source, line, "the file must be UTF-8") from exc


def read_fields(text: str, source: str) -> Iterator[Field]:
    """Group lines into fields. Only License-Text continues on further lines; each starts with one space.

    Lines end at a newline alone: a carriage return before it is stripped from a field like other space, but
    stays in a continuation line, because existing digests are over it.

    Raises:
        MalformedRules: a line is no field, or may be two.
    """
    current: Field | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip(WHITESPACE):
            continue  # blank lines end nothing, not even a License-Text, and are never part of one
        follows_text = current is not None and current.name == LICENSE_TEXT
        if current and follows_text and line.startswith(" "):
            _check_value(line, number, source)
            current.parts.append(line[1:])
            continue
        if current:
            yield current
        current = _read_field(line, number, source)
        if follows_text and line[0] in WHITESPACE:
            _close_indented(current, source)
    if current:
        yield current


def _read_field(line: str, number: int, source: str) -> Field:
    name, colon, value = line.partition(":")
    if not colon:
        raise MalformedRules(source, number, "a line must be 'Field: value'; there are no comments")
    known = _FIELDS.get(name.strip(WHITESPACE).lower())
    if known is None:
        allowed = ", ".join(sorted(_FIELDS))
        raise MalformedRules(source, number, f"unknown field; must be one of {allowed} (in any case)")
    if known == FILES_PATTERN and ":" in value:
        reason = f"a pattern must have no ':'; {_LOST_BREAK} Write '?' for a ':' in a name"
        raise MalformedRules(source, number, reason)
    _check_value(value, number, source)
    return Field(known, number, [value.strip(WHITESPACE)])


def _check_value(value: str, number: int, source: str) -> None:
    if _SWALLOWED_FIELD.search(value):
        raise MalformedRules(source, number, f"another field is part of this value; {_LOST_BREAK}")


def _close_indented(item: Field, source: str) -> None:
    """Close the block of a field that may have been meant as a further line of the License-Text before it."""
    reason = "a line that continues License-Text begins with a space, and a field without white space"
    if item.name == FILES_PATTERN:
        raise MalformedRules(source, item.line, reason)  # where one block ends is not known
    item.fault = reason


def check_end(fields: list[Field], source: str) -> None:
    """Check that the end is there, if the first line says that there is one.

    Args:
        fields: of the whole file; at least one.

    Raises:
        MalformedRules: `End-Of-File` is missing in a file of version 0.6, or something comes after it.
    """
    for item in fields[:-1]:
        if item.name == END_OF_FILE:
            raise MalformedRules(source, item.line, "End-Of-File must be the last line")
    last = fields[-1]
    if last.name == END_OF_FILE:
        if last.value:
            raise MalformedRules(source, last.line, "End-Of-File has no value")
    elif fields[0].value == ENDED_VERSION:
        reason = f"the file is cut off: in version {ENDED_VERSION}, its last line must be 'End-Of-File:'"
        raise MalformedRules(source, last.line, reason)
