"""An S3 store that a busy machine does not make late."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from app.storage.s3.call_limits import CallLimits
from app.storage.s3.store import S3Store, open_s3_store

PATIENCE: Final = 60.0
"""Seconds: longer than any answer takes, shorter than a test may."""


def open_patient_store(
    prefix: str = "",
    *,
    attempts: int = 1,
    in_flight: int = 64,
    breaker_failures: int = 1000,
    **options: Any,
) -> AbstractAsyncContextManager[S3Store]:
    """The bucket `artifacts` of the S3 that the environment names. No call is made again, unless a test says so.

    Args:
        attempts, in_flight, breaker_failures: of `CallLimits`.
        options: of `open_s3_store`.
    """
    limits = CallLimits(PATIENCE, attempts, in_flight, breaker_failures)
    patient: dict[str, Any] = {
        "observe": lambda *_: None,
        "connect_timeout": PATIENCE,
        "read_timeout": PATIENCE,
        "resume_pauses": (),
    }
    return open_s3_store("artifacts", prefix, limits=limits, **(patient | options))
