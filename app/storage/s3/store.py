"""The back-end for an S3 bucket, over aioboto3. Operations are those of the S3 API reference."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, aclosing, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import structlog
from botocore.exceptions import ClientError

from app.domain.entries import FileInfo, Found, Listing
from app.domain.errors import NotFound, ObjectArchived, ObjectEncrypted, StoreDenied
from app.domain.paths import ArtifactPath, display_name
from app.storage.observation import observed
from app.storage.s3.call_limits import CallLimiter
from app.storage.s3.download import RESUME_PAUSES, Download, get_span, read_exactly
from app.storage.s3.entries import FoundEntries
from app.storage.s3.errors import s3_errors_translated, status_of, translate
from app.storage.s3.failure_log import FailureLog
from app.storage.s3.file_info import file_info_of
from app.storage.s3.key_order import KeyOrder
from app.storage.s3.keys import KeySpace
from app.storage.s3.list_call import PageFetcher, first_key, flat_pages
from app.storage.s3.list_page import ListPage
from app.storage.s3.parallel_listing import ListQuery, RangeLister
from app.storage.s3.spelling import Spelling
from app.storage.s3.url_signer import UrlMaker
from app.storage.s3.walk import S3Walk
from app.storage.store import (
    CONTROL_FILE_LIMIT,
    FolderWatch,
    ListNames,
    ObjectStore,
    Observer,
    SignedUrl,
)

if TYPE_CHECKING:
    from aiobotocore.response import StreamingBody
    from types_aiobotocore_s3.client import S3Client

_EXAMPLES = 5
_UNEXPLAINED = frozenset({400, 403})
_REFUSALS = (StoreDenied, ObjectArchived, ObjectEncrypted)
_Result = TypeVar("_Result")

_log = structlog.get_logger(__name__)


class S3Store:
    """An `ObjectStore` over the keys of a bucket that begin with a prefix.

    Args:
        client: for calls whose answer is read at once.
        downloads: for objects that are streamed at the pace of their readers. It must not share the other's
            connection pool, or slow readers could use up all connections and stop every page.
        pages: lists its keys.
        bucket: its name.
        keys: maps paths to keys.
        signer: makes URLs of the bucket.
        limiter: makes every call.
        failures: logs why calls fail.
        observe: called after every attempt.
        pauses: before attempts to resume a broken body, as `RESUME_PAUSES`.
    """

    is_one = True
    has_first_pages = True

    def __init__(
        self,
        client: S3Client,
        downloads: S3Client,
        pages: PageFetcher,
        bucket: str,
        keys: KeySpace,
        *,
        signer: UrlMaker,
        limiter: CallLimiter,
        failures: FailureLog,
        observe: Observer,
        pauses: Sequence[float] = RESUME_PAUSES,
    ) -> None:
        self._client = client
        self._downloads = downloads
        self._pages = pages
        self._spelling = Spelling(keys.prefix, self._fetch, clock=time.monotonic)
        self._lister = RangeLister(self._spelling.fetch)
        self._order = KeyOrder(self._spelling.fetch)
        self._bucket = bucket
        self._keys = keys
        self._signer = signer
        self._limiter = limiter
        self._failures = failures
        self._observe = observe
        self._pauses = pauses

    async def list_folder(self, path: ArtifactPath, watch: FolderWatch | None = None) -> Listing:
        """See `ObjectStore.list_folder`. A single `prefix/` key is an empty folder."""
        found = FoundEntries(self._keys, path.as_folder)
        folder_keys = self._keys.keys(path.as_folder)
        for folder_key in folder_keys:
            watching = watch if len(folder_keys) == 1 else None
            await self._lister.run(folder_key, found.taker(folder_key, watching))
        if found.is_empty and path.segments:
            raise NotFound
        if found.skipped:
            examples = [display_name(name) for name in found.skipped[:_EXAMPLES]]
            _log.warning("keys_skipped", folder=path.url, count=len(found.skipped), examples=examples)
        return found.listing()

    def walk(
        self, path: ArtifactPath, after: str, list_names: ListNames
    ) -> AsyncGenerator[Sequence[Found], None]:
        """See `ObjectStore.walk`. One call for a thousand keys, in any number of folders."""
        list_pages = partial(flat_pages, self._spelling.fetch)
        walk = S3Walk(self._keys, list_pages, self.list_folder, list_names, self._order)
        return walk.run(path.as_folder, after)

    async def head(self, path: ArtifactPath, *, is_listed: bool = False) -> FileInfo:
        """See `ObjectStore.head`. Without `is_listed`, an absent file costs one call and an existing one two."""

        async def look(key: str) -> FileInfo:
            return await self._call("head", key, partial(self._head, key))

        return await self._first_found(path, look, is_listed=is_listed)

    async def read_small(self, path: ArtifactPath, *, is_listed: bool = False) -> bytes:
        """See `ObjectStore.read_small`. As many calls as `head`."""

        async def read(key: str) -> bytes:
            return await self._call("get", key, partial(self._read_whole, key))

        return await self._first_found(path, read, is_listed=is_listed)

    @asynccontextmanager
    async def open_range(
        self, path: ArtifactPath, info: FileInfo, first: int, length: int
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `ObjectStore.open_range`. A body that breaks off is resumed, as `Download` says, if it has an ETag."""
        pauses = self._pauses if info.e_tag is not None else ()

        async def begin(key: str) -> Download:
            return await Download(partial(self._ask, key, info), first, length, pauses=pauses).open()

        # The object is the one that `info` describes, whose spelling was confirmed then.
        download = await self._first_found(path, begin, is_listed=True)
        try:
            async with aclosing(download.chunks()) as chunks:
                yield chunks
        finally:
            download.close()

    async def presign(
        self, path: ArtifactPath, *, fields: Mapping[str, str], expires: int, origin: str = ""
    ) -> SignedUrl:
        """See `ObjectStore.presign`. Asks S3 only if the path may be stored under one of several keys."""
        del origin
        key = await self._stored_key(path)
        query = {f"response-{name.lower()}": value for name, value in fields.items()}
        with self._failures.noted("sign", key):
            return await self._signer.presign("GET", key, query, seconds=expires)

    async def check(self) -> tuple[str, ...]:
        """See `ObjectStore.check`."""
        await self._run("check", self._keys.prefix, partial(first_key, self._pages, self._keys.prefix))
        return ()

    async def from_one(self, use: Callable[[ObjectStore], Awaitable[_Result]]) -> _Result:
        """See `ObjectStore.from_one`."""
        return await use(self)

    async def _head(self, key: str) -> FileInfo:
        try:
            answer = await self._client.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            raise await self._with_reason(key, error) from error
        return file_info_of(answer)

    async def _with_reason(self, key: str, error: ClientError) -> ClientError:
        """An error answer to a HEAD, which has no body, or the one to a GET that says why.

        The difference between credentials that S3 rejects and a single object that is encrypted is only in that.
        """
        if status_of(error) not in _UNEXPLAINED:
            return error
        try:
            answer = await self._client.get_object(Bucket=self._bucket, Key=key, Range="bytes=0-0")
        except ClientError as explained:
            return explained if isinstance(translate(explained), _REFUSALS) else error
        answer["Body"].close()
        return error

    async def _read_whole(self, key: str) -> bytes:
        answer = await self._client.get_object(Bucket=self._bucket, Key=key)
        body = answer["Body"]
        try:
            if answer["ContentLength"] > CONTROL_FILE_LIMIT:
                raise ValueError(f"a control file has at most {CONTROL_FILE_LIMIT} bytes")
            return await read_exactly(body, answer["ContentLength"])
        finally:
            body.close()

    async def _ask(self, key: str, info: FileInfo, first: int, length: int) -> StreamingBody:
        span = partial(get_span, self._downloads, self._bucket, key, info, first, length)
        return await self._call("get", key, span)

    async def _stored_key(self, path: ArtifactPath) -> str:
        keys = self._keys.keys(path)
        if path.is_folder or not keys:
            raise NotFound
        if len(keys) == 1:
            return keys[0]

        async def look(key: str) -> str:
            await self._call("head", key, partial(self._head, key))
            return key

        return await self._first_found(path, look, is_listed=True)

    async def _first_found(
        self, path: ArtifactPath, look: Callable[[str], Awaitable[_Result]], *, is_listed: bool
    ) -> _Result:
        """Try each key that a file may be stored under, in order.

        Args:
            is_listed: as in `ObjectStore.head`.

        Raises:
            NotFound: it is under none of them.
        """
        if not path.is_folder:
            for key in self._keys.keys(path):
                if is_listed or await self._is_exact(key):
                    with suppress(NotFound):
                        return await look(key)
        raise NotFound

    async def _fetch(self, query: ListQuery) -> ListPage:
        return await self._run("list", query.prefix, partial(self._pages.fetch, query))

    async def _call(self, operation: str, key: str, call: Callable[[], Awaitable[_Result]]) -> _Result:
        """Make a call about a key within the limits; each attempt is observed by itself."""

        async def attempt() -> _Result:
            with observed(self._observe, operation), self._errors_translated():
                return await call()

        return await self._run(operation, key, attempt)

    async def _is_exact(self, key: str) -> bool:
        return await self._spelling.is_exact(key)

    def _errors_translated(self) -> AbstractContextManager[None]:
        return s3_errors_translated()

    async def _run(self, operation: str, key: str, call: Callable[[], Awaitable[_Result]]) -> _Result:
        with self._failures.noted(operation, key):
            # A folder and its own entry, which are listed side by side, count as one that fails.
            return await self._limiter.run(call, about=key.removesuffix("/"))
