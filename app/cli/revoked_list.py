"""The list of revoked ids as commands read and change it: a file, or an object of a bucket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from app.auth.revocation import add_revoked, line_to_add, parse_revoked, read_revoked
from app.config import ConfigError, Settings
from app.domain.extras import how_to_install, is_installed
from app.domain.storage_urls import S3Place, parse_storage_url, split_object_url

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

_TRIES: Final = 5
"""Attempts to write an object that others change at the same time."""
_CHANGED: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_MISSING: Final = frozenset({"NoSuchKey", "404"})


class RevokedList(Protocol):
    """Ids, each with what is noted beside it."""

    def read(self) -> dict[str, str]:
        """All of them.

        Raises:
            ConfigError: it cannot be read.
        """

    def add(self, identifier: str, note: str) -> None:
        """Add one; a list that does not exist is made.

        Raises:
            ConfigError: it cannot be read or written.
        """


def revoked_list(settings: Settings) -> RevokedList:
    """The list that the settings name.

    Raises:
        ConfigError: they name none.
    """
    place = settings.revoked_file
    if place is None:
        raise ConfigError(
            ("revoked_file: must be set to revoke tokens: the file or object that the server reads",)
        )
    return RevokedFile(place) if isinstance(place, Path) else RevokedObject(place)


class RevokedFile:
    """A file. See `RevokedList`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, str]:
        """See `RevokedList.read`."""
        try:
            return read_revoked(self._path)
        except (OSError, ValueError) as error:
            raise ConfigError((f"revoked_file: {self._path} cannot be read: {error}",)) from error

    def add(self, identifier: str, note: str) -> None:
        """See `RevokedList.add`."""
        try:
            add_revoked(self._path, identifier, note)
        except (OSError, ValueError) as error:
            raise ConfigError((f"revoked_file: {self._path} cannot be written: {_reason(error)}",)) from error


class RevokedObject:
    """An object of a bucket. See `RevokedList`.

    Args:
        url: `s3://bucket/key`, perhaps with the parameters of a storage URL.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        folder, name = split_object_url(url)
        place = parse_storage_url(folder)
        assert isinstance(place, S3Place)
        self._place = place
        self._key = place.prefix + name

    def read(self) -> dict[str, str]:
        """See `RevokedList.read`."""
        return asyncio.run(self._read())

    def add(self, identifier: str, note: str) -> None:
        """See `RevokedList.add`."""
        asyncio.run(self._add(identifier, note))

    async def _read(self) -> dict[str, str]:
        async with self._client("read") as client:
            return parse_revoked((await self._get(client))[0])

    async def _add(self, identifier: str, note: str) -> None:
        async with self._client("written") as client:
            for _ in range(_TRIES):
                content, e_tag = await self._get(client, may_be_missing=True)
                if await self._put(client, content + line_to_add(content, identifier, note), e_tag):
                    return
        raise ConfigError((f"revoked_file: {self._url} is being changed by others; try again",))

    @asynccontextmanager
    async def _client(self, done: str) -> AsyncIterator[S3Client]:
        """A client by the AWS conventions, whose errors say what could not be done."""
        if not is_installed("s3"):
            raise ConfigError((f"revoked_file: {self._url}: the part for S3 {how_to_install('s3')}",))
        # Imported here: other commands start fast without the libraries for S3.
        from botocore.exceptions import BotoCoreError, ClientError

        from app.storage.s3.clients import UNLIMITED, Timeouts, new_session, open_client

        place = self._place
        try:
            session = new_session(profile=place.profile, region=place.region)
            async with open_client(session, Timeouts(2.0, 10.0), UNLIMITED, place.endpoint) as client:
                yield client
        except (BotoCoreError, ClientError, ValueError) as error:
            raise ConfigError((f"revoked_file: {self._url} cannot be {done}: {error}",)) from error

    async def _get(self, client: S3Client, *, may_be_missing: bool = False) -> tuple[bytes, str]:
        """The list, and the entity tag of the object; empty where there is none."""
        from botocore.exceptions import ClientError

        try:
            answer = await client.get_object(Bucket=self._place.bucket, Key=self._key)
        except ClientError as error:
            if may_be_missing and _code(error.response) in _MISSING:
                return b"", ""
            raise
        return await answer["Body"].read(), answer["ETag"]

    async def _put(self, client: S3Client, content: bytes, e_tag: str) -> bool:
        """Replace the object that was read; False if it has changed since (S3 User Guide, "Conditional writes")."""
        from botocore.exceptions import ClientError

        place, key = self._place.bucket, self._key
        try:
            if e_tag:
                await client.put_object(Bucket=place, Key=key, Body=content, IfMatch=e_tag)
            else:
                await client.put_object(Bucket=place, Key=key, Body=content, IfNoneMatch="*")
        except ClientError as error:
            if _code(error.response) in _CHANGED:
                return False
            raise
        return True


def _reason(error: OSError | ValueError) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _code(response: Mapping[str, Any]) -> str:
    return str(response.get("Error", {}).get("Code", ""))
