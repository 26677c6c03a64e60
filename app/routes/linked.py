"""Requests by a link: the file that it names opens as to a member."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote_plus

from starlette.requests import Request

from app.auth.links import Links
from app.domain.access import FileLink, Principal
from app.domain.mounts import LINK_PARAMETER
from app.domain.paths import ArtifactPath
from app.responses.record import record_of
from app.responses.requester import Requester
from app.routes.audited import RequestAudit, path_of
from app.routes.parameters import Query
from app.telemetry import LinkUsed, RevokedUsed


class LinkDoor:
    """Lets people in who have a link.

    Args:
        links: read them.
        requester: says from where a request comes.
        audit: notes their use.
        clock: seconds since the epoch, UTC.
    """

    def __init__(
        self, links: Links, requester: Requester, audit: RequestAudit, clock: Callable[[], float]
    ) -> None:
        self._links = links
        self._requester = requester
        self._audit = audit
        self._clock = clock

    async def admit(
        self, request: Request, path: ArtifactPath, principal: Principal, value: str | None
    ) -> Principal:
        """Who asks, with the file that a link opens to them. One that does not hold is as good as none.

        Args:
            value: of the link's query parameter, or of a form's field; None where there was none.

        Raises:
            RevocationsUnknown: it is not known whether the link is revoked.
            AuditUnavailable: its use cannot be written down.
        """
        now = self._clock()
        link = self._links.read(value, path, self._requester.client(request), now) if value else None
        if link is None:
            return principal
        if self._links.is_revoked(link, now):
            await self._audit.note(request, RevokedUsed("link", link.id, path_of(request)))
            return principal
        await self._audit.note(request, LinkUsed(link.id, path.url, request.method))
        record_of(request).link = link.value
        return replace(principal, link=FileLink(path, link.expires))


def take_link(request: Request) -> tuple[Request, str | None]:
    """A request without the parameter of a link, and its value: what is answered can then not show or depend on it.

    Raises:
        BadParameter: there are several.
    """
    value = Query(request).text(LINK_PARAMETER)
    if value is None:
        return request, None
    raw: bytes = request.scope["query_string"]
    kept = [field for field in raw.split(b"&") if _name(field) != LINK_PARAMETER]
    scope = {**request.scope, "query_string": b"&".join(kept)}
    return Request(scope, request.receive), value


def _name(field: bytes) -> str:
    return unquote_plus(field.partition(b"=")[0].decode("latin-1"))
