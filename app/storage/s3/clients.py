"""How the S3 clients are set up."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import aioboto3
from aiobotocore.config import AioConfig
from botocore import UNSIGNED
from botocore.exceptions import BotoCoreError, ProfileNotFound

from app.storage.s3.credentials import find_late
from app.telemetry.trace import traced_fields

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

REQUEST_PAYER: Final = {"x-amz-request-payer": "requester"}
"""As a header field of calls, and as a parameter of signed URLs."""

UNLIMITED = 0
"""No limit on the number of connections."""


class Timeouts(NamedTuple):
    """How long S3 may take, in seconds.

    Attributes:
        connect: for a connection.
        read: for the next bytes of an answer or a download.
    """

    connect: float
    read: float

    @property
    def idle(self) -> float:
        """How long an unused connection is kept. Less than `read`.

        aiohttp may keep counting the read timeout of a body whose end was read late, while its connection is in
        the pool: the next call on that connection after `read` seconds would fail at once.
        """
        return self.read / 2


def new_session(*, profile: str | None = None, region: str | None = None) -> aioboto3.Session:
    """A session by the AWS conventions.

    Args:
        profile: of the AWS configuration files; None for the one that the environment names.
        region: None for the one that the environment names.

    Raises:
        ValueError: there is no such profile, or the AWS configuration files cannot be used. It names the wrong setting.
    """
    try:
        session = aioboto3.Session(profile_name=profile, region_name=region)
        find_late(session._session)
    except ProfileNotFound as error:
        where = "storage" if profile is not None else "AWS_PROFILE"
        raise ValueError(f"{where}: {error}") from error
    except BotoCoreError as error:
        raise ValueError(f"AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE: {error}") from error
    return session


def ca_bundle_of(session: aioboto3.Session) -> str | None:
    """The file with the CA certificates that clients trust, if the AWS conventions name one."""
    name: str | None = session._session.get_config_variable("ca_bundle")
    return name


def open_client(
    session: aioboto3.Session,
    timeouts: Timeouts,
    max_connections: int,
    endpoint: str | None = None,
    *,
    access_key: str | None = None,
    is_unsigned: bool = False,
) -> AbstractAsyncContextManager[S3Client]:
    """A client with its own connection pool. It uses path-style addressing if an endpoint is configured.

    Args:
        endpoint: URL of the S3 engine; None for the one that the environment names.
        access_key: None for the session's credentials. A client with another one never calls S3 and does not need
            a valid one.
        is_unsigned: whether its calls carry no signature.
    """
    config = AioConfig(
        # Otherwise presigned URLs have the old SigV2 form.
        signature_version=UNSIGNED if is_unsigned else "s3v4",
        connect_timeout=timeouts.connect,
        read_timeout=timeouts.read,
        max_pool_connections=max_connections,
        connector_args={"keepalive_timeout": timeouts.idle},
        retries={"mode": "standard", "total_max_attempts": 1},  # `CallLimiter` decides what is retried
        # Other engines refuse or ignore the checksums that would be sent otherwise.
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


def trace_calls(client: S3Client) -> None:
    """Have every call of a client say for which request it is made. The fields are signed with the others."""

    def say_so(params: dict[str, Any], **_: object) -> None:
        params["headers"].update(traced_fields())

    client.meta.events.register("before-call.s3", say_so)


def let_requester_pay(client: S3Client) -> None:
    """Have every call of a client say that its sender pays (S3 user guide, "Requester Pays buckets")."""

    def say_so(params: dict[str, Any], **_: object) -> None:
        params["headers"].update(REQUEST_PAYER)

    client.meta.events.register("before-call.s3", say_so)
