"""Each store: whether it can be listed and read with these credentials, and what time it is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from time import perf_counter
from typing import Final

from app.cli.doctor.finding import Finding, error, warning, well
from app.config import LoadedSettings
from app.domain.entries import File, Folder, Listing
from app.domain.errors import ListingUnavailable, PierheadError, StoreError
from app.domain.paths import ROOT, ArtifactPath
from app.domain.storage_urls import S3Place, parse_storage_url
from app.http_semantics.dates import parse_http_date
from app.storage.observation import Unwatched
from app.storage.open_store import open_store
from app.storage.store import PRIMARY, ObjectStore

AREA: Final = "storage"
CALL_SECONDS: Final = 15.0
"""Longest time for all calls to one store."""
SLOW_SECONDS: Final = 1.0
SKEW_WARNING_SECONDS: Final = 30.0
SKEW_ERROR_SECONDS: Final = 900.0
"""S3 refuses signatures that are this far from its own clock (`RequestTimeTooSkewed`)."""
_MOST_FOLDERS: Final = 20
"""How many folders are looked into for a file to read."""


async def look_at_stores(loaded: LoadedSettings) -> AsyncIterator[Finding]:
    """Look at every store of every site, one after the other."""
    found = (one.settings for one in loaded.served)
    for url in dict.fromkeys(url for one in found for url in (*one.storage, one.overlay) if url):
        place = parse_storage_url(url)
        name = f"s3://{place.bucket}/{place.prefix}" if isinstance(place, S3Place) else str(place)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                async for finding in _look_at(url, name):
                    yield finding
        except TimeoutError:
            yield error(
                AREA, f"{name}: no answer in {CALL_SECONDS:g} seconds", "check the endpoint and the network"
            )
        except (StoreError, ValueError) as failure:
            yield _failed(name, "cannot be read", failure)
        if isinstance(place, S3Place):
            yield await _clock_of(place, name)


async def _look_at(url: str, name: str) -> AsyncIterator[Finding]:
    watch = Unwatched()
    async with open_store(url, observe=watch.observer_of(PRIMARY)) as store:
        began = perf_counter()
        try:
            top = await store.list_folder(ROOT)
        except ListingUnavailable:
            yield warning(
                AREA,
                f"{name}: is not listed, as list=no says",
                "to have pages of folders, allow these credentials s3:ListBucket and remove list=no",
            )
            return
        except StoreError as failure:
            yield _failed(name, "cannot be listed", failure)
            return
        seconds = perf_counter() - began
        text = f"{name}: {len(top.entries)} entries at the top, listed in {seconds * 1000:.0f} ms"
        if seconds > SLOW_SECONDS:
            yield warning(
                AREA,
                text,
                "check the network to the storage: the first request for each folder waits this long",
            )
        else:
            yield well(AREA, text)
        yield await _read_one(store, top, name)


async def _read_one(store: ObjectStore, top: Listing, name: str) -> Finding:
    """Look up and read the first file that is found."""
    path = await _some_file(store, top)
    if path is None:
        return warning(
            AREA,
            f"{name}: no file was found to read",
            "check that the storage setting names the right folder",
        )
    try:
        info = await store.head(path, is_listed=True)
        async with store.open_range(path, info, 0, min(1, info.size)) as chunks:
            async for _ in chunks:
                pass
    except PierheadError as failure:
        return _failed(name, f"{path.url} is listed but cannot be read", failure)
    return well(AREA, f"{name}: {path.url} can be looked up and read")


async def _some_file(store: ObjectStore, top: Listing) -> ArtifactPath | None:
    folders = [top]
    for _ in range(_MOST_FOLDERS):
        if not folders:
            return None
        listing = folders.pop(0)
        for entry in listing.entries:
            if isinstance(entry, File) and entry.size:
                return listing.path.child(entry.name)
        inner = [entry.name for entry in listing.entries if isinstance(entry, Folder)][:2]
        folders += [await store.list_folder(listing.path.child(one, is_folder=True)) for one in inner]
    return None


async def _clock_of(place: S3Place, name: str) -> Finding:
    """Compare the clocks. Any answer has a date, whatever else it says (RFC 9110 section 6.6.1)."""
    import aiohttp

    from app.storage.s3.clients import Timeouts, ca_bundle_of, new_session
    from app.storage.s3.list_call import open_http
    from app.storage.s3.url_signer import find_address

    timeouts = Timeouts(connect=5, read=5)
    try:
        session = new_session(profile=place.profile, region=place.region)
        address = await find_address(session, timeouts, place.bucket, place.endpoint)
        async with (
            asyncio.timeout(CALL_SECONDS),
            open_http(timeouts, 1, ca_bundle=ca_bundle_of(session)) as http,
            http.head(address.origin, allow_redirects=False) as answer,
        ):
            now = time.time()
            there = parse_http_date(answer.headers.get("Date", ""), now=now)
    except (aiohttp.ClientError, TimeoutError, ValueError) as failure:
        return error(
            AREA,
            f"{name}: its clock cannot be read ({type(failure).__name__})",
            "check the endpoint and the network",
        )
    if there is None:
        return warning(
            AREA, f"{name}: answers have no Date", "compare the clocks yourself: signatures depend on them"
        )
    return skew_of(name, now - there)


def skew_of(name: str, ahead: float) -> Finding:
    """What a difference between the clocks means.

    Args:
        ahead: seconds by which the clock of this host is ahead.
    """
    way = "ahead of" if ahead > 0 else "behind"
    text = f"{name}: the clock of this host is {abs(ahead):.0f} s {way} that of the storage"
    if abs(ahead) >= SKEW_ERROR_SECONDS:
        return error(
            AREA, text, "set this host's clock (chrony, systemd-timesyncd): S3 refuses such signatures"
        )
    if abs(ahead) >= SKEW_WARNING_SECONDS:
        return warning(
            AREA,
            text,
            "set this host's clock: presigned URLs and tokens are valid for less or more time than they say",
        )
    return well(AREA, text)


def _failed(name: str, what: str, failure: Exception) -> Finding:
    explained = getattr(failure, "explanation", "") or str(failure)
    return error(AREA, f"{name}: {what}", explained)
