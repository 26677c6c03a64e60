"""`/-/link`: members make links to private files for others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.auth.links import Links
from app.auth.sessions import Session
from app.catalog import Catalog
from app.domain.access import Principal
from app.domain.errors import BadParameter, LoginRequired, Moved, NotFound
from app.domain.paths import ArtifactPath
from app.pages.contexts import SharePage, Site
from app.pages.formats import duration_text, iso_text
from app.pages.html import HtmlPages
from app.responses.caching import PRIVATE
from app.responses.record import record_of, site_of
from app.responses.requester import Requester
from app.routes.audited import RequestAudit
from app.routes.forms import Forms, form_router
from app.routes.limited import RequestLimits
from app.routes.parameters import Query
from app.telemetry import LinkMade

LIVES: Final = (3600, 86400, 7 * 86400, 30 * 86400)
"""What is offered of them, in seconds, up to the longest that is allowed."""


class ShareDesk:
    """Makes links for people who are logged in.

    Args:
        catalog: knows who may have a file.
        requester: knows who asks.
        links: makes them.
        forms: protect the form.
        audit: notes links.
        limits: count them.
        html: renders the page.
        site: named on it.
        longest: life of a link at most, in seconds.
        clock: seconds since the epoch, UTC.
    """

    def __init__(
        self,
        catalog: Catalog,
        requester: Requester,
        links: Links,
        forms: Forms,
        audit: RequestAudit,
        limits: RequestLimits,
        html: HtmlPages,
        site: Site,
        longest: int,
        clock: Callable[[], float],
    ) -> None:
        self._catalog = catalog
        self._requester = requester
        self._links = links
        self._forms = forms
        self._audit = audit
        self._limits = limits
        self._html = html
        self._site = site
        self._longest = longest
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """Answer a GET with the form."""
        principal, session = await self._member(request)
        path = await self._file(Query(request).text("path") or "", principal)
        lives = tuple((seconds, duration_text(seconds)) for seconds in self._lives())
        page = SharePage(site_of(self._site, request), path, self._forms.token(session.id), lives)
        return Response(self._html.share(page), media_type="text/html", headers=PRIVATE)

    async def take(self, request: Request) -> Response:
        """Answer the form with a link."""
        principal, session = await self._member(request)
        form = await self._forms.read(request, session.id)
        self._limits.count_link(request)
        seconds = next((life for life in self._lives() if str(life) == form.get("seconds")), None)
        if seconds is None:
            raise BadParameter("seconds", f"one of {', '.join(map(str, self._lives()))}")
        path = await self._file(form.get("path", ""), principal)
        expires = int(self._clock()) + seconds
        link = self._links.make(path, expires=expires)
        await self._audit.note(request, LinkMade(link.id, path.url, expires))
        page = SharePage(
            site_of(self._site, request),
            path,
            link=self._requester.site_url(request, link.url(path)),
            id=link.id,
            ends=iso_text(expires) or "",
        )
        return Response(self._html.share(page), media_type="text/html", headers=PRIVATE)

    async def _member(self, request: Request) -> tuple[Principal, Session]:
        """The user of the request. It must have a session: tokens cannot make links.

        Raises:
            NotFound: members make no links here.
            LoginRequired: nobody is logged in.
        """
        if not self._site.may_share:
            raise NotFound
        principal = await self._requester.identify(request)
        identity = record_of(request).identity
        if identity is None or identity.session is None:
            raise LoginRequired
        return principal, identity.session

    async def _file(self, text: str, principal: Principal) -> ArtifactPath:
        """The real path of a file that the member may have, but perhaps for its licences.

        Args:
            text: percent-encoded.

        Raises:
            NotFound, LoginRequired, GroupRequired, Refused, StoreError: as `Catalog.open_file`.
        """
        path = ArtifactPath.parse(text.encode("utf-8", "surrogateescape"))
        for _ in range(2):
            if path.is_folder:
                break
            try:
                await self._catalog.licences_of(path, principal)
            except Moved as moved:
                path = moved.target
            else:
                return path
        raise NotFound

    def _lives(self) -> tuple[int, ...]:
        return (*(life for life in LIVES if life < self._longest), self._longest)


def build_share_router(desk: ShareDesk) -> APIRouter:
    """Routes of `/-/link`, for browsers; operators have `pierhead link`."""
    return form_router("/-/link", "link", desk.show, desk.take)
