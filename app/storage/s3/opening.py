"""Puts an S3 store together and closes it again."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial

from app.storage.s3.call_limits import DEFAULT_LIMITS, CallLimiter, CallLimits
from app.storage.s3.clients import UNLIMITED, Timeouts, ca_bundle_of, new_session, open_client
from app.storage.s3.download import RESUME_PAUSES
from app.storage.s3.failure_log import FailureLog
from app.storage.s3.keys import KeySpace
from app.storage.s3.list_call import PageFetcher, first_key, open_http
from app.storage.s3.sigv4 import Presigner
from app.storage.s3.store import S3Store
from app.storage.s3.url_signer import UrlSigner, find_address
from app.storage.store import PRIMARY, Observer
from app.storage.urls import S3Place

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
    signer = UrlSigner(session, Presigner(address), clock=time.time)
    keys = KeySpace(place.prefix)
    failures = FailureLog(name, f"bucket {place.bucket!r} at {address.origin}")
    async with (
        open_client(session, timeouts, limits.in_flight, place.endpoint) as client,
        open_client(session, timeouts, UNLIMITED, place.endpoint) as downloads,
        open_http(timeouts, limits.in_flight, ca_bundle=ca_bundle_of(session)) as http,
    ):
        pages = PageFetcher(http, signer, observe=observe)
        probe = partial(first_key, pages, keys.prefix)
        async with aclosing(CallLimiter(limits, probe=probe, note_circuit=note_circuit)) as limiter:
            yield S3Store(
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
