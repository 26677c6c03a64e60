"""Text of a server as a terminal may show it: escape sequences could rewrite what stands there."""

from __future__ import annotations

_MOST_CHARACTERS = 500


def one_line(text: object) -> str:
    """Anything as one printable line of bounded length."""
    return "".join(c if c.isprintable() else "?" for c in str(text)[:_MOST_CHARACTERS])


def many_lines(text: str) -> str:
    """A text with its lines and tabs, without all other control characters."""
    return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text.replace("\r\n", "\n"))
