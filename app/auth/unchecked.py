"""Credentials that another service must check first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

CountLogin = Callable[[str], None]
"""Counts an attempt to log in by a name. Raises `TooManyLogins`."""


class Unchecked(Exception):
    """Raised if the principal cannot be found without waiting: await the check, then try again.

    Args:
        ask: asks; what comes of it is remembered. Raises `PierheadError` if the request is to be refused.
    """

    def __init__(self, ask: Callable[[CountLogin], Awaitable[object]]) -> None:
        super().__init__("ask first")
        self.ask = ask
