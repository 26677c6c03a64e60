"""What the settings name: the directories and buckets that are published."""

from __future__ import annotations

from pathlib import Path

from app.config import ConfigError, LoadedSettings
from app.storage.urls import S3Place, parse_storage_url


def places_of(loaded: LoadedSettings) -> tuple[S3Place | Path, ...]:
    """Every place that something is published from, the overlay last.

    Raises:
        ConfigError: naming each URL that is of no known form, and quoting none.
    """
    settings = loaded.settings
    overlay = (settings.overlay,) if settings.overlay else ()
    places: list[S3Place | Path] = []
    faults: list[str] = []
    for name, urls in (("storage", settings.storage), ("overlay", overlay)):
        for url in urls:
            try:
                places.append(parse_storage_url(url))
            except ValueError as error:
                faults.append(f"{loaded.named(name)}: {str(error).removeprefix('storage ')}")
    if faults:
        raise ConfigError(tuple(faults))
    return tuple(places)
