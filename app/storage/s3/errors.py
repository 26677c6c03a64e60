"""The only table from exceptions of botocore and aiohttp to errors of this project.

Codes are those of the S3 API reference, "Error responses". The answer to a HEAD has no body and so no code:
botocore then gives the status in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Final

import aiohttp
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from app.domain.errors import (
    NotFound,
    ObjectArchived,
    ObjectChanged,
    ObjectEncrypted,
    PierheadError,
    StoreDenied,
    StoreUnavailable,
)

MAX_TEXT: Final = 500
"""Most characters of an answer's text that are logged."""

_FIELDS: Final = (
    ("code", "Code", ""),
    ("message", "Message", ""),
    ("request_id", "RequestId", "x-amz-request-id"),
    ("host_id", "HostId", "x-amz-id-2"),
    ("region", "Region", "x-amz-bucket-region"),
)
"""Fields of an error answer: their names here, in the body, and in the header."""

FOREIGN_ERRORS: tuple[type[Exception], ...] = (
    boto.BotoCoreError,
    boto.ClientError,
    ResponseParserError,
    aiohttp.ClientError,
    OSError,  # TimeoutError is one
    KeyError,  # an answer without a field that S3 always sends
)
"""All exceptions that a call to S3 is known to raise."""

_Make = Callable[[], PierheadError]


class FailedAnswer(Exception):
    """An error answer of S3, as the cause of an error here. For the log, never for clients.

    Args:
        status: of HTTP; 0 if it is not known.
        fields: `code`, `message`, `request_id`, `host_id` and `region`, as far as the answer has them.
    """

    def __init__(self, status: int, fields: Mapping[str, str]) -> None:
        super().__init__(f"HTTP status {status}")
        self.status = status
        self.fields = fields


def _unavailable(reason: str) -> _Make:
    return partial(StoreUnavailable, reason)


_BY_CODE: dict[str, _Make] = {
    "NoSuchKey": NotFound,
    "NotFound": NotFound,
    "NoSuchBucket": _unavailable("no-such-bucket"),
    "PreconditionFailed": ObjectChanged,
    "InvalidObjectState": partial(ObjectArchived, None),
    "InvalidRange": ObjectChanged,  # the object is shorter than it was
    "AccessDenied": StoreDenied,
    "AccountProblem": StoreDenied,
    "AllAccessDisabled": StoreDenied,
    "ExpiredToken": StoreDenied,
    "InvalidAccessKeyId": StoreDenied,
    "InvalidToken": StoreDenied,
    "SignatureDoesNotMatch": StoreDenied,
    "SlowDown": _unavailable("throttled"),
    "RequestLimitExceeded": _unavailable("throttled"),
    "Throttling": _unavailable("throttled"),
    "TooManyRequests": _unavailable("throttled"),
    "RequestTimeout": _unavailable("timeout"),
}

_NO_CODE: Final = frozenset({"", "400"})
"""For a 400 to a well-formed HEAD: S3 rejects the credentials (`ExpiredToken`) or the endpoint."""

_BY_STATUS: dict[int, _Make] = {
    403: StoreDenied,
    404: NotFound,
    412: ObjectChanged,
    416: ObjectChanged,
    429: _unavailable("throttled"),
    503: _unavailable("throttled"),
}

_BY_KIND: tuple[tuple[type[Exception], _Make], ...] = (
    (boto.ConnectTimeoutError, _unavailable("timeout")),
    (boto.ReadTimeoutError, _unavailable("timeout")),
    (TimeoutError, _unavailable("timeout")),
    (aiohttp.ClientPayloadError, _unavailable("broken-stream")),
    (boto.NoCredentialsError, StoreDenied),
    (boto.CredentialRetrievalError, _unavailable("credentials")),
    (boto.PartialCredentialsError, StoreDenied),
    (boto.ConnectionError, _unavailable("connection")),
    (boto.HTTPClientError, _unavailable("connection")),
    (aiohttp.ClientConnectionError, _unavailable("connection")),
    (OSError, _unavailable("connection")),
)
"""The first match counts: timeouts are connection errors too."""


@contextmanager
def s3_errors_translated() -> Iterator[None]:
    """Translate foreign exceptions of the `with` block to errors of this project. Cancellation and bugs pass."""
    try:
        yield
    except FOREIGN_ERRORS as error:
        raise translate(error) from error


def translate(error: Exception) -> PierheadError:
    """The error of this project for a foreign exception."""
    if isinstance(error, boto.ClientError):
        return _translate_answer(error)
    for kind, make in _BY_KIND:
        if isinstance(error, kind):
            return make()
    return StoreUnavailable("unexpected")


def error_of(status: int, code: str, message: str = "") -> PierheadError:
    """The error of this project for an error answer.

    Args:
        status: of HTTP; 0 if it is not known.
        code: from the answer's body; empty where it has none.
        message: from the answer's body.
    """
    if _is_about_keys(code, message):
        return ObjectEncrypted()
    if status == 400 and code in _NO_CODE:
        return StoreDenied()
    make = _BY_CODE.get(code) or _BY_STATUS.get(status)
    if make is not None:
        return make()
    return StoreUnavailable("server-error" if status >= 500 else "unexpected")


def error_fields(body: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, str]:
    """The content of an error answer.

    Args:
        body: texts of its elements.
        headers: names in lower case, or in any.
    """
    found = {name: headers.get(field) or body.get(element, "") for name, element, field in _FIELDS}
    return {name: text[:MAX_TEXT] for name, text in found.items() if text}


def status_of(error: boto.ClientError) -> int:
    """The HTTP status of an error answer; 0 if it is not known."""
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def code_and_message(error: boto.ClientError) -> tuple[str, str]:
    """What an error answer says, empty where it says nothing: botocore gives None for an element without text."""
    said = error.response.get("Error", {})
    return said.get("Code") or "", said.get("Message") or ""


def _translate_answer(error: boto.ClientError) -> PierheadError:
    return error_of(status_of(error), *code_and_message(error))


def _is_about_keys(code: str, message: str) -> bool:
    """Whether S3 refuses an object for its encryption: it would need a key of KMS, or one that the request brings (SSE-C).

    There are no codes for the usual cases, only texts ("Protecting data with encryption" of the S3 user guide).
    """
    if code.startswith("KMS"):
        return True
    return (code == "AccessDenied" and "kms:" in message) or (
        code in ("InvalidRequest", "InvalidArgument") and "encrypt" in message.lower()
    )
