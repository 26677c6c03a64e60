"""Several downloads at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

from app.client.download import Downloader, Fetched, RemoteFile
from app.client.errors import FetchFailed, LicenceNeeded
from app.client.listings import Found, LeftOut
from app.client.places import shown


class Outcome(NamedTuple):
    """What became of one file.

    Attributes:
        path: below the destination; empty where it is not known.
        url: of the file; empty where it is not known.
        result: the file that is there now, or why it is not.
    """

    path: str
    url: str
    result: Fetched | FetchFailed


Settle = Callable[[LicenceNeeded], Awaitable[bool]]
"""Asks about licences. Returns whether they are accepted now."""


async def transfer(
    files: AsyncIterator[Found],
    downloader: Downloader,
    settle: Settle,
    report: Callable[[Outcome], None],
    jobs: int,
) -> None:
    """Fetch files, some at a time, and report each. No failure of one keeps another from being fetched.

    Args:
        jobs: how many at a time.

    Raises:
        FetchFailed: the list of files cannot be had, or breaks off; those before are fetched.
        OSError: by `report`.
    """
    queue: asyncio.Queue[RemoteFile | None] = asyncio.Queue(maxsize=jobs)

    async def work() -> None:
        while (file := await queue.get()) is not None:
            report(Outcome(file.path.text, str(file.url), await _result(file, downloader, settle)))

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(jobs):
                tasks.create_task(work())
            failure = await _distribute(files, queue, report)
            for _ in range(jobs):
                await queue.put(None)
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    if failure is not None:
        raise failure


async def _distribute(
    files: AsyncIterator[Found], queue: asyncio.Queue[RemoteFile | None], report: Callable[[Outcome], None]
) -> FetchFailed | None:
    """Hand all files to those who work. Returns why there are no more, if that is no good end."""
    try:
        async for found in files:
            if isinstance(found, LeftOut):
                report(Outcome(found.path, "", found.reason))
            else:
                await queue.put(found)
    except FetchFailed as error:
        return error
    return None


async def _result(file: RemoteFile, downloader: Downloader, settle: Settle) -> Fetched | FetchFailed:
    try:
        try:
            return await downloader.fetch(file)
        except LicenceNeeded as needed:
            if not await settle(needed):
                return needed
            return await downloader.fetch(file._replace(licences=needed.licences))
    except FetchFailed as error:
        return error
    except OSError as error:
        return FetchFailed(f"{shown(file.path)}: {error.strerror or error}")
