"""Event notifications, as their senders write them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.storage.s3.events import ChangedKey, Confirmation, parse_events

AMAZON = {
    "Records": [
        {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {
                "s3SchemaVersion": "1.0",
                "bucket": {"name": "artifacts", "arn": "arn:aws:s3:::artifacts"},
                "object": {"key": "releases/a+b%2Bc/%C3%BC.img", "size": 3, "eTag": "x", "sequencer": "0"},
            },
        }
    ]
}
MINIO = {"EventName": "s3:ObjectCreated:Put", "Key": "artifacts/releases/a+b%2Bc/%C3%BC.img"} | AMAZON
EXPECTED = (ChangedKey("artifacts", "releases/a b+c/ü.img"),)


def sns(message: object) -> dict[str, str]:
    return {"Type": "Notification", "MessageId": "1", "Message": json.dumps(message)}


@pytest.mark.parametrize("body", [AMAZON, MINIO, sns(AMAZON)])
def test_every_sender_names_the_key(body: object) -> None:
    assert parse_events(json.dumps(body).encode()) == EXPECTED


def test_a_key_is_told_once_in_its_first_place() -> None:
    records = AMAZON["Records"] * 2
    assert parse_events(json.dumps({"Records": records}).encode()) == EXPECTED


@pytest.mark.parametrize(
    "body", [{"Records": []}, {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}]
)
def test_a_test_event_names_nothing(body: object) -> None:
    assert parse_events(json.dumps(body).encode()) == ()


def test_a_topic_wants_to_be_confirmed() -> None:
    body = {"Type": "SubscriptionConfirmation", "SubscribeURL": "https://sns.example/?Action=Confirm"}
    assert parse_events(json.dumps(body).encode()) == Confirmation("https://sns.example/?Action=Confirm")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "JSON"),
        (b"[]", "object"),
        (b"{}", "Records"),
        (b'{"Records": "x"}', "Records"),
        (b'{"Records": [1]}', "each record"),
        (b'{"Records": [{}]}', "s3"),
        (b'{"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": 1}}}]}', "key"),
        (b'{"Type": "Notification", "Message": "no JSON"}', "JSON"),
        (b"[" * 100_000, "JSON"),
    ],
)
def test_what_is_no_notification_is_refused_with_a_reason(body: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_events(body)


@given(st.binary())
def test_any_bytes_are_understood_or_refused(body: bytes) -> None:
    try:
        parse_events(body)
    except ValueError as error:
        assert "must be" in str(error)  # noqa: PT017 - both ends are fine
