"""What can be found out about the settings only by using them."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from app.cli.places import places_of
from app.config import ConfigError, LoadedSettings
from app.main import read_site_policy
from app.policy.site_policy import SitePolicy
from app.storage.open_store import open_storage
from app.storage.store import ObjectStore
from app.storage.watching import Unwatched


async def check_all(loaded: LoadedSettings) -> SitePolicy:
    """Read the site policy and open the storage once, asking nothing of it: whether S3 answers, `/readyz` tells.

    Raises:
        ConfigError: everything that is wrong, rather than the first of it.
    """
    faults: list[str] = []
    policy = SitePolicy()
    try:
        places_of(loaded)
        store = open_storage(loaded.settings.storage, loaded.settings.overlay, watch=Unwatched())
    except ConfigError as error:
        faults += error.faults
    except ValueError as error:
        faults.append(f"{loaded.named('storage')}: {str(error).removeprefix('storage ')}")
    else:
        faults += await _faults_of_opening(store)
    try:
        policy = read_site_policy(loaded.settings)
    except ConfigError as error:
        faults += error.faults
    if faults:
        raise ConfigError(tuple(faults))
    return policy


async def _faults_of_opening(store: AbstractAsyncContextManager[ObjectStore]) -> list[str]:
    try:
        async with store:
            return []
    except ValueError as error:
        # Of what botocore says only this: it quotes the whole endpoint, which may have a password in it.
        said = (
            "must be a URL"
            if str(error).startswith("Invalid endpoint")
            else str(error).removeprefix("storage ")
        )
        return [f"AWS_ENDPOINT_URL_S3, or the endpoint in the AWS configuration file: {said}"]
