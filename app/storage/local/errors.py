"""Turns errors of the operating system into errors of a store."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.domain.errors import NotFound, PierheadError, StoreDenied, StoreUnavailable

NOTHING_THERE: Final = frozenset(
    {
        *(errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.ENXIO),
        *(errno.EINVAL, errno.EILSEQ),  # names that the file system cannot hold
    }
)
_FORBIDDEN: Final = frozenset({errno.EACCES, errno.EPERM})


@contextmanager
def os_errors_translated() -> Iterator[None]:
    """Raise NotFound, StoreDenied or StoreUnavailable in place of an OSError."""
    try:
        yield
    except OSError as error:
        raise _translated(error) from error


def _translated(error: OSError) -> PierheadError:
    if error.errno in NOTHING_THERE:
        return NotFound()
    if error.errno in _FORBIDDEN:
        return StoreDenied()
    return StoreUnavailable("io-error")
