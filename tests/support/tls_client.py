"""A client that makes one TLS connection for one small request."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

_SECONDS = 120
_REQUEST = b"GET /hello.txt HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


def fault_of_one(url: str, trusted: ssl.SSLContext) -> str:
    """Connect, shake hands, ask for `/hello.txt`. What went wrong; empty if nothing."""
    address = ("127.0.0.1", urlsplit(url).port or 443)
    try:
        with (
            socket.create_connection(address, timeout=_SECONDS) as plain,
            trusted.wrap_socket(plain, server_hostname="127.0.0.1") as tls,
        ):
            tls.sendall(_REQUEST)
            answer = b""
            while part := tls.recv(65536):
                answer += part
    except OSError as error:  # those of TLS are among them
        return repr(error)
    return "" if answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"hello\n") else repr(answer[:200])
