"""Text as a page shows it: numbered lines, and the colours of terminals (ECMA-48 section 8.3.117)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Final

from markupsafe import Markup

from app.pages.file_view import FilePage

MAX_TEXT_BYTES: Final = 1024 * 1024
MAX_LINES: Final = 20_000
"""More make a page that browsers are slow with."""

_SEQUENCE: Final = re.compile(
    r"\x1b\[([0-9;:]*)m"  # what sets a colour
    r"|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]"  # all others say nothing here
)
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_COLOURS: Final = frozenset({*range(30, 38), *range(90, 98)})


@dataclass(frozen=True)
class TextPage(FilePage):
    """A text file with numbered lines.

    Attributes:
        lines: in HTML.
    """

    lines: Markup


def lines_of(text: str) -> list[str]:
    """The lines of a text. What was written over itself, as progress bars are, is left as it was last."""
    text = text.removesuffix("\n")
    return [line.removesuffix("\r").rpartition("\r")[2] for line in text.split("\n")]


def numbered(lines: list[str]) -> Markup:
    """HTML of lines, each with a number that links to it: `#L12`. Everything in them is escaped."""
    rows = [
        f'<a id="L{number}" href="#L{number}">{number}</a> {line}\n'
        for number, line in enumerate(_coloured(lines), start=1)
    ]
    return Markup("".join(rows))  # noqa: S704 - every line was escaped below


def _coloured(lines: list[str]) -> Iterator[str]:
    colour, bold = 0, False
    for line in lines:
        parts: list[str] = []
        begin = 0
        for sequence in _SEQUENCE.finditer(line):
            parts.append(_span(line[begin : sequence.start()], colour, bold=bold))
            begin = sequence.end()
            if sequence[1] is not None:
                colour, bold = _after(sequence[1], colour, bold=bold)
        parts.append(_span(line[begin:], colour, bold=bold))
        yield "".join(parts)


def _span(text: str, colour: int, *, bold: bool) -> str:
    if not text:
        return ""
    escaped = escape(_CONTROLS.sub("\ufffd", text))
    classes = [name for name in (f"c{colour}" if colour else "", "bold" if bold else "") if name]
    return f'<span class="{" ".join(classes)}">{escaped}</span>' if classes else escaped


def _after(parameters: str, colour: int, *, bold: bool) -> tuple[int, bool]:
    """The colour and weight after a sequence: one of the sixteen that have names, others are the usual one."""
    codes = iter([int(code[:4] or 0) for code in parameters.split(";") if ":" not in code])
    for code in codes:
        if code == 0:
            colour, bold = 0, False
        elif code in (1, 22):
            bold = code == 1
        elif code in _COLOURS:
            colour = code
        elif code == 39:
            colour = 0
        elif code in (38, 48):
            for _ in range({5: 1, 2: 3}.get(next(codes, 0), 0)):
                next(codes, 0)
            colour = 0 if code == 38 else colour
    return colour, bold
