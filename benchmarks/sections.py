"""All sections, in the order in which they are measured and published."""

from __future__ import annotations

from typing import Final

from benchmarks import (
    credentials,
    downloads,
    first_listing,
    growth,
    large_folders,
    slow_s3,
    small_machine,
    warm,
)

SECTIONS: Final = (
    warm.WARM,
    credentials.CREDENTIALS,
    slow_s3.COLD,
    slow_s3.SLOW_S3,
    growth.GROWTH,
    small_machine.CROWD,
    large_folders.RECURSIVE,
    downloads.FILES,
    downloads.REDIRECT,
    first_listing.LISTING,
    first_listing.SERVED_LISTING,
    large_folders.LOOP_HOLD,
    downloads.DOWNLOADS,
    small_machine.SLOW,
)
