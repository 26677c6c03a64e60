"""An S3 store that a busy machine does not make late."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any

from app.domain.storage_urls import S3Place
from app.storage.s3.call_limits import CallLimits
from app.storage.s3.clients import Timeouts
from app.storage.s3.opening import open_s3_store
from app.storage.s3.store import S3Store
from tests.support.aws import BUCKET
from tests.support.waiting import PATIENCE


def open_patient_store(
    prefix: str = "",
    *,
    attempts: int = 1,
    in_flight: int = 64,
    breaker_failures: int = 1000,
    read_timeout: float = PATIENCE,
    endpoint: str | None = None,
    bucket: str = BUCKET,
    **options: Any,
) -> AbstractAsyncContextManager[S3Store]:
    """A bucket of the S3 that the environment names. No call is made again, unless a test says so.

    Args:
        prefix: of the tree's keys.
        attempts, in_flight, breaker_failures: of `CallLimits`.
        read_timeout: seconds to wait for the next bytes of a download.
        endpoint: another S3 than the environment names.
        options: of `open_s3_store`.
    """
    limits = CallLimits(
        seconds=PATIENCE, attempts=attempts, in_flight=in_flight, breaker_failures=breaker_failures
    )
    patient: dict[str, Any] = {
        "observe": lambda *_: None,
        "timeouts": Timeouts(PATIENCE, read_timeout),
        "resume_pauses": (),
    }
    return open_s3_store(S3Place(bucket, prefix, endpoint), limits=limits, **(patient | options))
