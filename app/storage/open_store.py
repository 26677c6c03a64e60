"""From a storage URL to an open store."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from urllib.parse import unquote

from app.storage.local import LocalStore
from app.storage.s3 import open_s3_store
from app.storage.store import ObjectStore, Observer

_ALLOWED = "file:///directory, the path of a directory, or s3://bucket/prefix"
_BUCKET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,254}")
"""What any region has ever allowed; today's rules are stricter (Amazon S3 User Guide, "Bucket naming rules")."""


def open_store(url: str, *, observe: Observer) -> AbstractAsyncContextManager[ObjectStore]:
    """Open the store that a URL names.

    Args:
        url: `file:///directory` (percent-encoded), the plain path of a directory, or `s3://bucket/prefix`
            (not encoded). The prefix is optional.
        observe: told of every call.

    Returns:
        A context manager: entering opens the store, leaving closes it.

    Raises:
        ValueError: at once, not on entering: another form, or no such directory.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return _open_directory(url, observe=observe)
    if scheme == "file":
        return _open_directory(_path_of_file_url(rest), observe=observe)
    if scheme == "s3":
        bucket, _, prefix = rest.partition("/")
        if not _BUCKET_NAME.fullmatch(bucket):
            raise ValueError(f"storage must be {_ALLOWED}, but {bucket!r} is no bucket name")
        return open_s3_store(bucket, prefix, observe=observe)
    raise ValueError(f"storage must be {_ALLOWED}, but got the scheme {scheme!r}")


def _path_of_file_url(rest: str) -> str:
    """RFC 8089 section 2: the host is empty or `localhost`."""
    host, slash, path = rest.partition("/")
    if host not in ("", "localhost") or not slash:
        raise ValueError(f"storage must be {_ALLOWED}, but got a file URL with the host {host!r}")
    return "/" + unquote(path, errors="surrogateescape")


def _open_directory(path: str, *, observe: Observer) -> AbstractAsyncContextManager[ObjectStore]:
    root = Path(path)
    if not path or not root.is_dir():
        raise ValueError(f"storage must be {_ALLOWED}, but there is no directory {path!r}")
    return _open_local_store(root, observe=observe)


@asynccontextmanager
async def _open_local_store(root: Path, *, observe: Observer) -> AsyncIterator[LocalStore]:
    store = LocalStore(root, observe=observe)
    try:
        yield store
    finally:
        await store.aclose()
