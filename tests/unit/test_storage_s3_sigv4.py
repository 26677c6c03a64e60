"""Signed URLs, held against botocore's own, and the terms that they hold for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.storage.s3.clients import UNLIMITED, Timeouts, new_session, open_client
from app.storage.s3.sigv4 import MAX_SECONDS, Address, Credentials, Presigner, Term
from app.storage.s3.url_signer import address_of
from tests.support.aws import S3Endpoint, point_aws_at

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client

ACCESS_KEY, SECRET_KEY = "AKIA/example+key=", "secret/with+odd=characters"
DOCUMENTED = Presigner(Address("https://examplebucket.s3.amazonaws.com", "", "us-east-1"))


@dataclass(frozen=True)
class Place:
    """A way to reach a bucket; without an endpoint it is Amazon's."""

    origin: str
    path: str = ""
    endpoint: str = ""
    region: str = "us-east-1"
    style: str = ""
    bucket: str = "artifacts"
    token: str | None = None


PLACES = (
    Place("https://artifacts.s3.amazonaws.com"),
    Place("https://artifacts.s3.amazonaws.com", region="eu-west-1", token="FwoG/token+with=odd//characters"),
    Place("https://artifacts.s3.eu-west-1.amazonaws.com", region="eu-west-1", style="virtual"),
    Place("https://s3.ap-southeast-2.amazonaws.com", "/artifacts", region="ap-southeast-2", style="path"),
    Place("https://artifacts.s3.cn-north-1.amazonaws.com.cn", region="cn-north-1"),
    Place("https://s3.eu-west-1.amazonaws.com", "/has.dots", region="eu-west-1", bucket="has.dots"),
    Place("http://127.0.0.1:9000", "/artifacts", endpoint="http://127.0.0.1:9000"),
    Place("http://[::1]:7480", "/artifacts", endpoint="http://[::1]:7480", token="t"),
    Place("http://s3.example.org:80", "/artifacts", endpoint="http://s3.example.org:80"),
    Place("https://s3.example.org:443", "/in/a/artifacts", endpoint="https://s3.example.org:443/in/a"),
    Place("https://s3.example.org", "/in/artifacts", endpoint="https://s3.example.org/in/", region="garage"),
    Place("https://artifacts.S3.Example.org:8443", endpoint="https://S3.Example.org:8443", style="virtual"),
)


def aws_configured(patch: pytest.MonkeyPatch, directory: Path, place: Place) -> None:
    """Let the AWS conventions name this place."""
    point_aws_at(patch, S3Endpoint(place.endpoint, ACCESS_KEY, SECRET_KEY))
    if not place.endpoint:
        patch.delenv("AWS_ENDPOINT_URL_S3")
    patch.setenv("AWS_DEFAULT_REGION", place.region)
    if place.token:
        patch.setenv("AWS_SESSION_TOKEN", place.token)
    if place.style:
        config = directory / "aws-config"
        config.write_text(f"[default]\ns3 =\n  addressing_style = {place.style}\n")
        patch.setenv("AWS_CONFIG_FILE", str(config))


class Signers:
    """botocore's signer and ours for one place."""

    def __init__(self, place: Place, client: S3Client, runner: asyncio.Runner) -> None:
        self.place = place
        self.address = runner.run(address_of(client, place.bucket))
        self._presigner = Presigner(self.address)
        self._client = client
        self._runner = runner

    def botocores(self, operation: str, parameters: dict[str, Any], seconds: int) -> str:
        work = self._client.generate_presigned_url(
            operation, Params={"Bucket": self.place.bucket, **parameters}, ExpiresIn=seconds
        )
        return self._runner.run(work)

    def ours(self, method: str, key: str, query: dict[str, str], term: Term) -> str:
        credentials = Credentials(ACCESS_KEY, SECRET_KEY, self.place.token)
        return self._presigner.presign(credentials, method, key, query, term)


@pytest.fixture(scope="module", params=PLACES, ids=lambda place: place.origin + place.path)
def signers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signers]:
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner, ExitStack() as stack:
        aws_configured(patch, tmp_path_factory.mktemp("aws"), request.param)
        opening = open_client(new_session(), Timeouts(1, 1), UNLIMITED)
        client = runner.run(opening.__aenter__())
        stack.callback(lambda: runner.run(opening.__aexit__(None, None, None)))
        yield Signers(request.param, client, runner)


def frozen_at(patch: pytest.MonkeyPatch, moment: int) -> None:
    """Let botocore sign at this moment."""
    now = datetime.fromtimestamp(moment, UTC).replace(tzinfo=None)
    patch.setattr("botocore.auth.get_current_datetime", lambda: now)


KEYS = st.one_of(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=80),
    st.text("abc/~+% %2F~.-_?#&=:@'\u00fc\u0308\u65e5\U0001f680", min_size=1, max_size=40),
)
VALUES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)
OVERRIDES = {
    "ResponseContentType": "response-content-type",
    "ResponseContentDisposition": "response-content-disposition",
    "ResponseCacheControl": "response-cache-control",
    "VersionId": "versionId",
}
TERMS = st.builds(Term, st.integers(0, 4_000_000_000), st.integers(1, MAX_SECONDS))
FORTY = settings(max_examples=40)
"""For each of the places: about five hundred in all."""


def test_a_bucket_answers_where_botocore_says(signers: Signers) -> None:
    place = signers.place
    assert signers.address == Address(place.origin, place.path, place.region)


@FORTY
@given(key=KEYS, overrides=st.dictionaries(st.sampled_from(sorted(OVERRIDES)), VALUES), term=TERMS)
def test_objects_have_the_url_that_botocore_gives_them(
    signers: Signers, key: str, overrides: dict[str, str], term: Term
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        frozen_at(patch, term.begins_at)
        query = {OVERRIDES[name]: value for name, value in overrides.items()}
        for operation, method in (("get_object", "GET"), ("head_object", "HEAD")):
            theirs = signers.botocores(operation, {"Key": key, **overrides}, term.seconds)
            assert signers.ours(method, key, query, term) == theirs


@FORTY
@given(prefix=VALUES, after=VALUES, term=TERMS)
def test_listings_have_the_url_that_botocore_gives_them(
    signers: Signers, prefix: str, after: str, term: Term
) -> None:
    query = {
        "list-type": "2",
        "prefix": prefix,
        "delimiter": "/",
        "start-after": after,
        "encoding-type": "url",
    }
    parameters = {"Prefix": prefix, "Delimiter": "/", "StartAfter": after, "EncodingType": "url"}
    with pytest.MonkeyPatch.context() as patch:
        frozen_at(patch, term.begins_at)
        assert signers.ours("GET", "", query, term) == signers.botocores(
            "list_objects_v2", parameters, term.seconds
        )


def test_the_example_of_the_reference_comes_out_as_it_says() -> None:
    """Amazon S3 API reference, "Authenticating Requests: Using Query Parameters", its example."""
    credentials = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    moment = int(datetime(2013, 5, 24, tzinfo=UTC).timestamp())
    url = DOCUMENTED.presign(credentials, "GET", "test.txt", {}, Term(moment, 86400))
    assert url.endswith("&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")


def test_names_are_signed_in_their_own_order() -> None:
    """`prefix` comes before `prefix-x`, though `=` comes after `-`."""
    url = DOCUMENTED.presign(Credentials("a", "s"), "GET", "", {"b-x": "1", "b": "2"}, Term(0, 1))
    turned = DOCUMENTED.presign(Credentials("a", "s"), "GET", "", {"b": "2", "b-x": "1"}, Term(0, 1))
    assert url.rpartition("=")[2] == turned.rpartition("=")[2]


@pytest.mark.parametrize("other", [Credentials("b", "s"), Credentials("a", "t"), Credentials("a", "s", "u")])
def test_other_credentials_give_another_url(other: Credentials) -> None:
    one, two = (
        DOCUMENTED.presign(credentials, "GET", "k", {}, Term(0, 1))
        for credentials in (Credentials("a", "s"), other)
    )
    assert one != two
    assert urlsplit(one).path == urlsplit(two).path


# Terms


@given(now=st.floats(1, 4e9), seconds=st.integers(1, MAX_SECONDS - MAX_SECONDS // 5))
def test_a_term_has_begun_and_lasts_long_enough(now: float, seconds: int) -> None:
    term = Term.around(now, seconds)
    assert term.begins_at <= now
    assert term.begins_at + term.seconds >= now + seconds
    assert term.begins_at + term.seconds <= now + seconds + max(1, seconds // 5)
    assert 1 <= term.seconds <= MAX_SECONDS
    assert now < term.shared_until


@given(now=st.floats(1, 4e9), seconds=st.integers(MAX_SECONDS - MAX_SECONDS // 5, MAX_SECONDS))
def test_a_long_term_is_no_longer_than_s3_allows(now: float, seconds: int) -> None:
    term = Term.around(now, seconds)
    assert term.begins_at <= now
    assert term.seconds <= MAX_SECONDS
    assert term.begins_at + term.seconds > now + seconds - 1


def test_a_term_is_the_same_throughout_its_window() -> None:
    assert {Term.around(now, 300) for now in (600, 600.5, 630, 659.99)} == {Term(600, 360, 660)}
    assert Term.around(660, 300) == Term(660, 360, 720)


@given(now=st.floats(1, 4e9), seconds=st.integers(1, MAX_SECONDS), left=st.floats(1, 2 * MAX_SECONDS))
def test_a_term_never_outlives_the_credentials(now: float, seconds: int, left: float) -> None:
    term = Term.around(now, seconds, ends_by=now + left)
    assert term.begins_at <= now < term.begins_at + term.seconds <= now + left
    assert term.seconds >= 1


@pytest.mark.parametrize("ends_by", [0, 999, 1000, 1000.5])
def test_nothing_is_signed_with_credentials_that_are_over(ends_by: float) -> None:
    with pytest.raises(ValueError):
        Term.around(1000, 300, ends_by=ends_by)
