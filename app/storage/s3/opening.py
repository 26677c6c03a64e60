"""Puts an S3 store together and closes it again."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from app.domain.storage_urls import S3Place
from app.storage.s3.call_limits import DEFAULT_LIMITS, CallLimiter, CallLimits
from app.storage.s3.clients import (
    REQUEST_PAYER,
    UNLIMITED,
    Timeouts,
    ca_bundle_of,
    let_requester_pay,
    new_session,
    open_client,
    trace_calls,
)
from app.storage.s3.download import RESUME_PAUSES
from app.storage.s3.failure_log import FailureLog
from app.storage.s3.inflating import inflate_errors
from app.storage.s3.keys import KeySpace
from app.storage.s3.list_call import PageFetcher, first_key, open_http
from app.storage.s3.sigv4 import Address, Presigner
from app.storage.s3.store import S3Store
from app.storage.s3.unlisted import UnlistedS3Store
from app.storage.s3.url_signer import PlainUrls, UrlMaker, UrlSigner, find_address
from app.storage.store import PRIMARY, Observer

if TYPE_CHECKING:
    import aioboto3
    from types_aiobotocore_s3.client import S3Client

_DEFAULT_TIMEOUTS = Timeouts(connect=2.0, read=10.0)


@asynccontextmanager
async def open_s3_store(
    place: S3Place,
    *,
    observe: Observer,
    name: str = PRIMARY,
    note_circuit: Callable[[bool], None] | None = None,
    limits: CallLimits = DEFAULT_LIMITS,
    timeouts: Timeouts = _DEFAULT_TIMEOUTS,
    resume_pauses: Sequence[float] = RESUME_PAUSES,
) -> AsyncIterator[S3Store]:
    """Open a store over a bucket. Credentials, region and endpoint follow the AWS conventions (`AWS_*`).

    Args:
        place: the bucket, and where its tree begins.
        observe: called after every attempt of every call.
        name: of the store, in the log.
        note_circuit: called with True when the circuit opens, and with False when it closes.
        limits: for the calls of S3.
        timeouts: for the connections to S3.
        resume_pauses: seconds before each attempt to resume a broken download, as `RESUME_PAUSES`.

    Raises:
        ValueError: the endpoint in the environment is not a URL or has credentials in it, there is no such
            profile, or `AWS_CA_BUNDLE` cannot be used. It names the setting.
    """
    session = new_session(profile=place.profile, region=place.region)
    address = await find_address(session, timeouts, place.bucket, place.endpoint)
    signer = _url_maker(place, session, address)
    keys = KeySpace(place.prefix)
    failures = FailureLog(name, f"bucket {place.bucket!r} at {address.origin}")
    async with (
        _open_client(place, session, timeouts, limits.in_flight) as client,
        _open_client(place, session, timeouts, UNLIMITED) as downloads,
        open_http(timeouts, limits.in_flight, ca_bundle=ca_bundle_of(session)) as http,
    ):
        pages = PageFetcher(http, signer, observe=observe)
        probe = partial(first_key, pages, keys.prefix)
        async with aclosing(CallLimiter(limits, probe=probe, note_circuit=note_circuit)) as limiter:
            yield (S3Store if place.is_listed else UnlistedS3Store)(
                client,
                downloads,
                pages,
                place.bucket,
                keys,
                signer=signer,
                limiter=limiter,
                failures=failures,
                observe=observe,
                pauses=resume_pauses,
            )


@asynccontextmanager
async def _open_client(
    place: S3Place, session: aioboto3.Session, timeouts: Timeouts, max_connections: int
) -> AsyncIterator[S3Client]:
    unsigned = place.is_unsigned
    async with open_client(
        session, timeouts, max_connections, place.endpoint, is_unsigned=unsigned
    ) as client:
        inflate_errors(client)
        trace_calls(client)
        if place.requester_pays:
            let_requester_pay(client)
        yield client


def _url_maker(place: S3Place, session: aioboto3.Session, address: Address) -> UrlMaker:
    if place.is_unsigned:
        return PlainUrls(address, clock=time.time)
    always = REQUEST_PAYER if place.requester_pays else {}
    return UrlSigner(session, Presigner(address, always), clock=time.time)
