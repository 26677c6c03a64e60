"""The directories and buckets that the settings publish."""

from __future__ import annotations

from pathlib import Path

from app.config import ConfigError, LoadedSettings
from app.storage.urls import S3Place, parse_storage_url


def places_of(loaded: LoadedSettings) -> tuple[S3Place | Path, ...]:
    """Every published directory and bucket, the overlay last.

    Raises:
        ConfigError: names the setting of each invalid URL; never quotes the URL.
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
