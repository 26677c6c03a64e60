"""Query parameters, each checked on its way in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request

from app.domain.errors import BadParameter

MAX_LIMIT: Final = 100_000
"""Most entries that one page of a list can be asked for."""


class Query:
    """The query of a request. Parameters that nobody asks for are ignored, as caches and trackers add some."""

    def __init__(self, request: Request) -> None:
        raw: bytes = request.scope["query_string"]
        try:
            # surrogateescape: a name that is not UTF-8 comes back byte for byte.
            self._fields = parse_qs(
                raw.decode("ascii", "surrogateescape"),
                keep_blank_values=True,
                errors="surrogateescape",
                max_num_fields=50,
            )
        except ValueError:
            raise BadParameter("the query", "at most 50 fields") from None

    def text(self, name: str) -> str | None:
        """A parameter's value, or None.

        Raises:
            BadParameter: given more than once.
        """
        values = self._fields.get(name, [])
        if len(values) > 1:
            raise BadParameter(name, "given at most once")
        return values[0] if values else None

    def choice(self, name: str, allowed: Sequence[str]) -> str | None:
        """A parameter that is one of a few words, or None.

        Raises:
            BadParameter: another word.
        """
        value = self.text(name)
        if value is not None and value not in allowed:
            raise BadParameter(name, f"one of {', '.join(allowed)}")
        return value

    def flag(self, name: str) -> bool:
        """A parameter that is true or false; false when not given.

        Raises:
            BadParameter: any other value.
        """
        return self.choice(name, ("true", "false")) == "true"

    def number(self, name: str, largest: int) -> int | None:
        """A whole number from 1, or None.

        Raises:
            BadParameter: no number, or out of range.
        """
        value = self.text(name)
        if value is None:
            return None
        if value.isascii() and value.isdigit() and len(value) < 20 and 1 <= int(value) <= largest:
            return int(value)
        raise BadParameter(name, f"a whole number from 1 to {largest}")
