"""The licence flow for browsers: read, accept or decline, and back to the file."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.auth.keys import KeyRing
from app.auth.licences import ACCEPTANCE_COOKIE, ACCEPTANCE_SECONDS, grant_acceptance
from app.catalog import Catalog
from app.domain.access import Licence, Principal
from app.domain.errors import LicenceDeclined, NotFound
from app.domain.mounts import LINK_PARAMETER, with_link
from app.domain.paths import ArtifactPath
from app.pages.contexts import DownloadPage, LicencePage, Site
from app.pages.html import HtmlPages
from app.responses.caching import PRIVATE
from app.responses.record import record_of, site_of
from app.responses.requester import Requester
from app.routes.audited import RequestAudit
from app.routes.forms import Forms, form_router
from app.routes.limited import RequestLimits
from app.routes.linked import LinkDoor
from app.routes.parameters import Query
from app.telemetry import LicenceAccepted


class LicenceDesk:
    """Shows licences and takes the answers.

    Args:
        catalog: knows which licences are before a file.
        requester: knows who asks.
        links: open files to those who have no group.
        keys: sign acceptances.
        forms: protect the form.
        audit: notes acceptances.
        limits: count answers.
        html: renders the pages.
        site: named on them.
        clock: seconds since the epoch, UTC.
    """

    def __init__(
        self,
        catalog: Catalog,
        requester: Requester,
        links: LinkDoor,
        keys: KeyRing,
        forms: Forms,
        audit: RequestAudit,
        limits: RequestLimits,
        html: HtmlPages,
        site: Site,
        clock: Callable[[], float],
    ) -> None:
        self._catalog = catalog
        self._requester = requester
        self._links = links
        self._keys = keys
        self._forms = forms
        self._audit = audit
        self._limits = limits
        self._html = html
        self._site = site
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """Answer a GET with the text of the licence."""
        query = Query(request)
        digest, target = query.text("lic"), query.text("url")
        if not digest or not target:
            raise NotFound
        path = ArtifactPath.from_text(target)
        principal = await self._principal(request, path, query.text(LINK_PARAMETER))
        licence, remaining = await self._licence_of(path, digest, principal)
        nonce = self._forms.nonce(request)
        page = LicencePage(
            site_of(self._site, request),
            path,
            licence,
            self._forms.token(nonce),
            remaining,
            record_of(request).link,
        )
        answer = Response(self._html.licence(page), media_type="text/html", headers=PRIVATE)
        self._forms.keep_nonce(request, answer, nonce, "/license")
        return answer

    async def take_answer(self, request: Request) -> Response:
        """Answer the form: the file if this was its last licence."""
        form = await self._forms.read(request)
        self._limits.count_licence(request)
        # Parsed as any path of the tree, so that the way back never leads off this site.
        path = ArtifactPath.parse(form.get("path", "").encode("utf-8"))
        principal = await self._principal(request, path, form.get(LINK_PARAMETER))
        licence, remaining = await self._licence_of(path, form.get("digest", ""), principal)
        if "accept" not in form:
            raise LicenceDeclined(path)
        await self._audit.note(request, LicenceAccepted(path.url, licence.digest, licence.sha256, "form"))
        link, site = record_of(request).link, site_of(self._site, request)
        if remaining:
            # The file's own answer leads on to the next licence.
            answer: Response = RedirectResponse(with_link(site.mount.url(path), link), 303, PRIVATE)
        else:
            page = self._html.download(DownloadPage(site, path, link))
            answer = Response(page, media_type="text/html", headers=PRIVATE)
        self._keep_acceptance(request, answer, licence)
        return answer

    async def _principal(self, request: Request, path: ArtifactPath, link: str | None) -> Principal:
        return await self._links.admit(request, path, await self._requester.identify(request), link)

    def _keep_acceptance(self, request: Request, answer: Response, licence: Licence) -> None:
        already = request.cookies.get(ACCEPTANCE_COOKIE)
        answer.set_cookie(
            ACCEPTANCE_COOKIE,
            grant_acceptance(self._keys, already, (licence.digest,), self._clock()),
            max_age=ACCEPTANCE_SECONDS,
            path=f"{record_of(request).root_path}/",
            httponly=True,
            samesite="lax",
            secure=self._requester.is_https(request),
        )

    async def _licence_of(self, path: ArtifactPath, digest: str, principal: Principal) -> tuple[Licence, int]:
        """The licence with this digest before a file, and how many others remain to be accepted beside it.

        It is looked up from the file's own rules, so that any replica can show it.

        Raises:
            NotFound: no such file, or no such licence before it.
        """
        if path.is_folder:
            raise NotFound
        licences = await self._catalog.licences_of(path, principal)
        for licence in licences:
            if digest.lower() in (licence.digest, licence.sha256):
                others = (other for other in licences if other.digest != licence.digest)
                return licence, sum(not other.is_accepted(principal.accepted) for other in others)
        raise NotFound


def build_licence_router(desk: LicenceDesk) -> APIRouter:
    """Routes of `/license`, for browsers; scripts send the header that the 403 names."""
    return form_router("/license", "licence", desk.show, desk.take_answer)
