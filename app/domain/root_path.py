"""The path of its host below which a site is: empty, or such as `/downloads`."""

from __future__ import annotations

import re
from typing import Final

ALLOWED: Final = "empty, or a path such as `/downloads` of letters, digits, `.`, `_`, `~` and `-`"
"""What a root path may be, to complete "must be ..."."""

MAX_ROOT_PATH: Final = 200

_FORM: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+)*/?")


def parse_root_path(text: str) -> str:
    """A root path without the slash at its end.

    Only characters that are themselves in URLs, in HTML, in header fields and in the path of a cookie: nothing has to
    be escaped anywhere, and nothing can be smuggled in.

    Raises:
        ValueError: it is none. The message does not quote it.
    """
    if len(text) > MAX_ROOT_PATH or not _FORM.fullmatch(text):
        raise ValueError(f"a root path is {ALLOWED}")
    return text.removesuffix("/")
