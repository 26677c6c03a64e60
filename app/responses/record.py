"""The record of a request for the access log and the metrics, filled in on the way."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from starlette.requests import Request

from app.auth.principal import Identity
from app.domain.access import ANONYMOUS, Principal
from app.domain.errors import StoreError
from app.pages.contexts import Site
from app.responses.parsed_request import ParsedRequest


class Ending(NamedTuple):
    """How an answer ended.

    Attributes:
        cause: bounded label of why it broke off; empty if it did not.
        reason: the same for the log.
    """

    cause: str
    reason: str


COMPLETE: Final = Ending("", "")
CLIENT_GONE: Final = Ending("client", "the client went away")
SERVER_STOPPED: Final = Ending("stop", "the server stopped")
FAILED: Final = Ending("error", "internal error")


def broken_by_store(error: StoreError) -> Ending:
    """The ending of an answer whose source broke."""
    return Ending("store", str(error))


@dataclass
class RequestRecord:
    """The record of one request.

    Attributes:
        route: bounded label of what answered, such as `folder-html` or `file-redirect`.
        is_download: whether it counts as a download rather than a page.
        identity: who asked, once known.
        root_path: of the site in this request.
        parsed: the parsed request for the tree, if it is known already.
        cache: where a listing came from: fast (already rendered), fresh, stale, coalesced or miss; empty for all else.
        is_head: whether it was a HEAD, which the framework's routes do not see.
        has_misleading_links: whether the relative links of a page may lead elsewhere below the path as it was sent.
        is_for_all: whether anybody gets this answer, so that scripts of other sites' pages may read it.
        link: value of the link that opens the file, for the links of the answer; empty for none.
        back_to: where a login that this request is part of leads, for another try; empty where that is not known.
        ended: how the answer ended.
        reason: the reason phrase of an error, in ASCII; empty for the usual one of its status.
    """

    route: str = "none"
    is_download: bool = False
    identity: Identity | None = None
    root_path: str = ""
    parsed: ParsedRequest | None = None
    cache: str = ""
    is_head: bool = False
    has_misleading_links: bool = False
    is_for_all: bool = False
    link: str = ""
    back_to: str = ""
    ended: Ending = COMPLETE
    reason: str = ""
    started: float = field(default_factory=time.perf_counter)


SCOPE_KEY = "pierhead.record"


def note_for_all(request: Request, principal: Principal) -> None:
    """Note whether anybody gets what is answered now: where nothing was needed for it, and nothing shown."""
    record_of(request).is_for_all = principal == ANONYMOUS


def site_of(site: Site, request: Request) -> Site:
    """A site as this request asks for it."""
    return site.under(record_of(request).root_path)


def record_of(request: Request) -> RequestRecord:
    """The record of this request, put into its scope by the front door."""
    record: RequestRecord = request.scope[SCOPE_KEY]
    return record
