"""The licence flow for browsers: read, accept or decline, and back to the file."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.auth.forms import FORM_COOKIE, check_form_token, issue_form_token
from app.auth.keys import KeyRing
from app.auth.licences import ACCEPTANCE_COOKIE, ACCEPTANCE_SECONDS, grant_acceptance
from app.catalog import Catalog
from app.domain.access import Licence, Principal
from app.domain.errors import BadParameter, FormRefused, LicenceDeclined, NotFound
from app.domain.paths import ArtifactPath
from app.pages.contexts import DownloadPage, LicencePage, Site
from app.pages.html import HtmlPages
from app.responses.caching import PRIVATE
from app.responses.requester import Requester
from app.routes.body import read_body
from app.routes.parameters import Query

FORM_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
MAX_FORM_BYTES: Final = 16 * 1024

_NONCE: Final = re.compile("[A-Za-z0-9_-]{32}")


def build_licence_router(
    catalog: Catalog,
    requester: Requester,
    keys: KeyRing,
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
        nonce = _form_nonce(request) or secrets.token_urlsafe(24)
        token = issue_form_token(keys, nonce, clock())
        page = LicencePage(site, path, licence, token, remaining)
        answer = Response(html.licence(page), media_type="text/html", headers=PRIVATE)
        is_https = requester.is_https(request)
        answer.set_cookie(
            FORM_COOKIE, nonce, path="/license", httponly=True, samesite="strict", secure=is_https
        )
        return answer

    @router.post("/license", name="licence-answer")
    async def decide_on(request: Request) -> Response:
        form = await _read_form(request)
        if not _is_own_form(request, form, keys, clock()):
            raise FormRefused
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


async def _read_form(request: Request) -> dict[str, str]:
    """Fields of the posted form.

    Raises:
        BadParameter: not a form, or too large.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_MEDIA_TYPE:
        raise BadParameter("Content-Type", FORM_MEDIA_TYPE)
    body = await read_body(request, MAX_FORM_BYTES)
    try:
        return dict(
            parse_qsl(body.decode("ascii"), max_num_fields=20, keep_blank_values=True, errors="strict")
        )
    except ValueError:
        raise BadParameter("the form", "a few fields in ASCII") from None


def _is_own_form(request: Request, form: dict[str, str], keys: KeyRing, now: float) -> bool:
    """Against cross-site request forgery: double submit, and what the browser itself says of the origin."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    return check_form_token(keys, _form_nonce(request), form.get("form_token"), now)


def _form_nonce(request: Request) -> str | None:
    """The cookie that belongs to the form; None where it is not of the form in which it is set."""
    nonce = request.cookies.get(FORM_COOKIE, "")
    return nonce if _NONCE.fullmatch(nonce) else None
