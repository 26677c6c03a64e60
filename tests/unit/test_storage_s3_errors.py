"""What S3 and its clients raise, told apart."""

from __future__ import annotations

import aiohttp
import pytest
from botocore import exceptions as boto

from app.domain.errors import NotFound, ObjectChanged, PierheadError, StoreDenied, StoreUnavailable
from app.storage.s3.errors import error_of, translate

CHANGED, DENIED, ABSENT = ObjectChanged(), StoreDenied(), NotFound()
THROTTLED, TIMEOUT, CONNECTION = map(StoreUnavailable, ("throttled", "timeout", "connection"))
BROKEN, BAD_ANSWER, UNEXPECTED = map(StoreUnavailable, ("broken-stream", "server-error", "unexpected"))

URL = "https://s3.example"


def answer(status: int, code: str) -> boto.ClientError:
    return boto.ClientError(
        {
            "Error": {"Code": code},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "RequestId": "",
                "HostId": "",
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        },
        "GetObject",
    )


@pytest.mark.parametrize(
    ("status", "code", "meaning"),
    [
        (412, "", CHANGED),
        (412, "412", CHANGED),
        (416, "416", CHANGED),
        (0, "PreconditionFailed", CHANGED),
        (0, "InvalidRange", CHANGED),
        (403, "403", DENIED),
        (404, "404", ABSENT),
        (0, "NotFound", ABSENT),
        (429, "", THROTTLED),
        (503, "503", THROTTLED),
        *(
            (400, code, THROTTLED)
            for code in ("SlowDown", "Throttling", "RequestLimitExceeded", "TooManyRequests")
        ),
        *(
            (400, code, DENIED)
            for code in ("", "400", "AccountProblem", "AllAccessDisabled", "InvalidToken", "ExpiredToken")
        ),
        (400, "RequestTimeout", TIMEOUT),
        (400, "SomethingNew", UNEXPECTED),
        (499, "", UNEXPECTED),
        (500, "", BAD_ANSWER),
        (0, "", UNEXPECTED),
    ],
)
def test_an_answer_means_what_its_code_says_or_else_its_status(
    status: int, code: str, meaning: PierheadError
) -> None:
    for error in (error_of(status, code), translate(answer(status, code))):
        assert (type(error), str(error)) == (type(meaning), str(meaning))


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (boto.ConnectTimeoutError(endpoint_url=URL), TIMEOUT),
        (boto.ReadTimeoutError(endpoint_url=URL), TIMEOUT),
        (aiohttp.ConnectionTimeoutError(), TIMEOUT),
        (aiohttp.SocketTimeoutError(), TIMEOUT),
        (TimeoutError(), TIMEOUT),
        (boto.EndpointConnectionError(endpoint_url=URL), CONNECTION),
        (boto.ConnectionClosedError(endpoint_url=URL), CONNECTION),
        (boto.SSLError(endpoint_url=URL, error=OSError("handshake")), CONNECTION),
        (aiohttp.ServerDisconnectedError(), CONNECTION),
        (ConnectionResetError(), CONNECTION),
        (aiohttp.ClientPayloadError(), BROKEN),
        (boto.NoCredentialsError(), DENIED),
        (boto.PartialCredentialsError(provider="env", cred_var="key"), DENIED),
        (KeyError("ETag"), UNEXPECTED),
        (boto.ClientError({}, "GetObject"), UNEXPECTED),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_the_clients_raise_is_told_apart(error: Exception, meaning: PierheadError) -> None:
    found = translate(error)
    assert (type(found), str(found)) == (type(meaning), str(meaning))
