"""From a file to a socket in one system call. Blocking, but for the socket."""

from __future__ import annotations

import errno
import os
from typing import Final

from app.storage.local.errors import os_errors_translated

_UNSUPPORTED: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
"""Some file systems have no sendfile(2)."""
_CONNECTION_LOST: Final = frozenset({errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN})
"""What a broken connection is called, beside what Python has a ConnectionError for."""
_COPIED_BYTES: Final = 256 * 1024


def write_from(descriptor: int, connection: int, first: int, length: int) -> int | None:
    """Write bytes of a file to a socket that does not block.

    Returns:
        How many the socket took; 0 at the end of the file. None if the socket takes none at present.

    Raises:
        ConnectionError: the socket is not connected any more.
        StoreUnavailable, StoreDenied: the file cannot be read.
    """
    try:
        return _sent(descriptor, connection, first, length)
    except BlockingIOError:
        return None
    except OSError as error:
        if isinstance(error, ConnectionError) or error.errno in _CONNECTION_LOST:
            raise ConnectionError(error.errno, "the connection was lost") from error
        with os_errors_translated():
            raise


def _sent(descriptor: int, connection: int, first: int, length: int) -> int:
    try:
        return os.sendfile(connection, descriptor, first, length)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    content = os.pread(descriptor, min(length, _COPIED_BYTES), first)
    return os.write(connection, content) if content else 0
