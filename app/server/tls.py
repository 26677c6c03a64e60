"""TLS without a proxy in front: the certificate, and another one in its place while connections go on."""

from __future__ import annotations

import os
import ssl
from typing import Final, NamedTuple

from app.server.certificate_fields import fields_of

HANDSHAKE_SECONDS: Final = 20.0
"""How long a client may take for its handshake."""


class TlsFiles(NamedTuple):
    """What is in the files of a certificate, in PEM.

    Attributes:
        chain: the certificate, and those between it and one that clients know.
        key: its private key.
    """

    chain: bytes
    key: bytes

    def context(self) -> ssl.SSLContext:
        """For servers: TLS 1.2 and 1.3, HTTP/1.1.

        Raises:
            ValueError: there is no certificate or no key, they do not belong together, or the key needs a password.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["http/1.1"])
        if missing := self._missing():
            raise ValueError(f"not a certificate with its key ({missing})")
        # OpenSSL reads files only; these are in memory, so that all workers have the same.
        with os.fdopen(os.memfd_create("tls"), "wb") as both:
            both.write(self.key + b"\n" + self.chain)
            both.flush()
            try:
                context.load_cert_chain(f"/proc/self/fd/{both.fileno()}", password="")
            except ssl.SSLError as error:
                raise ValueError(f"not a certificate with its key ({error.reason or error})") from error
        return context

    def _missing(self) -> str:
        """What OpenSSL would refuse with the number of a line of its own code; empty if there is nothing of the kind."""
        if b"CERTIFICATE-----" not in self.chain:
            return "there is no certificate in PEM"
        if b"PRIVATE KEY-----" not in self.key:
            return "there is no private key in PEM"
        if b"BEGIN ENCRYPTED PRIVATE KEY" in self.key or b"Proc-Type: 4,ENCRYPTED" in self.key:
            return "the key needs a password: store it without one, readable for the server only"
        return ""

    def expires(self) -> float:
        """When the certificate does, in seconds since the epoch.

        Raises:
            ValueError: it is none.
        """
        return fields_of(self.chain)[0].not_after


class Certificates:
    """Answers handshakes with the certificate of the day.

    Attributes:
        context: for a listening socket; stays the same.

    Args:
        files: the first.
    """

    def __init__(self, files: TlsFiles) -> None:
        self._current = self.context = files.context()
        self.context.sni_callback = self._choose

    def use(self, files: TlsFiles) -> None:
        """Answer with this one from now on. Connections that are open go on.

        Raises:
            ValueError: as `TlsFiles.context`; the former one stays.
        """
        self._current = files.context()

    def _choose(
        self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext
    ) -> None:  # called in each handshake, whether the client names a host or not
        del name
        if self._current is not context:
            connection.context = self._current
