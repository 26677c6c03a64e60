"""Event notifications that S3 and similar engines send when objects change. Pure.

Sources: Amazon S3 User Guide, "Event message structure"; Amazon SNS Developer Guide, "Parsing message formats";
Ceph, "Bucket Notifications"; MinIO, "Publish events to a webhook". Ceph leaves the prefix `s3:` off event names
and MinIO puts bucket and key into a field beside the records. The records are the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_plus

SNS_MESSAGE: Final = "Notification"
SNS_CONFIRMATION: Final = "SubscriptionConfirmation"


class ChangedKey(NamedTuple):
    """A key that was written or removed."""

    bucket: str
    key: str


class Confirmation(NamedTuple):
    """A topic asks this endpoint to confirm a subscription.

    Attributes:
        url: an operator opens it to confirm.
    """

    url: str


def parse_events(body: bytes) -> tuple[ChangedKey, ...] | Confirmation:
    """Read a notification.

    Args:
        body: as it was posted: records, or a message of SNS with records in it.

    Returns:
        The keys it names, in its order, each once. Test events name none.

    Raises:
        ValueError: it has another form; says what is wrong.
    """
    message = _object(_json(body), "the body")
    if message.get("Type") == SNS_CONFIRMATION:
        return Confirmation(_text(message, "SubscribeURL"))
    if message.get("Type") == SNS_MESSAGE:
        message = _object(_json(_text(message, "Message").encode()), "Message")
    if message.get("Event") == "s3:TestEvent":
        return ()
    records = message.get("Records")
    if not isinstance(records, Sequence) or isinstance(records, str):
        raise ValueError("Records must be a list of S3 event records")  # noqa: TRY004 - it is the input's fault
    return tuple(dict.fromkeys(map(_changed_key, records)))


def _changed_key(record: object) -> ChangedKey:
    s3 = _object(_object(record, "each record").get("s3"), "s3")
    bucket = _text(_object(s3.get("bucket"), "s3.bucket"), "name")
    # Keys in events are encoded as in forms: blanks as `+`.
    key = unquote_plus(_text(_object(s3.get("object"), "s3.object"), "key"), errors="surrogateescape")
    return ChangedKey(bucket, key)


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError("the body must be JSON") from error


def _object(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be an object")  # noqa: TRY004 - it is the input's fault
    return value


def _text(table: Mapping[str, Any], name: str) -> str:
    value = table.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text")  # noqa: TRY004 - it is the input's fault
    return value
