"""Text files as bytes. No I/O."""

from __future__ import annotations

from typing import Literal

BYTE_ORDER_MARK = "\ufeff"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def text_of(content: bytes, errors: Literal["replace", "surrogateescape"] = "replace") -> str:
    """The text of a file, without the byte order mark that editors of Windows put before it.

    Args:
        content: UTF-8; or UTF-16 with that mark, as PowerShell writes what a command prints (The Unicode Standard,
            section 23.8).
        errors: what to do with bytes that are not UTF-8.
    """
    if content.startswith(_UTF_16_MARKS):
        return content.decode("utf-16", "replace")
    return content.decode("utf-8", errors).removeprefix(BYTE_ORDER_MARK)
