"""Types of the values of settings."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BeforeValidator, SecretStr

from app.domain.storage_urls import SCHEMES, any_form


class Allowed(NamedTuple):
    """The allowed values of a setting, to complete "must be ...", if its type does not say it."""

    text: str


class CredentialsBy(NamedTuple):
    """Where to put credentials instead of into the URL of a setting."""

    text: str


def _split(value: object) -> object:
    """Lists are TOML arrays, or in the environment JSON arrays, or items separated by commas or spaces."""
    if not isinstance(value, str):
        return value
    array = _json_array(value)
    return tuple(value.replace(",", " ").split()) if array is None else array


def _stores(value: object) -> object:
    """A string is one store, unless all parts between spaces or commas are URLs or absolute paths.

    So the path of one directory may contain spaces. A JSON array is always a list.
    """
    if not isinstance(value, str):
        return value
    if (array := _json_array(value)) is not None:
        return array
    parts = value.replace(",", " ").split()
    is_list = len(parts) > 1 and all("://" in part or part.startswith("/") for part in parts)
    return parts if is_list else (value,)


def _json_array(text: str) -> list[object] | None:
    """The items of a JSON array; None for any other text, such as the brackets of an IPv6 address."""
    if text.startswith("["):
        with suppress(ValueError):
            return list(json.loads(text))
    return None


MAX_PORT = 65535

A_STORE = any_form("`")
_KNOWN_SCHEMES = (*SCHEMES, "http", "https")


_OF_A_SITE = (
    "; a bucket of an S3 engine at that address is s3://bucket/prefix?endpoint=ADDRESS, and `pierhead get` downloads"
    " from a URL"
)


def check_store(url: str) -> None:
    """Raises ValueError if this is neither a directory nor the URL of a store."""
    # Never quote a secret: of a URL, only the scheme is quoted.
    scheme, colon, rest = url.partition(":")
    is_url = rest.startswith("//")
    if not url or (is_url and not rest.strip("/")):
        raise ValueError(f"got {url!r}")
    if is_url and scheme not in SCHEMES:
        hint = _OF_A_SITE if scheme in ("http", "https") else ""
        raise ValueError(f"got a URL of the scheme {scheme!r}{hint}")
    if colon and not is_url and scheme in _KNOWN_SCHEMES:
        raise ValueError(f"got {scheme!r} without '://'")


_ORIGIN = re.compile(
    r"(https?)://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?"
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def check_origins(origins: tuple[str, ...]) -> None:
    """Raises ValueError if these are not origins as browsers name them (RFC 6454 section 6.1), nor `*` alone."""
    if "*" in origins and len(origins) > 1:
        raise ValueError("got '*' and others")
    for origin in origins:
        found = _ORIGIN.fullmatch(origin)
        if origin != "*" and (found is None or found[2] == _DEFAULT_PORTS[found[1]]):
            raise ValueError(f"got {origin!r}")


def _file_or_object(value: object) -> object:
    """An object of a bucket is text, anything else the path of a file."""
    if not isinstance(value, str) or not value.startswith("s3://"):
        return Path(value) if isinstance(value, str) else value
    bucket, _, key = value.partition("?")[0].removeprefix("s3://").partition("/")
    if not bucket or not key.strip("/") or key.endswith("/"):
        raise ValueError(f"got {value!r}")
    return value


def _no_flag(value: object) -> object:
    """TOML's `true` is not the number 1."""
    if isinstance(value, bool):
        raise ValueError(f"got {value}")  # noqa: TRY004 - pydantic makes a fault of ValueError alone
    return value


def parse_listen(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`; an IPv6 address is in brackets.

    Raises:
        ValueError: it is not of that form.
    """
    host, colon, port = text.rpartition(":")
    is_bracketed = host.startswith("[") and host.endswith("]")
    if not (host and colon and port.isascii() and port.isdigit() and int(port) <= MAX_PORT) or (
        ":" in host and not is_bracketed
    ):
        raise ValueError(f"got {text!r}")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _checked_listen(text: str) -> str:
    parse_listen(text)
    return text


FileOrObject = Annotated[Path | str, BeforeValidator(_file_or_object)]
Number = Annotated[int, BeforeValidator(_no_flag)]
Listen = Annotated[
    str,
    AfterValidator(_checked_listen),
    Allowed("an address and a port such as `127.0.0.1:8001` or `[::1]:8001`"),
]
Networks = Annotated[
    tuple[str, ...],
    BeforeValidator(_split),
    Allowed("networks such as `10.0.0.0/8` or `2001:db8::/32`, separated by commas or spaces"),
]
StoreCredentials = CredentialsBy(
    "they follow the AWS conventions: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or `profile` names those of one bucket"
)
Stores = Annotated[
    tuple[str, ...],
    BeforeValidator(_stores),
    StoreCredentials,
    Allowed(f"{A_STORE}, or several of these, separated by commas or spaces"),
]
Secrets = Annotated[
    tuple[SecretStr, ...],
    BeforeValidator(_split),
    Allowed("keys of at least 32 characters, separated by commas or spaces"),
]
Origins = Annotated[
    tuple[str, ...],
    BeforeValidator(_split),
    Allowed(
        "`*`, or origins such as `https://flash.example.org` in lower case, with a port if it is not the usual one, separated by "
        "commas or spaces"
    ),
]


def _check_prewarm(wanted: tuple[str, ...]) -> tuple[str, ...]:
    for text in wanted:
        if not text.startswith("/") and not (text.isascii() and text.isdecimal() and len(text) < 3):
            raise ValueError(f"got {text!r}")
    return wanted


def _number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Prewarm = Annotated[
    tuple[str, ...],
    AfterValidator(_check_prewarm),
    BeforeValidator(_split),
    BeforeValidator(_number_as_text),
    Allowed(
        "a number of levels up to 99, or paths of folders such as `/releases/`, separated by commas or spaces"
    ),
]
Names = Annotated[tuple[str, ...], BeforeValidator(_split), Allowed("names, separated by commas or spaces")]
