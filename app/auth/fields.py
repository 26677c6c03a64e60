"""The request fields that say who asks, and those that never do.

`Vary` and the requests that the fast path may answer are derived from this table. A credential
in a field that is not listed here cannot be read at all, so none can be overlooked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.http_semantics import FieldLines

CREDENTIALS: Final = ("Authorization", "Cookie")
"""They may hold the user's name and groups."""
ACCEPTANCES: Final = ("License-Accepted", "License_Accepted")
"""The licences that the user has accepted. Cookies may name them too."""
ORIGIN: Final = "Origin"
"""Which site's page sends the request. It never says who asks; only whether scripts of that page may read the answer."""
PREFIX: Final = "X-Forwarded-Prefix"
"""Below which path of its host the site is asked for. Believed from trusted proxies only, and named by the `Vary` of what
depends on it: a cache behind several proxies may see one URL for several sites."""
FORWARDING: Final = ("X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", PREFIX)
"""Which address somebody comes from, whether encrypted, and below which path. Believed from trusted proxies only. No `Vary`
names the first three: a proxy that sets them must not let a cache mix clients up."""

READ: Final = frozenset(name.lower() for name in (*CREDENTIALS, *ACCEPTANCES, *FORWARDING))

INDIFFERENT: Final = frozenset(
    {
        *("accept", "accept-charset", "accept-encoding", "accept-language", "access-control-request-headers"),
        *("access-control-request-method", "cache-control", "cdn-loop", "connection", "content-type", "date"),
        *(
            "dnt",
            "from",
            "host",
            "if-none-match",
            "keep-alive",
            "max-forwards",
            ORIGIN.lower(),
            "pragma",
            "priority",
        ),
        *("purpose", "referer", "save-data", "sec-ch-prefers-color-scheme", "sec-ch-ua", "sec-ch-ua-mobile"),
        *("sec-ch-ua-platform", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "sec-fetch-user"),
        *("sec-gpc", "sec-purpose", "te", "traceparent", "tracestate", "upgrade-insecure-requests"),
        *("user-agent", "via", "x-forwarded-host", "x-forwarded-port", "x-real-ip"),
        *("x-request-id", "x-requested-with"),
    }
)
"""Usual fields that never say who asks. A request with any other field takes the full path."""


def declared(fields: FieldLines) -> FieldLines:
    """The same fields, restricted to those in the table.

    Raises:
        LookupError: another field is read. Add it to the table first.
    """

    def lines(name: str) -> Sequence[str]:
        if name not in READ:
            raise LookupError(f"{name} is not in the table of app/auth/fields.py")
        return fields(name)

    return lines
