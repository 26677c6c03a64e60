"""A real S3 engine tells the server what has changed, so that an upload shows in the listing at once."""

from __future__ import annotations

import os
import time

import aioboto3
import httpx
import pytest
from aiobotocore.config import AioConfig
from botocore.awsrequest import AWSRequest

from app.domain.access import Permission
from tests.support.aws import BUCKET, S3Endpoint, open_bucket, point_aws_at
from tests.support.live_server import app_for, live_server, token
from tests.support.waiting import wait_until

NAME = "ä b+c.img"


async def announce_changes_to(url: str) -> None:
    """Have the engine post every change in the bucket to a URL (Ceph, "Bucket Notifications")."""
    config = AioConfig(signature_version="v4")
    session, endpoint = aioboto3.Session(), os.environ["AWS_ENDPOINT_URL_S3"]
    async with (
        session.client("sns", endpoint_url=endpoint, region_name="default", config=config) as sns,
        session.client("s3") as s3,
    ):
        sns.meta.events.register("before-sign.sns", _as_by_tls)
        topic = await sns.create_topic(Name="changes", Attributes={"push-endpoint": url})
        await s3.put_bucket_notification_configuration(
            Bucket=BUCKET,
            NotificationConfiguration={
                "TopicConfigurations": [
                    {
                        "Id": "changes",
                        "TopicArn": topic["TopicArn"],
                        "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
                    }
                ]
            },
        )


def _as_by_tls(request: AWSRequest, **_: object) -> None:
    """The engine takes an endpoint's password over TLS only, or where a proxy says that there was TLS."""
    request.headers["X-Forwarded-Proto"] = "https"


async def test_an_upload_and_a_removal_show_at_once(
    s3_engine: S3Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_aws_at(monkeypatch, s3_engine)
    app = app_for("s3://artifacts/tree", cache_ttl=3600, cache_max_stale=7200)
    async with open_bucket() as bucket:
        await bucket.plant("tree/releases/old.img", b"old")
        with live_server(app) as server, httpx.Client(base_url=server.url) as client:

            def listed() -> list[str]:
                return [entry["name"] for entry in client.get("/releases/?format=json").json()["entries"]]

            assert listed() == ["old.img"]
            await bucket.plant("tree/releases/unannounced.img", b"new")
            assert listed() == ["old.img"], "nobody told, and the listing is kept for an hour"

            password = token(now=time.time(), permissions=frozenset({Permission.INVALIDATE}))
            await announce_changes_to(f"http://events:{password}@127.0.0.1:{server.port}/api/v1/invalidate")
            await bucket.plant(f"tree/releases/{NAME}", b"new")
            assert wait_until(lambda: NAME in listed()), "the upload shows"
            await bucket.remove(f"tree/releases/{NAME}")
            assert wait_until(lambda: NAME not in listed()), "the removal shows"
