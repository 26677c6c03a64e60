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
from app.domain.paths import ArtifactPath
from app.pages.contexts import DownloadPage, LicencePage, Site
from app.pages.html import HtmlPages
from app.responses.caching import PRIVATE
from app.responses.requester import Requester
from app.routes.forms import Forms, read_form
from app.routes.limited import RequestLimits
from app.routes.parameters import Query


def build_licence_router(
    catalog: Catalog,
    requester: Requester,
    keys: KeyRing,
    forms: Forms,
    limits: RequestLimits,
    html: HtmlPages,
    site: Site,
    clock: Callable[[], float],
) -> APIRouter:
    """Routes below `/license`, for browsers; scripts send the header that the 403 tells them."""
    router = APIRouter(include_in_schema=False)

    @router.get("/license", name="licence")
    async def show(request: Request) -> Response:
        query = Query(request)
        digest, target = query.text("lic"), query.text("url")
        if not digest or not target:
            raise NotFound
        path = ArtifactPath.from_text(target)
        licence, remaining = await _licence_of(path, digest, requester.identify(request), catalog)
        nonce = forms.nonce(request)
        page = LicencePage(site, path, licence, forms.token(nonce), remaining)
        answer = Response(html.licence(page), media_type="text/html", headers=PRIVATE)
        forms.keep_nonce(request, answer, nonce, "/license")
        return answer

    @router.post("/license", name="licence-answer")
    async def decide_on(request: Request) -> Response:
        form = await read_form(request)
        forms.check(request, form)
        limits.count_licence(request)
        # Parsed as any path of the tree, so that the way back never leads off this site.
        path = ArtifactPath.parse(form.get("path", "").encode("utf-8"))
        licence, remaining = await _licence_of(
            path, form.get("digest", ""), requester.identify(request), catalog
        )
        if "accept" not in form:
            raise LicenceDeclined(path)
        if remaining:
            # The file's own answer leads on to the next licence.
            answer: Response = RedirectResponse(path.url, 303, PRIVATE)
        else:
            page = html.download(DownloadPage(site, path))
            answer = Response(page, media_type="text/html", headers=PRIVATE)
        already = request.cookies.get(ACCEPTANCE_COOKIE)
        answer.set_cookie(
            ACCEPTANCE_COOKIE,
            grant_acceptance(keys, already, (licence.digest,), clock()),
            max_age=ACCEPTANCE_SECONDS,
            httponly=True,
            samesite="lax",
            secure=requester.is_https(request),
        )
        return answer

    return router


async def _licence_of(
    path: ArtifactPath, digest: str, principal: Principal, catalog: Catalog
) -> tuple[Licence, int]:
    """The licence with this digest before a file, and how many others remain to be accepted beside it.

    It is looked up from the file's own rules, so that any replica can show it.

    Raises:
        NotFound: no such file, or no such licence before it.
    """
    if path.is_folder:
        raise NotFound
    licences = await catalog.licences_of(path, principal)
    for licence in licences:
        if digest.lower() in (licence.digest, licence.sha256):
            others = (other for other in licences if other.digest != licence.digest)
            return licence, sum(not other.is_accepted(principal.accepted) for other in others)
    raise NotFound
