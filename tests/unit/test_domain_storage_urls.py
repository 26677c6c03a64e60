"""Storage URLs: what they name, and what is said of those that name nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config import allowed
from app.domain.storage_urls import ALLOWED, FORMS, PARAMETERS, SCHEMES, S3Place, parse_storage_url


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (".", Path()),
        ("/srv/a b", Path("/srv/a b")),
        ("file:///srv/a%20b", Path("/srv/a b")),
        ("s3://bucket", S3Place("bucket")),
        ("s3://bucket/a b/%41/", S3Place("bucket", "a b/%41/")),
        (
            "s3://bucket/a?endpoint=https%3A%2F%2Fs3.example%3A8443/x&region=eu-west-1&profile=the%20other",
            S3Place("bucket", "a/", "https://s3.example:8443/x", "eu-west-1", "the other"),
        ),
        (
            "s3://bucket?unsigned=true&region=eu-west-1",
            S3Place("bucket", region="eu-west-1", is_unsigned=True),
        ),
        ("s3://bucket?unsigned=false&profile=p", S3Place("bucket", profile="p")),
        ("s3://bucket?request_payer=requester", S3Place("bucket", requester_pays=True)),
        ("s3://bucket?endpoint=http://127.0.0.1:7480", S3Place("bucket", "", "http://127.0.0.1:7480")),
    ],
)
def test_what_a_url_names(url: str, place: Path | S3Place) -> None:
    assert parse_storage_url(url) == place


def test_an_unknown_parameter_is_told_which_there_are() -> None:
    with pytest.raises(ValueError, match=f"except {', '.join(PARAMETERS)}, but got 'secret_key'") as caught:
        parse_storage_url("s3://bucket/a?secret_key=SECRET")
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("s3://bucket?region=a&region=b", "each parameter once"),
        ("s3://bucket?region=", "a region such as"),
        ("s3://bucket?region=a/b", "a region such as"),
        ("s3://bucket?unsigned=", "unsigned=true or unsigned=false"),
        ("s3://bucket?unsigned=yes", "unsigned=true or unsigned=false"),
        ("s3://bucket?request_payer=owner", "request_payer=requester"),
        ("s3://bucket?unsigned=true&profile=p", "not have unsigned=true beside profile"),
        ("s3://bucket?unsigned=true&request_payer=requester", "not have unsigned=true beside request_payer"),
        ("s3://bucket?profile=", "the name of an AWS profile"),
        ("s3://bucket?endpoint=", "an endpoint such as"),
        ("s3://bucket?endpoint=s3.example", "an endpoint such as"),
        ("s3://bucket?endpoint=ftp://s3.example", "an endpoint such as"),
        ("s3://bucket?endpoint=https://", "an endpoint such as"),
        ("s3://bucket?endpoint=https://s3.example:port", "an endpoint such as"),
        ("s3://bucket?endpoint=https://KEY:SECRET@s3.example", "without credentials"),
        ("s3://KEY:SECRET@bucket/a", "not contain credentials"),
    ],
)
def test_what_is_wrong_is_told_without_repeating_a_secret(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        parse_storage_url(url)
    assert "SECRET" not in str(caught.value)


def test_every_scheme_has_a_form_to_show() -> None:
    assert [form.partition("://")[0] for form in FORMS] == list(SCHEMES)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_message_that_says_what_is_allowed_names_every_scheme(scheme: str) -> None:
    for said in (ALLOWED, allowed("storage"), allowed("overlay")):
        assert f"{scheme}://" in said
