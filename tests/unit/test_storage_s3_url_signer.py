"""Whose credentials a URL is signed with, and for how long it holds by them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

from app.domain.errors import StoreDenied
from app.storage.s3.clients import new_session
from app.storage.s3.sigv4 import MAX_SECONDS, Address, Presigner
from app.storage.s3.url_signer import UrlSigner
from tests.support.aws import S3Endpoint, point_aws_at

HOUR = 3600


class Signed(NamedTuple):
    """What a URL says of itself."""

    access_key: str
    token: str | None
    begins_at: float
    ends_at: float


def read(url: str) -> Signed:
    fields = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    begins_at = datetime.strptime(fields["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    return Signed(
        fields["X-Amz-Credential"].partition("/")[0],
        fields.get("X-Amz-Security-Token"),
        begins_at,
        begins_at + int(fields["X-Amz-Expires"]),
    )


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    point_aws_at(monkeypatch, S3Endpoint("http://127.0.0.1:1", "lasting", "secret"))


def lend(monkeypatch: pytest.MonkeyPatch, access_key: str, expires_at: float) -> None:
    """Let the environment have credentials that end; botocore reads it again when they are about to."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", access_key)
    monkeypatch.setenv("AWS_SESSION_TOKEN", f"token of {access_key}")
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", datetime.fromtimestamp(expires_at, UTC).isoformat())


def signer() -> UrlSigner:
    address = Address("https://s3.example", "/artifacts", "us-east-1")
    return UrlSigner(new_session(), Presigner(address), clock=time.time)


async def sign(signer: UrlSigner, seconds: int = 300) -> Signed:
    return read((await signer.presign("GET", "d/f", {}, seconds=seconds)).url)


async def test_credentials_that_last_do_not_shorten_a_url() -> None:
    signed = await sign(signer(), MAX_SECONDS)
    assert (signed.access_key, signed.token) == ("lasting", None)
    assert signed.ends_at - signed.begins_at == MAX_SECONDS


async def test_a_url_ends_with_the_credentials_that_were_lent(monkeypatch: pytest.MonkeyPatch) -> None:
    ends_at = int(time.time()) + 2 * HOUR
    lend(monkeypatch, "lent", ends_at)
    signing = signer()
    long, short = await sign(signing, 6 * HOUR), await sign(signing, HOUR)
    assert (long.access_key, long.token, long.ends_at) == ("lent", "token of lent", ends_at)
    assert time.time() + HOUR - 60 < short.ends_at < ends_at


async def test_credentials_about_to_expire_are_fetched_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    lend(monkeypatch, "old", time.time() + 5 * 60)
    session = new_session()
    await session.get_credentials()  # type: ignore[misc]
    lend(monkeypatch, "new", time.time() + 2 * HOUR)
    signing = UrlSigner(session, Presigner(Address("https://s3", "", "r")), clock=time.time)
    assert (await sign(signing)).access_key == "new"


async def test_credentials_that_have_expired_sign_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    lend(monkeypatch, "expired", time.time() - HOUR)
    with pytest.raises(StoreDenied):
        await sign(signer())


async def test_credentials_that_expire_by_our_clock_sign_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    lend(monkeypatch, "lent", time.time() + HOUR)
    ahead = UrlSigner(
        new_session(), Presigner(Address("https://s3", "", "r")), clock=lambda: time.time() + 2 * HOUR
    )
    with pytest.raises(StoreDenied):
        await sign(ahead)


async def test_without_credentials_nothing_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StoreDenied):
        await sign(signer())
