"""A bucket whose credentials may read objects and not list them: to S3 what is absent is denied too."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Final

import httpx
import pytest

from app.storage.observation import Unwatched
from app.storage.open_store import open_storage
from tests.support.answers import BROWSER, member, problem
from tests.support.aws import S3Endpoint, point_aws_at
from tests.support.fake_s3 import Request, status
from tests.support.live_server import app_for
from tests.support.site_trees import SiteClient, client_of
from tests.support.switched_s3 import BUCKET, SwitchedS3, operation_of, run_switched_s3

PRIVATE: Final = b"Format-Version: 0.5\nFiles-Pattern: *,\nLicense-Type: open\nAuth-Groups: staff\n"
OBJECTS: Final = {
    "open/f.bin": b"0123456789",
    "open/x[1].txt": b"brackets",
    "open/index.html": b"<p>start</p>",
    "members/f.bin": b"for members",
    "other/f.bin": b"by a rule that asks for control files",
    "other/BUILD-INFO.txt": PRIVATE,
}
POLICY: Final = """
[[rule]]
path = "open"
tier = "public"
override = true
[[rule]]
path = "members"
tier = "private"
groups = ["staff"]
override = true
[[rule]]
path = "other"
tier = "public"
[[serve]]
path = "open/index.html"
delivery = "proxy"
"""
UNLISTED: Final = f"s3://{BUCKET}?list=no"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[SwitchedS3]:
    """Says of all but its objects that it is denied."""
    with run_switched_s3(OBJECTS) as switched:

        async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
            key = request.target.partition("?")[0].removeprefix(f"/{BUCKET}/").replace("%5B", "[")
            is_there = key.replace("%5D", "]") in OBJECTS and operation_of(request) != "list"
            await (switched.serve if is_there else status(403, "AccessDenied"))(request, writer)

        switched.answer(answer)
        point_aws_at(monkeypatch, S3Endpoint(switched.url))
        yield switched


def site(policy: str = POLICY, **values: Any) -> AbstractContextManager[SiteClient]:
    return client_of(app_for(UNLISTED, policy=policy, **values))


def said(answer: httpx.Response) -> str:
    return str(answer.json()["detail"])


@pytest.mark.parametrize("delivery", ["auto", "proxy"])
def test_files_are_given_by_their_exact_paths(s3: SwitchedS3, delivery: str) -> None:
    with site(delivery=delivery) as http:
        for _ in range(2):
            answer = http.get("/open/f.bin")
            if delivery == "auto":
                answer = httpx.get(answer.headers["location"], trust_env=False)
            assert answer.content == OBJECTS["open/f.bin"]
        assert http.head("/open/f.bin").headers["etag"]
    assert {operation_of(request) for request in s3.requests} == {"head", "get"}


def test_a_wildcard_is_a_name_like_any_other(s3: SwitchedS3) -> None:
    with site(delivery="proxy") as http:
        assert http.get("/open/x%5B1%5D.txt").content == OBJECTS["open/x[1].txt"]
        assert problem(http.get("/open/f.*")) == (404, "not-found")


@pytest.mark.parametrize("target", ["/open/none.bin", "/open", "/open/f.bin/below", "/open/BUILD-INFO.txt"])
def test_what_is_denied_is_absent(s3: SwitchedS3, target: str) -> None:
    with site() as http:
        assert problem(http.get(target)) == (404, "not-found")


@pytest.mark.parametrize(
    "target",
    [
        "/open/",
        "/open/none/",
        "/open/?format=json",
        "/open/?limit=1",
        "/open/?recursive=true",
        "/api/ls/open/",
        "/api/v1/manifest/open/",
    ],
)
def test_every_listing_says_why_there_is_none(s3: SwitchedS3, target: str) -> None:
    with site() as http:
        for _ in range(2):
            answer = http.get(target)
            assert problem(answer) == (403, "listing-unavailable")
            assert "exact path" in said(answer)
        assert "does not list folders" in http.get("/open/", headers=BROWSER).text


def test_an_index_file_is_still_the_answer_for_its_folder(s3: SwitchedS3) -> None:
    policy = POLICY + '[[serve]]\npath = "open"\nindex = ["index.html"]\n'
    with site(policy) as http:
        assert http.get("/open/", headers=BROWSER).content == OBJECTS["open/index.html"]


@pytest.mark.parametrize("default_tier", ["public", "closed"])
@pytest.mark.parametrize(
    "target", ["/other/f.bin", "/other/none.bin", "/other/", "/other", "/nowhere/f.bin", "/f.bin", "/"]
)
def test_nothing_is_opened_that_a_control_file_may_protect(
    s3: SwitchedS3, target: str, default_tier: str
) -> None:
    with site(default_tier=default_tier) as http:
        answer = http.get(target)
        assert problem(answer) == (403, "refused")
        assert "override = true" in said(answer)


def test_the_site_policy_is_kept(s3: SwitchedS3) -> None:
    with site(delivery="proxy") as http:
        for target in ("/members/f.bin", "/members/none.bin", "/members/"):
            assert problem(http.get(target)) == (401, "login-required")
        assert http.get("/members/f.bin", headers=member("staff")).content == b"for members"
        assert problem(http.get("/members/none.bin", headers=member("staff"))) == (404, "not-found")


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"])
def test_credentials_that_are_refused_are_no_absent_file(s3: SwitchedS3, code: str) -> None:
    s3.answer(status(403, code))
    with site() as http:
        assert problem(http.get("/open/f.bin")) == (502, "storage-denied")
        assert problem(http.get("/readyz")) == (503, "not-ready")


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchKey"])
def test_the_server_is_ready_if_s3_knows_it(s3: SwitchedS3, code: str) -> None:
    s3.answer(status(404 if code == "NoSuchKey" else 403, code))
    with site() as http:
        assert http.get("/readyz").status_code == 200
        assert 'outcome="denied"' not in httpx.get(f"{http.admin}/metrics", trust_env=False).text


def test_it_must_be_the_only_store() -> None:
    for urls, overlay in (((UNLISTED, f"s3://{BUCKET}"), None), ((f"s3://{BUCKET}",), UNLISTED)):
        with pytest.raises(ValueError, match="list=no must be the only one"):
            open_storage(urls, overlay, watch=Unwatched())
