"""What the log says about calls to S3 that fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.domain.errors import StoreDenied, StoreError, StoreUnavailable
from app.domain.paths import ArtifactPath
from app.domain.storage_urls import S3Place
from app.storage.s3.failure_log import FailureLog
from app.storage.s3.opening import open_s3_store
from app.storage.s3.store import S3Store
from app.telemetry.seldom import PAUSE_SECONDS
from tests.support.aws import S3Endpoint, point_aws_at
from tests.support.fake_s3 import Answer, FakeS3, Request, content, hang, run_fake_s3, xml

CALLS: dict[str, Callable[[S3Store], Awaitable[object]]] = {
    "list": lambda store: store.list_folder(ArtifactPath.parse(b"/releases/")),
    "get": lambda store: store.read_small(ArtifactPath.parse(b"/releases/a"), is_listed=True),
    "check": lambda store: store.check(),
}


@pytest.fixture
async def s3(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeS3]:
    async with run_fake_s3() as fake:
        point_aws_at(monkeypatch, S3Endpoint(fake.url))
        yield fake


def refusal(status: int, code: str, message: str = "because", header: str = "") -> Answer:
    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        body = b"" if request.method == "HEAD" else error_body(code, message)
        head = f"HTTP/1.1 {status} No\r\nx-amz-request-id: R1\r\nx-amz-id-2: H1\r\n{header}Content-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    return answer


def error_body(code: str, message: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


async def warned(operation: str = "list") -> dict[str, Any]:
    """The one warning of one failing call."""
    with capture_logs() as lines:
        async with open_s3_store(S3Place("artifacts"), observe=lambda *_: None, name="replica-1") as store:
            with pytest.raises(StoreError) as failed:
                await CALLS[operation](store)
    [line] = [line for line in lines if line["event"] == "storage_call_failed"]
    assert line["log_level"] == "warning"
    assert failed.value.explanation
    return dict(line)


async def test_a_refused_listing_is_logged_with_all_that_its_answer_says(s3: FakeS3) -> None:
    s3.answer = refusal(403, "SignatureDoesNotMatch", "The signature does not match.")
    line = await warned()
    assert line["store"] == "replica-1"
    assert line["storage"] == f"bucket 'artifacts' at {s3.url}"
    assert line["key"] in ("releases/", "releases")  # the folder and its own entry are asked for at once
    assert (line["operation"], line["reason"]) == ("list", "denied")
    assert (line["status"], line["code"]) == (403, "SignatureDoesNotMatch")
    assert line["message"] == "The signature does not match."
    assert (line["request_id"], line["host_id"]) == ("R1", "H1")
    assert "AWS_SECRET_ACCESS_KEY" in line["advice"]


@pytest.mark.parametrize(
    ("operation", "begins"), [("list", "s3:ListBucket"), ("check", "s3:ListBucket"), ("get", "s3:GetObject")]
)
async def test_the_permission_that_is_missing_is_named_first(s3: FakeS3, operation: str, begins: str) -> None:
    s3.answer = refusal(403, "AccessDenied")
    line = await warned(operation)
    assert line["advice"].startswith(f"allow these credentials {begins}")


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize(
    ("status", "code"), [(403, "AccessDenied"), (403, ""), (400, "InvalidRequest"), (500, "")]
)
async def test_an_answer_may_leave_its_message_empty(
    s3: FakeS3, operation: str, status: int, code: str
) -> None:
    """As Ceph does."""
    s3.answer = refusal(status, code, "")
    assert (await warned(operation))["status"] == status


async def test_a_refused_object_is_logged_as_fully(s3: FakeS3) -> None:
    s3.answer = refusal(403, "KMS.DisabledException", "The key is disabled.")
    line = await warned("get")
    assert (line["operation"], line["key"], line["status"]) == ("get", "releases/a", 403)
    assert (line["code"], line["message"]) == ("KMS.DisabledException", "The key is disabled.")
    assert line["request_id"] == "R1"


@pytest.mark.parametrize(
    ("status", "code"), [(301, "PermanentRedirect"), (400, "AuthorizationHeaderMalformed"), (400, "")]
)
async def test_a_wrong_region_is_followed_by_the_right_one(s3: FakeS3, status: int, code: str) -> None:
    s3.answer = refusal(status, code, header="x-amz-bucket-region: eu-south-7\r\n")
    line = await warned()
    assert line["advice"].endswith(": eu-south-7")
    assert "AWS_DEFAULT_REGION" in line["advice"]


async def test_a_page_that_is_no_listing_is_said_to_be_none(s3: FakeS3) -> None:
    s3.answer = content(b"<html><p>welcome</html>")
    line = await warned("check")
    assert "a listing is not html" in line["causes"][0]
    assert "S3 engine" in line["advice"]


@pytest.mark.parametrize("status", [404, 412, 502])
async def test_an_error_page_keeps_its_status(s3: FakeS3, status: int) -> None:
    s3.answer = content(b"<html>no", code=status)
    line = await warned()
    assert line["status"] == status
    assert "S3 engine" in line["advice"]


async def test_an_endpoint_without_a_server_is_logged_down_to_the_root(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    point_aws_at(monkeypatch, S3Endpoint("http://127.0.0.1:1"))
    line = await warned()
    assert line["reason"] == "connection"
    assert any("ConnectionRefusedError" in cause for cause in line["causes"])


async def test_no_query_of_a_signed_url_is_logged(s3: FakeS3) -> None:
    error = StoreUnavailable("connection")
    error.__cause__ = OSError(f"no way to {s3.url}/artifacts?X-Amz-Signature=SECRET")
    with capture_logs() as lines, pytest.raises(StoreUnavailable), FailureLog("a", "b").noted("get", "k"):
        raise error
    assert "SECRET" not in str(lines) + error.explanation


LISTING = "<ListBucketResult><Name>artifacts</Name>{}</ListBucketResult>"
UNUSABLE = {
    "<html><p>hello</p></html>": "ValueError: a listing is not html",
    LISTING.format(""): "ValueError: IsTruncated is neither true nor false",
    LISTING.format("<IsTruncated>true</IsTruncated>"): "ValueError: more follows, but without a token",
    LISTING.format("<Contents><Size>1</Size></Contents>"): "KeyError: 'Key'",
    LISTING.format("<Contents><Key>releases/a</Key></Contents>"): "KeyError: 'Size'",
}


async def test_each_fault_of_a_listing_is_a_cause_of_its_own(s3: FakeS3) -> None:
    with capture_logs() as lines:
        async with open_s3_store(S3Place("artifacts"), observe=lambda *_: None, name="replica-1") as store:
            for document in [*UNUSABLE, *UNUSABLE]:
                s3.answer = xml(document)
                with pytest.raises(StoreUnavailable):
                    await CALLS["list"](store)
    said = [line["causes"] for line in lines if line["event"] == "storage_call_failed"]
    assert said == [[cause] for cause in UNUSABLE.values()]


def test_each_cause_is_logged_once_a_minute() -> None:
    now = 0.0
    log = FailureLog("primary", "bucket", clock=lambda: now)

    def fail(error: StoreError) -> None:
        with pytest.raises(StoreError), log.noted("get", "k"):
            raise error

    with capture_logs() as lines:
        for _ in range(3):
            fail(StoreDenied())
        fail(StoreUnavailable("timeout"))
        now = PAUSE_SECONDS
        fail(StoreDenied())
        fail(StoreUnavailable("circuit-open"))
    assert [(line["reason"], line.get("unsaid")) for line in lines] == [
        ("denied", None),
        ("timeout", None),
        ("denied", 2),
    ]


PROCESSES = {
    "exit 3": "returned no reason",
    "echo secret service is down >&2; exit 3": "secret service is down",
    "echo no json": "JSON",
}


@pytest.mark.parametrize("script", PROCESSES)
async def test_a_credential_process_that_fails_is_named_and_stops_no_start(
    script: str, s3: FakeS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_config(monkeypatch, tmp_path, f"[default]\ncredential_process = sh -c '{script}'\n")
    line = await warned("check")
    assert line["reason"] == "credentials"
    assert "credential_process" in line["advice"]
    if script != "exit 3":
        assert PROCESSES[script] in str(line["causes"])
    assert not s3.requests


async def test_a_credential_endpoint_that_hangs_is_named_and_stops_no_start(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_config(monkeypatch, tmp_path, "")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{s3.url}/credentials")
    s3.answer = hang
    line = await warned("check")
    assert line["reason"] == "credentials"
    assert "no answer within" in str(line["causes"])
    assert "AWS_CONTAINER_CREDENTIALS_" in line["advice"]


async def test_a_credential_process_that_is_not_there_is_named(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_config(monkeypatch, tmp_path, "[default]\ncredential_process = /no/such/program\n")
    assert "/no/such/program" in str((await warned("check"))["causes"])


async def test_credentials_that_come_later_are_used_without_a_restart(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    s3.answer = content(
        b"<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated></ListBucketResult>"
    )
    keys = tmp_path / "keys.json"
    use_config(monkeypatch, tmp_path, f"[default]\ncredential_process = cat {keys}\n")
    async with open_s3_store(S3Place("artifacts"), observe=lambda *_: None) as store:
        with pytest.raises(StoreUnavailable):
            await store.check()
        keys.write_text('{"Version": 1, "AccessKeyId": "later", "SecretAccessKey": "s"}')
        await store.check()
    assert "later" in s3.requests[0].target


async def test_no_credentials_at_all_are_said_to_be_missing(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_config(monkeypatch, tmp_path, "")
    line = await warned("check")
    assert (line["reason"], line["causes"]) == (
        "denied",
        ["NoCredentialsError: Unable to locate credentials"],
    )
    assert "AWS_ACCESS_KEY_ID" in line["advice"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [("AWS_PROFILE", "nobody"), ("AWS_CA_BUNDLE", "/no/such/file"), ("AWS_CA_BUNDLE", "/dev/null")],
)
async def test_a_setting_that_cannot_be_used_is_named(
    s3: FakeS3, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValueError, match=variable) as failed:
        async with open_s3_store(S3Place("artifacts"), observe=lambda *_: None):
            pass
    assert value in str(failed.value)


def use_config(monkeypatch: pytest.MonkeyPatch, directory: Path, text: str) -> None:
    """An AWS configuration file, and no credentials in the environment."""
    (directory / "config").write_text(text)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(directory / "config"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
