"""Paths of the tree that have no answer of their own, and rules that cannot be parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.errors.base import PierheadError

if TYPE_CHECKING:
    from app.domain.paths import ArtifactPath


class NotFound(PierheadError):
    """Nothing is there, or this principal may not know of it."""

    def __init__(self) -> None:
        super().__init__("nothing is published at this path")


class AmbiguousPattern(PierheadError):
    """A wildcard matched several files.

    Args:
        names: the names that matched, in listing order.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(f"several files match this pattern: {', '.join(names)}")
        self.names = names


class Moved(PierheadError):
    """The path is a link.

    Args:
        target: the real path, with its own rules.
    """

    def __init__(self, target: ArtifactPath) -> None:
        super().__init__(f"this is a link to {target.url}")
        self.target = target


class MalformedRules(PierheadError):
    """A rules file that cannot be parsed. It never opens anything.

    Args:
        source: the file's name.
        line: 1-based line number of the first fault.
        reason: what was wrong and what is allowed.
    """

    def __init__(self, source: str, line: int, reason: str) -> None:
        super().__init__(f"{source}, line {line}: {reason}")
        self.source = source
        self.line = line
        self.reason = reason
