"""An estimate of how much memory values take."""

from __future__ import annotations

import gc
import sys
from types import FunctionType, ModuleType
from typing import Final

_SHARED: Final = (type, ModuleType, FunctionType)
"""Part of the program: they exist whether a value refers to them or not."""


def size_of(value: object) -> int:
    """Bytes that one object takes, without what it refers to: memory is handed out in pieces of 16."""
    return (sys.getsizeof(value) + 15) & ~15


def size_with_parts(value: object) -> int:
    """Bytes that an object takes with everything that can be reached from it, each counted once."""
    total = 0
    seen: set[int] = set()
    left = [value]
    while left:
        part = left.pop()
        if id(part) in seen or isinstance(part, _SHARED):
            continue
        seen.add(id(part))
        total += size_of(part)
        left.extend(gc.get_referents(part))
    return total
