"""What the access log and the metrics will say of a request, filled in on its way."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from starlette.requests import Request

from app.auth.principal import Identity


@dataclass
class RequestRecord:
    """What is known of one request so far.

    Attributes:
        route: bounded label of what answered, such as `folder-html` or `file-redirect`.
        is_download: whether it counts as a download rather than a page.
        identity: who asked, once known.
        is_head: whether it was a HEAD, which the framework's routes are not told.
        broken: why the body broke off; empty where it did not.
    """

    route: str = "none"
    is_download: bool = False
    identity: Identity | None = None
    is_head: bool = False
    broken: str = ""
    started: float = field(default_factory=time.perf_counter)


SCOPE_KEY = "pierhead.record"


def record_of(request: Request) -> RequestRecord:
    """The record of this request, put into its scope by the front door."""
    record: RequestRecord = request.scope[SCOPE_KEY]
    return record
