"""How the S3 clients are set up."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import aioboto3
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import ProfileNotFound
from botocore.utils import parse_timestamp

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

UNLIMITED = 0
"""As many connections as there are requests."""


class Timeouts(NamedTuple):
    """See `open_s3_store`; in seconds."""

    connect: float
    read: float


def new_session(*, profile: str | None = None, region: str | None = None) -> aioboto3.Session:
    """A session whose clients parse listings fast.

    Args:
        profile: of the AWS configuration files; None for what the environment says.
        region: None for what the environment says.

    Raises:
        ValueError: there is no such profile.
    """
    session = get_session()
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=fast_timestamp)
    try:
        return aioboto3.Session(botocore_session=session, profile_name=profile, region_name=region)
    except ProfileNotFound as error:
        raise ValueError(f"there is no AWS profile {profile!r}") from error


def open_client(
    session: aioboto3.Session,
    timeouts: Timeouts,
    max_connections: int,
    endpoint: str | None = None,
    *,
    access_key: str | None = None,
) -> AbstractAsyncContextManager[S3Client]:
    """A client with a connection pool of its own. Path-style addressing where an endpoint is configured.

    Args:
        endpoint: URL of the S3 engine; None for what the environment says.
        access_key: None for the session's own credentials. A client with any other never calls S3, and needs
            none that are valid.
    """
    config = AioConfig(
        signature_version="s3v4",  # without it, presigned URLs have the old SigV2 form
        connect_timeout=timeouts.connect,
        read_timeout=timeouts.read,
        max_pool_connections=max_connections,
        retries={"mode": "standard", "total_max_attempts": 1},  # `CallLimiter` decides what is tried again
        # Engines other than Amazon's refuse or ignore the checksums that are sent otherwise.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return session.client(
        "s3",
        config=config,
        endpoint_url=endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key=access_key,
    )


def fast_timestamp(value: str) -> datetime:
    """Parse a time of an S3 answer: ISO 8601 in a listing, an HTTP date in a header.

    botocore's own way accepts far more forms and is most of the time that a page of 1,000 keys takes to
    parse, during which the event loop stands still.
    """
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return parse_timestamp(value)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
