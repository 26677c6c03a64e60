"""Writes to a socket that does not block, from a file or from memory."""

from __future__ import annotations

import errno
import os
from typing import Final

from app.storage.local.errors import os_errors_translated

_UNSUPPORTED: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
"""Some file systems have no sendfile(2)."""
_CONNECTION_LOST: Final = frozenset({errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN})
"""What a broken connection is called, beside what Python has a ConnectionError for."""


def write_from(descriptor: int, connection: int, first: int, length: int) -> int | None:
    """Write bytes of a file to a socket in one system call, sendfile(2). It may wait for a disk.

    Returns:
        How many the socket took; 0 if it takes none at present, or the file ends before them. None if the file
        system has no such call.

    Raises:
        ConnectionError: the socket is not connected any more.
        StoreUnavailable, StoreDenied: the file cannot be read.
    """
    try:
        return os.sendfile(connection, descriptor, first, length)
    except BlockingIOError:
        return 0
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return None
        _raise_if_lost(error)
        with os_errors_translated():
            raise


def write_bytes(connection: int, content: bytes) -> int:
    """Write bytes to a socket.

    Returns:
        How many it took; 0 if it takes none at present.

    Raises:
        ConnectionError: the socket is not connected any more.
    """
    try:
        return os.write(connection, content)
    except BlockingIOError:
        return 0
    except OSError as error:
        _raise_if_lost(error)
        raise


def _raise_if_lost(error: OSError) -> None:
    """Raise ConnectionError for an error that means a broken connection."""
    if isinstance(error, ConnectionError):
        raise error
    if error.errno in _CONNECTION_LOST:
        raise ConnectionError(error.errno, "the connection was lost") from error
