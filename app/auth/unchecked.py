"""Credentials that only somebody else can vouch for, who was not asked yet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

CountLogin = Callable[[str], None]
"""Counts an attempt to log in by a name. Raises `TooManyRequests`."""


class Unchecked(Exception):
    """Raised where who asks cannot be told without waiting: ask, then try again.

    Args:
        ask: asks; what comes of it is remembered. Raises `PierheadError` if the request is to be refused.
    """

    def __init__(self, ask: Callable[[CountLogin], Awaitable[object]]) -> None:
        super().__init__("ask first")
        self.ask = ask
