"""Logs why calls to S3 fail: the answer or the exception, and what to do about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import structlog
from botocore import exceptions as boto

from app.domain.errors import ObjectArchived, ObjectChanged, ObjectEncrypted, StoreError, StoreUnavailable
from app.storage.observation import outcome_of
from app.storage.s3.errors import MAX_TEXT, FailedAnswer, code_and_message, error_fields
from app.telemetry.seldom import Seldom

MAX_CAUSES: Final = 256

_NO_CALL: Final = frozenset({"circuit-open", "too-many-calls"})
"""Failures without a call to S3."""

_REGION: Final = "set AWS_DEFAULT_REGION, or `region` in the bucket's URL, to the bucket's region"
_ENCRYPTED: Final = (
    "allow these credentials kms:Decrypt with the key of the object; objects encrypted with keys that each request brings "
    "(SSE-C) cannot be served"
)
_LISTING: Final = (
    "allow these credentials s3:ListBucket on the bucket, and s3:GetObject on its keys; if that cannot be, "
    "list=no in the storage URL gives files by their exact paths"
)
_READING: Final = "allow these credentials s3:GetObject on the bucket's keys, and s3:ListBucket: without it, S3 says that a missing key is denied"
_KEYS: Final = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or what the profile names"
_BY_CODE: Final[Mapping[str, str]] = {
    "AuthorizationHeaderMalformed": _REGION,
    "AuthorizationQueryParametersError": _REGION,
    "ExpiredToken": "get new credentials: AWS_SESSION_TOKEN has expired",
    "IllegalLocationConstraintException": _REGION,
    "InvalidAccessKeyId": _KEYS,
    "InvalidToken": _KEYS,
    "NoSuchBucket": "check the bucket's name in `storage`, and the endpoint",
    "PermanentRedirect": _REGION,
    "RequestTimeTooSkewed": "set this machine's clock",
    "SignatureDoesNotMatch": _KEYS,
    "SlowDown": "S3 asks for fewer requests: raise `cache_ttl`, or the engine's limits",
}
_BY_STATUS: Final[Mapping[int, str]] = {301: _REGION, 307: _REGION}
_BY_KIND: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (boto.NoCredentialsError, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"),
    (boto.PartialCredentialsError, _KEYS),
    (
        boto.CredentialRetrievalError,
        "check the source of the credentials: credential_process or role of the profile, the "
        "AWS_CONTAINER_CREDENTIALS_* endpoint, or the machine's metadata service",
    ),
)
_BY_REASON: Final[Mapping[str, str]] = {
    "connection": "check the endpoint's name, port and certificate, and AWS_CA_BUNDLE",
    "timeout": "check that the endpoint can be reached from here",
    "unexpected": "check that the endpoint is that of an S3 engine",
}
_SAYS_ALL: Final = frozenset({ValueError, KeyError})
"""What an unusable answer is raised from: the text alone says what is wrong with it."""


class FailureLog:
    """Logs the failures of one store, each cause at most once in a while.

    Args:
        store: its name.
        place: the bucket and where it answers.
        clock: seconds; never goes back.
    """

    def __init__(self, store: str, place: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = structlog.get_logger(__name__).bind(store=store, storage=place)
        self._place = place
        self._seldom = Seldom(MAX_CAUSES, clock=clock)

    @contextmanager
    def noted(self, operation: str, key: str) -> Iterator[None]:
        """Log a failure of the store in the `with` block.

        Args:
            operation: as for observers.
            key: the key or prefix that was requested.
        """
        try:
            yield
        except StoreError as error:
            is_failure = (
                not isinstance(error, ObjectChanged | ObjectArchived) and outcome_of(error) not in _NO_CALL
            )
            if is_failure:
                self._note(error, operation, key)
            raise

    def _note(self, error: StoreError, operation: str, key: str) -> None:
        reason, facts = outcome_of(error), facts_of(error)
        advice = _advice(error, facts, operation)
        error.explanation = _sentence(self._place, reason, facts, advice)
        cause = (operation, reason, facts.get("status"), facts.get("code"), *map(_kind, _chain(error)))
        unsaid = self._seldom.due(cause)
        if unsaid is None:
            return
        more = {"unsaid": unsaid} if unsaid else {}
        self._log.warning(
            "storage_call_failed", operation=operation, key=key, reason=reason, **facts, advice=advice, **more
        )


def facts_of(error: StoreError) -> dict[str, object]:
    """The details of a failure: the answer, or else the chain of exceptions."""
    chain = list(_chain(error))
    for cause in chain:
        if isinstance(cause, FailedAnswer):
            return {"status": cause.status, **cause.fields}
        if isinstance(cause, boto.ClientError):
            answer = cause.response.get("ResponseMetadata", {})
            code, message = code_and_message(cause)
            fields = error_fields({"Code": code, "Message": message}, answer.get("HTTPHeaders", {}))
            return {"status": answer.get("HTTPStatusCode", 0), **fields}
    return {"causes": [_text(cause) for cause in chain[1:]]} if chain[1:] else {}


def _advice(error: StoreError, facts: Mapping[str, object], operation: str) -> str:
    status, code = facts.get("status"), str(facts.get("code", ""))
    if isinstance(error, ObjectEncrypted):
        return _ENCRYPTED
    if status in (301, 307, 400) and facts.get("region"):
        return f"{_REGION}: {facts['region']}"
    if code in _BY_CODE:
        return _BY_CODE[code]
    if isinstance(status, int) and status in _BY_STATUS:
        return _BY_STATUS[status]
    for cause in _chain(error):
        for kind, advice in _BY_KIND:
            if isinstance(cause, kind):
                return advice
    if isinstance(error, StoreUnavailable):
        return _BY_REASON.get(error.reason, "if it stays, look at the log of the S3 engine")
    return _LISTING if operation in ("list", "check") else _READING


def _sentence(place: str, reason: str, facts: Mapping[str, object], advice: str) -> str:
    causes = facts.get("causes")
    said = [str(facts[name]) for name in ("status", "code", "message") if facts.get(name)]
    said += [str(causes[-1])] if isinstance(causes, list) else []
    what = f"no such bucket: {place}" if reason == "no-such-bucket" else f"{place}: {reason}"
    return f"{what} ({', '.join(said)}); {advice}" if said else f"{what}; {advice}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception, what it was raised from, and so on to the root."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _kind(cause: BaseException) -> tuple[type[BaseException], str]:
    """What causes are told apart by. The texts of other exceptions differ each time, such as by a port or a place."""
    return type(cause), str(cause) if type(cause) in _SAYS_ALL else ""


def _text(error: BaseException) -> str:
    """One line about an exception, without queries: those of signed URLs give access."""
    words = (word.partition("?")[0] for word in str(error).split())
    text = " ".join(words)[:MAX_TEXT]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
