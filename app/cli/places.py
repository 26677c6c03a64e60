"""The directories and buckets that the settings publish."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from app.config import ConfigError, LoadedSettings
from app.domain.errors import RequestError
from app.domain.own_file import read_own_file
from app.domain.paths import ArtifactPath
from app.domain.storage_urls import S3Place, StoragePlace, parse_storage_url, split_object_url


def places_of(loaded: LoadedSettings) -> tuple[StoragePlace, ...]:
    """Every published directory and bucket, the overlay last.

    Raises:
        ConfigError: names the setting of each invalid URL; never quotes the URL.
    """
    settings = loaded.settings
    overlay = (settings.overlay,) if settings.overlay else ()
    places: list[StoragePlace] = []
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


def identity_of(places: Iterable[StoragePlace], environ: Mapping[str, str]) -> tuple[object, ...]:
    """What differs as soon as the same URLs name another storage.

    A directory may be a link, or be replaced. The AWS configuration file may name the endpoint of a bucket.

    Args:
        environ: the process environment.
    """
    configuration = Path(environ.get("AWS_CONFIG_FILE") or "~/.aws/config")
    return tuple(
        _directory_behind(place) if isinstance(place, Path) else _content_of(configuration)
        for place in places
    )


def _directory_behind(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _content_of(path: Path) -> bytes | None:
    try:
        return read_own_file(path.expanduser())
    except (OSError, RuntimeError):  # there is none, or no home
        return None


def fault_of_object(loaded: LoadedSettings, places: Iterable[StoragePlace]) -> list[str]:
    """The error if the list of revoked ids is an object that is published, or that cannot be; empty for none."""
    url = loaded.settings.revoked_file
    if not isinstance(url, str):
        return []
    named = loaded.named("revoked_file")
    folder, name = split_object_url(url)
    try:
        own = parse_storage_url(folder)
        ArtifactPath.of(name, is_folder=False)
    except (ValueError, RequestError) as error:
        return [f"{named}: {str(error).removeprefix('storage ')}"]
    assert isinstance(own, S3Place)
    for place in places:
        if isinstance(place, S3Place) and place.bucket == own.bucket and own.prefix.startswith(place.prefix):
            return [
                f"{named}: {url} is in s3://{place.bucket}/{place.prefix}, which is published: move it elsewhere"
            ]
    return []
