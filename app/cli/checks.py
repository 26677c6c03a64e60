"""Checks of the settings that only work by using them."""

from __future__ import annotations

import os
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from app.cli.own_files import faults_of_place, own_files
from app.cli.places import places_of
from app.config import ConfigError, LoadedSettings
from app.main import read_site_policy
from app.policy.site_policy import SitePolicy
from app.storage.observation import Unwatched
from app.storage.open_store import open_storage
from app.storage.store import ObjectStore


async def check_all(loaded: LoadedSettings) -> SitePolicy:
    """Read the site policy, open the storage once, and check that none of the server's own files are published.

    The storage is not read: `/readyz` says whether S3 answers.

    Raises:
        ConfigError: with all errors, not only the first.
    """
    faults: list[str] = []
    licences: list[Path] = []
    policy = SitePolicy()
    try:
        policy = read_site_policy(loaded.settings, licences.append)
    except ConfigError as error:
        faults += error.faults
    try:
        places = places_of(loaded)
    except ConfigError as error:
        faults = [*error.faults, *faults]
    else:
        directories = (place for place in places if isinstance(place, Path))
        own = own_files(loaded, licences, os.environ)
        faults = [*await _faults_of_storage(loaded), *faults, *faults_of_place(own, directories)]
    if faults:
        raise ConfigError(tuple(faults))
    return policy


async def _faults_of_storage(loaded: LoadedSettings) -> list[str]:
    try:
        store = open_storage(loaded.settings.storage, loaded.settings.overlay, watch=Unwatched())
    except ValueError as error:
        return [f"{loaded.named('storage')}: {str(error).removeprefix('storage ')}"]
    return await _faults_of_opening(store)


async def _faults_of_opening(store: AbstractAsyncContextManager[ObjectStore]) -> list[str]:
    try:
        async with store:
            return []
    except ValueError as error:
        # Do not repeat botocore's message: it quotes the whole endpoint, which may contain a password.
        said = (
            "must be a URL"
            if str(error).startswith("Invalid endpoint")
            else str(error).removeprefix("storage ")
        )
        return [f"AWS_ENDPOINT_URL_S3, or the endpoint in the AWS configuration file: {said}"]
