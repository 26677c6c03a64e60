"""The keys that sign: how many, how strong, and since when."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator
from typing import Final

from app.cli.doctor.finding import Finding, error, warning, well
from app.config import LoadedSettings

AREA: Final = "keys"
STRONG_BITS: Final = 128.0
MOST_KEYS: Final = 3
OLD_DAYS: Final = 366
_NEW: Final = "openssl rand -hex 32"


def look_at_keys(loaded: LoadedSettings, now: float | None = None) -> Iterator[Finding]:
    """Look at the keys.

    Args:
        now: seconds since the epoch; None for the time it is.
    """
    keys = [key.get_secret_value() for key in loaded.settings.secret_keys]
    named = loaded.named("secret_keys")
    if not keys:
        yield warning(
            AREA,
            "there are no secret_keys",
            f"set one, the same for all replicas, made with `{_NEW}`: "
            "without it, tokens, sessions and acceptances end with the process",
        )  # fmt: skip
        return
    yield _count(keys, named)
    for place, key in enumerate(keys, 1):
        if (bits := strength_of(key)) < STRONG_BITS:
            yield warning(
                AREA,
                f"{named}: key {place} has at most {bits:.0f} bits of randomness",
                f"put a random one in front, made with `{_NEW}`, and remove this one when everything that it "
                f"signed has expired",
            )
    yield from _age(loaded, time.time() if now is None else now)


def strength_of(key: str) -> float:
    """At most so many bits are needed to guess a key, by the characters that it repeats (Shannon)."""
    counts = Counter(key).values()
    return sum(count * math.log2(len(key) / count) for count in counts)


def _count(keys: list[str], named: str) -> Finding:
    if len(set(keys)) < len(keys):
        return error(AREA, f"{named}: a key occurs twice", "remove one of the two")
    if len(keys) > MOST_KEYS:
        return warning(
            AREA,
            f"{named}: {len(keys)} keys are in use",
            "remove those whose tokens have expired: each of them could be stolen",
        )
    return well(AREA, f"{named}: {len(keys)} {'key' if len(keys) == 1 else 'keys'}; the first signs")


def _age(loaded: LoadedSettings, now: float) -> Iterator[Finding]:
    """The keys have no date of their own, but are not younger than the file that they are in."""
    if loaded.file is None or loaded.sources["secret_keys"] in ("environment", "default"):
        return
    try:
        days = (now - loaded.file.stat().st_mtime) / 86400
    except OSError:
        return
    if days > OLD_DAYS:
        text = f"{loaded.file} has not changed for {days:.0f} days, nor have its keys"
        yield warning(AREA, text, "rotate the keys once a year: see 'Rotating keys' in docs/operations.md")
