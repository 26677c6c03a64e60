"""Names that servers, browsers and clients are known to trip over."""

from __future__ import annotations

from scripts.sample_tree.items import Item, day, text

ODD_NAMES = (
    "a b",
    "a+b",
    "a%20b",
    "100%",
    "a#b",
    "a?b",
    "a&b=c",
    "a;b",
    "a:b",
    "a\\b",
    "~user",
    "ü",
    "日本",
    "📦",
    "it's",
    '"quoted"',
    '&<>"',
    "<img src=x onerror=alert(1)>",
    "[brackets]",
    "{braces}",
    "*",
    ".hidden",
    "..two-dots",
    "-dash",
    "trailing space ",
    " leading space",
    "trailing dot.",
    "n" * 255,
    "ü" * 127 + "x",
)
"""Every one can be a file of a directory and part of an S3 key; the last two have 255 bytes, the most a
directory takes."""


def odd_names() -> list[Item]:
    """A file under each odd name, and one in a folder of such a name."""
    modified = day(2026, 2, 20)
    files: list[Item] = [text(f"odd-names/{name}", f"{name}\n", modified) for name in ODD_NAMES]
    return [*files, text("odd-names/a folder? yes & 100%/ü + b.txt", "deep\n", modified)]
