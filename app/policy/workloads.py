"""Which jobs and services are in which groups: by what the issuer of their tokens says of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

MAX_VALUE_LENGTH: Final = 1024
"""A longer value of a claim matches nothing."""


@dataclass(frozen=True)
class ClaimPattern:
    """What a claim must be.

    Attributes:
        text: the value itself, or a pattern. `*` stands for any characters but `/` and `:`, so that
            `repo:org/*:ref:refs/heads/main` reaches from the name of a repository into nothing else; `**` at the end
            for any characters at all.
        is_wild: whether it is a pattern.
    """

    text: str
    is_wild: bool

    def __post_init__(self) -> None:
        if self.is_wild and "**" in self.text.removesuffix("**"):
            raise ValueError("** may only stand at the end")

    def matches(self, values: Iterable[str]) -> bool:
        """Whether any of a claim's values fits."""
        if not self.is_wild:
            return self.text in values
        return any(len(value) <= MAX_VALUE_LENGTH and self._regex.fullmatch(value) for value in values)

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        # The first place where a piece fits is as good as any later one, since no star but the last passes a
        # separator. So nothing is tried twice, however a value is made.
        head, *pieces = map(re.escape, self.text.removesuffix("**").split("*"))
        middle = [f"(?>[^/:]*?{piece})" for piece in pieces[:-1]]
        last = [f"[^/:]*{piece}" for piece in pieces[-1:]]
        if self.text.endswith("**"):
            last = [f"(?>[^/:]*?{piece})" for piece in pieces[-1:]] + [".*"]
        return re.compile("".join((head, *middle, *last)), re.DOTALL)


@dataclass(frozen=True)
class WorkloadGroup:
    """One group, and who is in it.

    Attributes:
        claim: its name; dots lead to a nested one.
        pattern: what it must be.
        group: the group's name.
    """

    claim: str
    pattern: ClaimPattern
    group: str


@dataclass(frozen=True)
class WorkloadIssuer:
    """An issuer whose tokens are accepted in place of our own.

    Attributes:
        url: as its tokens name it.
        audience: whom they must be made for.
        groups: each counts by itself.
    """

    url: str
    audience: str
    groups: tuple[WorkloadGroup, ...]
