"""All sections, in the order in which they are measured and published. A new one is a module and a line here."""

from __future__ import annotations

from typing import Final

from benchmarks import (
    cold,
    credentials,
    crowd,
    downloads,
    files,
    growth,
    listing,
    loop_hold,
    recursive,
    redirect,
    served_listing,
    slow_clients,
    slow_s3,
    warm,
)

SECTIONS: Final = (
    warm.SECTION,
    credentials.SECTION,
    cold.SECTION,
    slow_s3.SECTION,
    growth.SECTION,
    crowd.SECTION,
    recursive.SECTION,
    files.SECTION,
    redirect.SECTION,
    listing.SECTION,
    served_listing.SECTION,
    loop_hold.SECTION,
    downloads.SECTION,
    slow_clients.SECTION,
)
