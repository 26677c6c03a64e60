"""How long the server waits for its clients."""

from __future__ import annotations

from typing import Final, NamedTuple


class Patience(NamedTuple):
    """Seconds that a client may take.

    Attributes:
        head: to send a request head once it has begun, or to begin with the first.
        body: to send a body, once its head is there. The largest that is read has a few megabytes.
        refusal: to read why it is refused. It is listened to, unheard: when a connection is closed with unread input,
            the system throws away what the client has not read yet (RFC 9112 section 9.6).
        unread: to take any of what is sent to it. However slowly it reads, it is not given up while it reads.
        half_closed: to wait after it has half-closed, while nothing is sent to it: it does not read, or there is nothing
            to send yet.
    """

    head: float = 30.0
    body: float = 30.0
    refusal: float = 5.0
    unread: float = 60.0
    half_closed: float = 60.0


USUAL_PATIENCE: Final = Patience()
