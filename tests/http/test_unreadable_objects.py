"""Objects that S3 lists and does not give: archived ones, and those encrypted with a key that is not ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest

from tests.support.answers import BROWSER
from tests.support.aws import BUCKET, S3Endpoint, open_bucket, point_aws_at, run_moto
from tests.support.fake_s3 import status, verbatim
from tests.support.live_server import app_for
from tests.support.site_trees import SiteClient, client_of
from tests.support.switched_s3 import BUCKET as SWITCHED_BUCKET
from tests.support.switched_s3 import SwitchedS3, run_switched_s3

OPEN = b"Format-Version: 0.5\nFiles-Pattern: *\nLicense-Type: open\n"
CLASSES = {
    "usual.bin": None,
    "rare.bin": "STANDARD_IA",
    "instant.bin": "GLACIER_IR",
    "cold.bin": "GLACIER",
    "deep.bin": "DEEP_ARCHIVE",
    "restored.bin": "GLACIER",
}


async def plant() -> None:
    async with open_bucket() as bucket:
        for name, storage_class in CLASSES.items():
            options = {"StorageClass": storage_class} if storage_class else {}
            await bucket.plant(f"d/{name}", b"0123456789", **options)
        await bucket.client.restore_object(Bucket=BUCKET, Key="d/restored.bin", RestoreRequest={"Days": 1})
        await bucket.plant("rules/BUILD-INFO.txt", OPEN, StorageClass="GLACIER")
        await bucket.plant("rules/f.bin", b"x")


@pytest.fixture(scope="module")
def bucket() -> Iterator[None]:
    with run_moto() as endpoint, pytest.MonkeyPatch.context() as environment:
        point_aws_at(environment, endpoint)
        asyncio.run(plant())
        yield


@pytest.fixture(scope="module", params=["auto", "proxy"])
def http(request: pytest.FixtureRequest, bucket: None) -> Iterator[httpx.Client]:
    with client_of(app_for(f"s3://{BUCKET}", delivery=request.param)) as client:
        yield client


@pytest.mark.parametrize("name", ["cold.bin", "deep.bin"])
@pytest.mark.parametrize("lines", [{}, {"Range": "bytes=0-1"}, {"If-None-Match": "*"}, {"If-Range": '"x"'}])
def test_an_archived_file_says_so(http: httpx.Client, name: str, lines: dict[str, str]) -> None:
    answer = http.get(f"/d/{name}", headers=lines)
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["type"].endswith("file-archived")
    assert problem["storage_class"] == CLASSES[name]
    assert "restore" in problem["detail"]
    assert http.head(f"/d/{name}").status_code == 409
    page = http.get(f"/d/{name}", headers=lines | BROWSER)
    assert (page.status_code, page.headers["content-type"]) == (409, "text/html; charset=utf-8")
    assert f"storage class {CLASSES[name]}" in page.text


@pytest.mark.parametrize("name", ["usual.bin", "rare.bin", "instant.bin", "restored.bin"])
def test_a_file_that_can_be_read_is_given(http: httpx.Client, name: str) -> None:
    answer = http.get(f"/d/{name}", follow_redirects=True)
    assert (answer.status_code, answer.content) == (200, b"0123456789")
    assert http.head(f"/d/{name}").status_code == 200


@pytest.mark.parametrize("query", ["?format=ndjson", "?recursive=true&format=ndjson"])
def test_listings_show_the_storage_class(http: httpx.Client, query: str) -> None:
    entries = [json.loads(line) for line in http.get(f"/d/{query}").text.splitlines()]
    shown = {entry["name"]: entry.get("storage_class") for entry in entries}
    assert shown == CLASSES
    assert "storage_class" not in next(entry for entry in entries if entry["name"] == "usual.bin")
    whole = http.get("/d/?format=json").json()["entries"]
    assert {entry["name"]: entry.get("storage_class") for entry in whole} == CLASSES


def test_the_page_shows_the_storage_class(http: httpx.Client) -> None:
    rows = {row.partition('href="')[2].partition('"')[0]: row for row in http.get("/d/").text.split("<tr>")}
    for name, storage_class in CLASSES.items():
        assert ("Storage class" in rows[name]) is (storage_class is not None)
        assert storage_class is None or f">{storage_class}<" in rows[name]


def test_a_folder_with_archived_rules_is_closed(http: httpx.Client) -> None:
    for path in ("/rules/", "/rules/f.bin"):
        assert http.get(path).status_code == 503


def test_it_is_no_alarm_for_the_operator(http: SiteClient) -> None:
    http.get("/d/cold.bin")
    assert 'outcome="denied"' not in http.metrics()


# --- as Amazon S3 sends it

HEAD = """
    HTTP/1.1 200 OK
    x-amz-id-2: Zm9v
    x-amz-request-id: 0A49CE4060975EAC
    Date: Wed, 12 Oct 2022 17:50:00 GMT
    Last-Modified: Wed, 12 Oct 2022 17:50:00 GMT
    ETag: "781e5e245d69b566979b86e28d23f2c7"
    x-amz-server-side-encryption: AES256
    Accept-Ranges: bytes
    Content-Type: binary/octet-stream
    Server: AmazonS3
"""
INVALID_STATE = verbatim(
    """
    HTTP/1.1 403 Forbidden
    x-amz-request-id: 0A49CE4060975EAC
    x-amz-id-2: Zm9v
    Content-Type: application/xml
    Server: AmazonS3
    """,
    b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>InvalidObjectState</Code><Message>The operation is not valid for the object's access tier</Message>"""
    b"<AccessTier>DEEP_ARCHIVE_ACCESS</AccessTier><StorageClass>INTELLIGENT_TIERING</StorageClass>"
    b"<RequestId>0A49CE4060975EAC</RequestId><HostId>Zm9v</HostId></Error>",
)
IN_TIER = "x-amz-storage-class: INTELLIGENT_TIERING\nx-amz-archive-status: DEEP_ARCHIVE_ACCESS"
BEING_RESTORED = 'x-amz-storage-class: GLACIER\nx-amz-restore: ongoing-request="true"'
RESTORED = (
    "x-amz-storage-class: DEEP_ARCHIVE\n"
    'x-amz-restore: ongoing-request="false", expiry-date="Fri, 21 Dec 2099 00:00:00 GMT"'
)


@pytest.mark.parametrize("delivery", ["auto", "proxy"])
@pytest.mark.parametrize(
    ("fields", "archived_as"),
    [
        (IN_TIER, "INTELLIGENT_TIERING"),
        (BEING_RESTORED, "GLACIER"),
        (RESTORED, None),
        ("x-amz-storage-class: INTELLIGENT_TIERING", None),
    ],
)
def test_an_answer_of_amazon_says_whether_a_file_must_be_restored(
    s3: SwitchedS3, delivery: str, fields: str, archived_as: str | None
) -> None:
    del s3.objects["d/EULA.txt"]
    described = verbatim(HEAD + fields, b"0123456789")
    s3.answer_each(head=described, get=INVALID_STATE if archived_as else described)
    with client_of(app_for(f"s3://{SWITCHED_BUCKET}", delivery=delivery), follow_redirects=True) as http:
        answer = http.get("/d/f.bin")
        assert http.head("/d/f.bin").status_code == answer.status_code
        if archived_as is None:
            assert (answer.status_code, answer.content) == (200, b"0123456789")
            return
        assert answer.status_code == 409
        assert answer.json()["storage_class"] == archived_as


# --- encrypted

SSE_C = (
    "The object was stored using a form of Server Side Encryption. The correct parameters must be provided."
)
KMS = (
    "User: arn:aws:iam::1:user/u is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:r:1:key/k"
)
REFUSALS = {
    "SSE-C": status(400, "InvalidRequest", SSE_C),
    "KMS without permission": status(403, "AccessDenied", KMS),
    "KMS, disabled key": status(400, "KMS.DisabledException", "arn:aws:kms:r:1:key/k is disabled"),
}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[SwitchedS3]:
    with run_switched_s3({"d/f.bin": b"0123456789", "d/EULA.txt": b"Be nice."}) as switched:
        point_aws_at(monkeypatch, S3Endpoint(switched.url))
        yield switched


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("delivery", ["auto", "proxy"])
def test_an_encrypted_file_says_so(s3: SwitchedS3, refusal: str, delivery: str) -> None:
    del s3.objects["d/EULA.txt"]
    s3.answer_each(head=REFUSALS[refusal], get=REFUSALS[refusal])
    with client_of(app_for(f"s3://{SWITCHED_BUCKET}", delivery=delivery)) as http:
        answer = http.get("/d/f.bin")
        assert answer.status_code == 403
        assert answer.json()["type"].endswith("file-encrypted")
        assert http.head("/d/f.bin").status_code == 403
        assert "encrypted" in http.get("/d/f.bin", headers=BROWSER).text
        metrics = http.metrics()
    assert 'outcome="encrypted"' in metrics
    assert 'outcome="denied"' not in metrics


def test_what_is_found_out_only_when_bytes_are_asked_for_says_so_too(s3: SwitchedS3) -> None:
    del s3.objects["d/EULA.txt"]
    with client_of(app_for(f"s3://{SWITCHED_BUCKET}", delivery="proxy")) as http:
        s3.answer_each(get=REFUSALS["SSE-C"])
        assert http.get("/d/f.bin").status_code == 403
        s3.answer_each(get=status(403, "InvalidObjectState"))
        assert http.get("/d/f.bin").status_code == 409


def test_a_licence_that_is_encrypted_closes_its_folder(s3: SwitchedS3) -> None:
    s3.answer_each(get=REFUSALS["SSE-C"])
    with client_of(app_for(f"s3://{SWITCHED_BUCKET}")) as http:
        assert http.get("/d/f.bin").status_code == 503
        assert http.get("/d/").status_code == 503


def test_rejected_credentials_are_still_the_operators_alarm(s3: SwitchedS3) -> None:
    del s3.objects["d/EULA.txt"]
    for refusal in (status(403, "AccessDenied"), status(400, "ExpiredToken")):
        s3.answer_each(head=refusal, get=refusal)
        with client_of(app_for(f"s3://{SWITCHED_BUCKET}")) as http:
            assert http.get("/d/f.bin").status_code == 502
            assert 'outcome="denied"' in http.metrics()
