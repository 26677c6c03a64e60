"""Parses storage URLs. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

FORMS: Final = ("file:///dir", "s3://bucket/prefix")
"""One for each of `SCHEMES`, to show."""


def any_form(mark: str = "") -> str:
    """What a storage URL may be, as a message says it.

    Args:
        mark: what stands before and behind each URL.
    """
    *others, last = (f"{mark}{form}{mark}" for form in FORMS)
    return f"{', '.join(['a directory', *others])} or {last}"


ALLOWED: Final = "file:///directory, the path of a directory, or s3://bucket/prefix"
PARAMETERS: Final = ("endpoint", "region", "profile", "unsigned", "request_payer", "list")
_ALLOWED_VALUES: Final = {"unsigned": ("true", "false"), "request_payer": ("requester",), "list": ("no",)}
_BUCKET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,254}")
"""Every name that a region has ever allowed. Today's rules are stricter (Amazon S3 User Guide, "Bucket naming rules")."""
_REGION = re.compile(r"[A-Za-z0-9-]{1,64}")


class S3Place(NamedTuple):
    """A tree in a bucket, and settings that override the AWS conventions; None for those that do not.

    Attributes:
        prefix: what every key of the tree begins with; empty, or ends in `/`.
        endpoint: URL of the S3 engine.
        profile: of the AWS configuration files, for credentials.
        is_unsigned: whether calls and URLs carry no signature, as buckets that are open to everybody allow.
        requester_pays: whether calls and URLs say that their sender pays for them.
        is_listed: whether its credentials may list the bucket.
    """

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    profile: str | None = None
    is_unsigned: bool = False
    requester_pays: bool = False
    is_listed: bool = True


StoragePlace = S3Place | Path
"""What a storage URL names. `open_store` opens each kind."""


def parse_storage_url(url: str) -> StoragePlace:
    """Read a storage URL.

    Args:
        url: `file:///directory` (percent-encoded), the plain path of a directory, or
            `s3://bucket/prefix?endpoint=...&region=...&profile=...&unsigned=true&request_payer=requester&list=no`. The
            prefix is not encoded, so it holds no question mark; the parameters' values are. All but the bucket is optional.

    Raises:
        ValueError: another form; says what is allowed, and nothing that may be a secret.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return _directory(url)
    if scheme not in SCHEMES:
        raise ValueError(f"storage must be {ALLOWED}, but got the scheme {scheme!r}")
    return SCHEMES[scheme](rest)


def split_object_url(url: str) -> tuple[str, str]:
    """The storage URL that an object is in, and its name there.

    Args:
        url: `s3://bucket/key`, perhaps with the parameters of a storage URL.
    """
    where, mark, query = url.partition("?")
    folder, _, name = where.rpartition("/")
    return folder + mark + query, name


def _directory(path: str) -> Path:
    if not path:
        raise ValueError(f"storage must be {ALLOWED}, but there is no directory {path!r}")
    return Path(path)


def _path_of_file_url(rest: str) -> str:
    """RFC 8089 section 2: the host is empty or `localhost`."""
    host, slash, path = rest.partition("/")
    if host not in ("", "localhost") or not slash:
        raise ValueError(f"storage must be {ALLOWED}, but got a file URL with a host")
    return "/" + unquote(path, errors="surrogateescape")


def _s3_place(rest: str) -> S3Place:
    where, _, query = rest.partition("?")
    bucket, _, prefix = where.partition("/")
    if "@" in bucket:
        raise ValueError(
            "storage must not contain credentials: they follow the AWS conventions, or `profile` names them"
        )
    if not _BUCKET_NAME.fullmatch(bucket):
        raise ValueError(f"storage must be {ALLOWED}, but got an invalid bucket name")
    prefix = prefix.strip("/")
    values = _parameters(query)
    return S3Place(
        bucket,
        f"{prefix}/" if prefix else "",
        endpoint=values.get("endpoint"),
        region=values.get("region"),
        profile=values.get("profile"),
        is_unsigned=values.get("unsigned") == "true",
        requester_pays="request_payer" in values,
        is_listed="list" not in values,
    )


def _parameters(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    values = dict(pairs)
    for name in values:
        if name not in PARAMETERS:
            raise ValueError(
                f"storage must have no parameters except {', '.join(PARAMETERS)}, but got {name!r}"
            )
    if len(values) != len(pairs):
        raise ValueError("storage must have each parameter once, but one is repeated")
    if "endpoint" in values:
        check_endpoint(values["endpoint"])
    _check_values(values)
    return values


def _check_values(values: Mapping[str, str]) -> None:
    if not _REGION.fullmatch(values.get("region", "any")):
        raise ValueError("storage must have a region such as eu-west-1, but has something else there")
    if not values.get("profile", "any").strip():
        raise ValueError("storage must have the name of an AWS profile, but it is empty")
    for name, allowed in _ALLOWED_VALUES.items():
        if values.get(name, allowed[0]) not in allowed:
            forms = " or ".join(f"{name}={value}" for value in allowed)
            raise ValueError(f"storage must have {forms}, or no {name}, but has something else there")
    if values.get("unsigned") == "true" and (with_it := {"profile", "request_payer"} & values.keys()):
        raise ValueError(f"storage must not have unsigned=true beside {', '.join(sorted(with_it))}")


def check_endpoint(endpoint: str) -> None:
    """Check the URL of an S3 engine. Presigned URLs begin with it.

    Raises:
        ValueError: it is none, or has credentials, a query or a fragment; quotes nothing of it.
    """
    try:
        parts = urlsplit(endpoint)
        is_place = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # no such address, or the port is no number
        is_place = False
    if not is_place or set("@?#") & set(endpoint):
        raise ValueError(
            "storage must have an endpoint such as https://s3.example.org, without credentials, but has something "
            "else there"
        )


SCHEMES: Final[Mapping[str, Callable[[str], StoragePlace]]] = {
    "file": lambda rest: _directory(_path_of_file_url(rest)),
    "s3": _s3_place,
}
"""Every scheme of a storage URL, with the function that reads the rest."""
