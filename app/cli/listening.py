"""Opens what the server listens on: addresses and ports, a Unix socket, or what a service manager has opened."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from app.config import Settings, parse_listen
from app.server.service_manager import passed_sockets

UNIX_MODE: Final = 0o660
"""The user and the group of the server may connect."""


class Listening(NamedTuple):
    """What the server listens on.

    Attributes:
        public: for everybody.
        admin: for its operator.
        url: of the former.
    """

    public: list[socket.socket]
    admin: list[socket.socket]
    url: str


@contextmanager
def listening(settings: Settings, environ: MutableMapping[str, str]) -> Iterator[Listening]:
    """Listen until the block ends. What the service manager has opened counts before the settings.

    Raises:
        OSError: says what cannot be listened on, and why.
    """
    public, admin = passed_sockets(environ)
    path, scheme = settings.unix_socket, "https" if settings.tls_certificate else "http"
    own: tuple[int, int] | None = None
    try:
        if not public and path is not None:
            public = [open_unix_socket(path)]
            own = _identity(path)
        public = public or open_sockets(settings.host, settings.port)
        admin = admin or open_sockets(*parse_listen(settings.admin_listen))
        yield Listening(public, admin, f"unix:{path}" if own else url_of(public[0], scheme))
    finally:
        close(public)
        close(admin)
        if own is not None and path is not None and _identity(path) == own:
            path.unlink(missing_ok=True)


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Listen on every address of a host name.

    Args:
        port: 0 for any free port, the same for all addresses.

    Raises:
        OSError: names the host and port that cannot be listened on, and why.
    """
    opened: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
            opened.append(socket.create_server((address[0], port, *address[2:]), family=family))
            port = opened[0].getsockname()[1]
    except OSError as error:
        close(opened)
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise OSError(f"cannot listen on {host}, port {port}: {reason}") from error
    return opened


def open_unix_socket(path: Path) -> socket.socket:
    """Listen on a Unix socket, in place of one that a server has left behind. It appears in one step, with its mode.

    Raises:
        OSError: names the path that cannot be listened on, and why.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}")
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _check_free(path)
        new.unlink(missing_ok=True)
        opened.bind(str(new))
        new.chmod(UNIX_MODE)
        opened.listen(1024)
        new.replace(path)
    except OSError as error:
        opened.close()
        with suppress(OSError):
            new.unlink(missing_ok=True)
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(f"cannot listen on {path}: {reason}") from error
    return opened


def _check_free(path: Path) -> None:
    """Raises OSError if there is anything but a socket on which nobody listens."""
    try:
        is_socket = stat.S_ISSOCK(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if not is_socket:
        raise OSError("there is something that is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        with suppress(ConnectionRefusedError):
            client.connect(str(path))
            raise OSError("another server listens there")


def close(sockets: Iterable[socket.socket]) -> None:
    """Listen no longer."""
    for one in sockets:
        one.close()


def url_of(one: socket.socket, scheme: str = "http") -> str:
    """Where it can be reached."""
    name = one.getsockname()
    if one.family == socket.AF_UNIX:
        return f"unix:{name}" if isinstance(name, str) else f"unix:{name!r}"
    host, port = name[:2]
    return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
