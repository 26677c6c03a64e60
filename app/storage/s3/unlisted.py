"""The back-end for an S3 bucket whose objects may be read, and not listed (`list=no`).

Without s3:ListBucket, S3 answers 403 `AccessDenied` for a key that is absent, too (Amazon S3 API Reference, HeadObject and
GetObject, "Permissions").
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final

from botocore.exceptions import ClientError

from app.domain.errors import ListingUnavailable, NotFound, StoreDenied
from app.storage.s3.errors import code_and_message, s3_errors_translated, translate
from app.storage.s3.list_page import ListPage
from app.storage.s3.parallel_listing import ListQuery
from app.storage.s3.store import S3Store

_NAME_TO_CHECK: Final = "BUILD-INFO.txt"
"""Any would do: S3 refuses to give it, or gives it, to those whom it knows."""


class UnlistedS3Store(S3Store):
    """An `ObjectStore` that gives files by their exact paths. Nothing confirms how these are spelled, so the engine must
    tell keys apart byte by byte, as Amazon S3 does."""

    async def check(self) -> tuple[str, ...]:
        """See `ObjectStore.check`."""
        key = self._keys.prefix + _NAME_TO_CHECK
        with suppress(NotFound):
            await self._call("check", key, partial(self._give, key))
        return ()

    async def _give(self, key: str) -> None:
        answer = await self._client.get_object(Bucket=self._bucket, Key=key)
        answer["Body"].close()

    async def _fetch(self, query: ListQuery) -> ListPage:
        del query
        raise ListingUnavailable

    async def _is_exact(self, key: str) -> bool:
        del key
        return True

    @contextmanager
    def _errors_translated(self) -> Iterator[None]:
        with s3_errors_translated():
            try:
                yield
            except ClientError as error:
                code, _ = code_and_message(error)
                if code == "AccessDenied" and isinstance(translate(error), StoreDenied):
                    raise NotFound from error
                raise
