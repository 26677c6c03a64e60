"""Reads and checks query parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Final, TypeVar
from urllib.parse import parse_qs

from starlette.requests import Request

from app.domain.errors import BadParameter
from app.domain.order import DIRECTIONS, SORT_KEYS, Order, SortKey
from app.domain.paths import display_name

MAX_LIMIT: Final = 100_000
"""Most entries of one page of a list."""


_APACHE_COLUMNS: Final[Mapping[str, SortKey]] = {"N": "name", "M": "modified", "S": "size", "D": "name"}
_APACHE_ARGUMENTS: Final = frozenset("CFOPV")
_NEARLY: Final = 0.75
"""So alike is a name to a parameter's that it was meant (as difflib has it): `limt`, `Sort`, `formats`."""
_Word = TypeVar("_Word", bound=str)


class Query:
    """The query of a request. Unknown parameters are ignored, because caches and trackers add some."""

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

    def choice(self, name: str, allowed: Sequence[_Word]) -> _Word | None:
        """A parameter that is one of a few words, or None.

        Raises:
            BadParameter: another word.
        """
        value = self.text(name)
        if value is None:
            return None
        for word in allowed:
            if word == value:
                return word
        raise BadParameter(name, f"one of {', '.join(allowed)}")

    def order(self) -> Order | None:
        """The order of a listing: `sort` and `order`, or Apache's `C` and `O`; None where neither is given.

        Raises:
            BadParameter: another word than are allowed.
        """
        by, direction = self.choice("sort", SORT_KEYS), self.choice("order", DIRECTIONS)
        if by is not None or direction is not None:
            return Order(by or "name", direction or "asc")
        return self._apache_order()

    def _apache_order(self) -> Order | None:
        """What the column heads of Apache's mod_autoindex link to: `?C=M;O=D`, also written with `&`, and among others
        (`?F=1;C=M;O=D;V=1`; mod_autoindex, "Autoindex Request Query Arguments").
        """
        given = [f"{name}={values[0]}" for name, values in self._fields.items() if name in _APACHE_ARGUMENTS]
        arguments = dict(argument.partition("=")[::2] for argument in ";".join(given).split(";"))
        column = _APACHE_COLUMNS.get(arguments.get("C", ""))
        return None if column is None else Order(column, "desc" if arguments.get("O") == "D" else "asc")

    def refuse_misspelt(self, known: Sequence[str]) -> None:
        """Refuse names that are close to those of parameters. Other unknown names are ignored.

        Raises:
            BadParameter: such a name.
        """
        for name in self._fields:
            if name not in known and (near := get_close_matches(name.lower(), known, 1, _NEARLY)):
                raise BadParameter(display_name(name), f"left out, or written {near[0]}")

    def refuse(self, names: Sequence[str], allowed: str) -> None:
        """Refuse parameters that mean something elsewhere.

        Args:
            allowed: what the error says of them.

        Raises:
            BadParameter: one of them is given.
        """
        for name in names:
            if name in self._fields:
                raise BadParameter(name, allowed)

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
