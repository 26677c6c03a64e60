"""Redirects to the store that were made a moment ago, and would be made again to the byte."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from app.cache.byte_cache import ByteCache
from app.cache.response_cache import PAGE_OVERHEAD, Page
from app.domain.access import Principal
from app.domain.paths import ArtifactPath


class _Key(NamedTuple):
    path: ArtifactPath
    trusted: bool
    kind: str = "redirect"


class _Kept(NamedTuple):
    page: Page
    version: int
    until: float


class Redirects:
    """Keeps the whole answer, so that a signature is made once for each file and window.

    Each is good only for the very version of the folder that it was decided by, as pages are: the decision is made
    of the rules and the listing of that version, of the path and of the principal, and of nothing else. And it is
    good only until the store would sign another URL.

    Args:
        held: where they are kept, together with folders and pages.
        shared: header fields that every answer has.
        clock: seconds since the epoch, UTC.
    """

    def __init__(self, held: ByteCache, shared: Mapping[str, str], *, clock: Callable[[], float]) -> None:
        self._held = held
        self._shared = shared
        self._clock = clock

    def ready(self, path: ArtifactPath, principal: Principal, version: int) -> Page | None:
        """What this principal was answered for this path, if that still holds.

        Args:
            principal: one without credentials, who has accepted nothing.
            version: of the folder as it is now.
        """
        kept: _Kept | None = self._held.get(_Key(path, principal.trusted))
        if kept is None or kept.version != version or kept.until <= self._clock():
            return None
        return kept.page

    def keep(
        self,
        path: ArtifactPath,
        principal: Principal,
        version: int,
        fields: Mapping[str, str],
        *,
        until: float,
    ) -> None:
        """Keep what somebody was just answered; nothing is kept for those who show who they are or what they accept.

        Args:
            version: of the folder by which it was decided, and whose listing shows the file as it is.
            fields: the answer's header fields.
            until: seconds since the epoch, UTC.
        """
        if principal != Principal(trusted=principal.trusted):
            return
        headers = {**fields, "Content-Length": "0", **self._shared}
        raw = tuple(
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
        )
        page = Page.of(b"", raw, "")
        cost = 2 * len(page.fields) + PAGE_OVERHEAD
        self._held.put(_Key(path, principal.trusted), _Kept(page, version, until), cost)
