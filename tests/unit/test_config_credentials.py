"""URLs with credentials in them are refused in every setting, and never repeated."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.cli.places import places_of
from app.config import ConfigError, Settings, load_settings, masked
from app.config.credentials import holds_credentials
from app.config.settings import is_secret

SECRET = "sEcrEt"
TELLING = [
    f"s3://KEY:{SECRET}@bucket/prefix",
    f"s3://KEY:{SECRET}/more@bucket",
    f"s3://KEY:{SECRET},more@bucket",
    f"s3://KEY:{SECRET}",
    f"s3:/KEY:{SECRET}@bucket",
    f"s3://{SECRET}@bucket",
    f"https://user:{SECRET}@s3.example.org/bucket",
    f"HTTPS://user:{SECRET}@[2001:db8::1]:8443/",
    f"ldaps://user:{SECRET}@directory.example.org",
    f"file://user:{SECRET}@host/srv",
    f"s3://bucket?access_key={SECRET}",
    f"s3://bucket?region=x&secret={SECRET}",
    f"s3://bucket/prefix?accessKeyId=x;secretAccessKey={SECRET}",
    f"s3://bucket?endpoint=https%3A%2F%2FKEY%3A{SECRET}%40s3.example.org",
    f"s3://bucket?endpoint=https://s3.example.org/?token={SECRET}",
    f"s3://bucket?X-Amz-Signature={SECRET}",
    f"s3://bucket?X-Amz-Security-Token={SECRET}",
    f"s3://bucket?AWSAccessKeyId={SECRET}",
    f"s3://bucket?%73ecret={SECRET}",
    f"https://idp.example.org/#access_token={SECRET}",
    f"https://idp.example.org/?client_password={SECRET}",
]
HARMLESS = [
    *(
        ".",
        "/srv/a@b",
        "/srv/a:b@c",
        "a?token=b",
        "file:///srv/a@b",
        "file:///srv/a%40b",
        "Releases: all of them",
    ),
    *("s3://bucket", "s3://bucket/a@b:c/d", "s3://bucket/a b", "s3://a,s3://b s3://c", '["s3://a","s3://b"]'),
    *("s3://b?endpoint=https://s3.example.org:8443/x&region=eu-west-1&profile=ci", "http://127.0.0.1:9000"),
    *(
        "http://[2001:db8::1]:80/x",
        "http://[::1]",
        "s3://b?endpoint=http%3A%2F%2F%5B::1%5D:9000",
        "10.0.0.0/8, ::1",
    ),
    *("ldap://a.example.org:389", "mailto:staff@example.org", "tcp://10.0.0.1:80"),
]
NAMES = [name for name in Settings.model_fields if not is_secret(name)]


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def faults_of(name: str, value: object) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings(environ={}, overrides={name: value})
    return str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_no_setting_takes_a_url_with_credentials_nor_repeats_it(name: str) -> None:
    refusal = f"--{name.replace('_', '-')} (command line): must not have credentials in a URL"
    for url in TELLING:
        for value in (url, [url], {"url": url}, json.dumps(["s3://other", url])):
            told = faults_of(name, value)
            assert told.startswith(refusal), value
            assert SECRET not in told, value
            assert "\n" not in told, value


def test_the_right_way_is_named() -> None:
    assert "AWS_SECRET_ACCESS_KEY" in faults_of("storage", TELLING[0])
    assert "AWS_SECRET_ACCESS_KEY" in faults_of("overlay", TELLING[0])


@pytest.mark.parametrize("text", HARMLESS)
def test_what_has_none_is_taken(text: str) -> None:
    assert not holds_credentials(text)


@pytest.mark.parametrize(
    "url",
    [
        f"s3://bucket?x={SECRET}",
        f"s3://-{SECRET}",
        f"s3:{SECRET}",
        f"gopher://{SECRET}",
        f"file://{SECRET}",
        f"https://{SECRET}/",
        f"s3://bucket?region={SECRET}!",
        f"s3://bucket?endpoint={SECRET}",
    ],
)
@pytest.mark.parametrize("name", ["storage", "overlay"])
def test_a_url_that_is_no_storage_is_not_quoted(name: str, url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        places_of(load_settings(environ={}, overrides={name: url}))
    assert SECRET not in str(caught.value)
    assert f"--{name} (command line): must " in str(caught.value)


@given(
    st.from_regex(r"[a-z][a-z0-9+.-]{1,6}", fullmatch=True),
    st.from_regex(r"[^/?#@\s,:\x00-\x20]{0,12}", fullmatch=True),
    st.text(st.characters(exclude_categories=["Cs", "Z", "Cc"]), min_size=1, max_size=20),
)
def test_no_user_or_password_slips_through(scheme: str, user: str, password: str) -> None:
    # `host:80/path` has a port. Storage URLs with one are refused as no bucket's.
    assume(not re.match(r"\d+[/?#,]", password))
    assert holds_credentials(f"{scheme}://{user}:{password}@host/path")


def test_what_is_shown_has_no_credentials() -> None:
    loaded = load_settings(environ={"PIERHEAD_STORAGE": "s3://a?region=x s3://b", "PIERHEAD_OVERLAY": "/srv"})
    assert not holds_credentials(masked(loaded.settings))
