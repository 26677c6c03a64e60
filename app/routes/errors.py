"""The only table from domain errors to HTTP statuses.

Scripts get problem+json (RFC 9457) with the next step in machine-readable form; browsers get a page, or are
led to the licence they must accept.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.domain.access import Licence
from app.domain.errors import (
    AmbiguousPattern,
    AuthenticationFailed,
    BadParameter,
    FormRefused,
    GroupRequired,
    ImpossiblePath,
    LicenceDeclined,
    LicenceRequired,
    LoginRequired,
    MalformedRules,
    Moved,
    NotFound,
    ObjectChanged,
    PathTooLong,
    PermissionRequired,
    PierheadError,
    Refused,
    RulesUnreadable,
    StoreDenied,
    StoreUnavailable,
)
from app.domain.paths import ArtifactPath, encode_name
from app.pages.contexts import ErrorPage, Site
from app.pages.html import HtmlPages
from app.pages.problem import PROBLEM_MEDIA_TYPE, problem_json
from app.responses.caching import LICENCE_VARY, NOT_STORED, REVALIDATED
from app.responses.requester import wants_html


class Status(NamedTuple):
    code: int
    slug: str
    title: str


TABLE: Final[dict[type[PierheadError], Status]] = {
    # A path that no tree can hold is simply not there; telling why would not help who asked for it.
    ImpossiblePath: Status(404, "not-found", "Not found"),
    NotFound: Status(404, "not-found", "Not found"),
    AmbiguousPattern: Status(404, "ambiguous-pattern", "Several files match"),
    PathTooLong: Status(414, "path-too-long", "Path too long"),
    BadParameter: Status(400, "bad-parameter", "Bad request"),
    AuthenticationFailed: Status(401, "authentication-failed", "Authentication failed"),
    LoginRequired: Status(401, "login-required", "Login required"),
    LicenceRequired: Status(403, "licence-required", "Licence required"),
    LicenceDeclined: Status(403, "licence-declined", "Licence not accepted"),
    FormRefused: Status(403, "form-refused", "Form refused"),
    GroupRequired: Status(403, "group-required", "Members only"),
    PermissionRequired: Status(403, "insufficient-scope", "Insufficient scope"),
    Refused: Status(403, "refused", "Forbidden"),
    MalformedRules: Status(403, "refused", "Forbidden"),
    StoreUnavailable: Status(503, "storage-unavailable", "Storage unavailable"),
    RulesUnreadable: Status(503, "storage-unavailable", "Storage unavailable"),
    StoreDenied: Status(502, "storage-denied", "Storage refuses access"),
    ObjectChanged: Status(503, "file-changed", "File changed"),
}

RETRY_AFTER_SECONDS: Final = 5
REALM: Final = 'realm="Pierhead"'


class ErrorAnswers:
    """Turns domain errors into answers.

    Args:
        html: renders error pages.
        site: named on them.
    """

    def __init__(self, html: HtmlPages, site: Site) -> None:
        self._html = html
        self._site = site

    def answer(self, request: Request, error: PierheadError, path: ArtifactPath | None = None) -> Response:
        """The answer for an error.

        Args:
            path: what was asked for, where the request got as far as that.
        """
        if isinstance(error, LicenceDeclined):
            path = error.path
        if isinstance(error, Moved):
            return _redirect(request, error.target, path)
        if isinstance(error, LicenceRequired) and path is not None and wants_html(request):
            return _to_licence(error.licences[0], path)
        if not wants_html(request):
            return self.problem(request, error, path)
        status = TABLE[type(error)]
        page = ErrorPage(self._site, status.code, status.title, _sentence(error), _links(path))
        return Response(self._html.error(page), status.code, _headers(error), media_type="text/html")

    def problem(self, request: Request, error: PierheadError, path: ArtifactPath | None = None) -> Response:
        """The answer for an error where only scripts ask."""
        if isinstance(error, Moved):
            return _redirect(request, error.target, path)
        status = TABLE[type(error)]
        body = problem_json(status.code, status.title, str(error), status.slug, **_extensions(error, path))
        return Response(body, status.code, _headers(error), media_type=PROBLEM_MEDIA_TYPE)


def licence_url(licence: Licence, path: ArtifactPath) -> str:
    """Where the text of a licence can be read and accepted on the way to a file."""
    return f"/license?lic={licence.digest}&url={quote(path.to_bytes(), safe='/')}"


def _redirect(request: Request, target: ArtifactPath, path: ArtifactPath | None) -> Response:
    query = f"?{request.url.query}" if request.url.query else ""
    if path is not None and target.segments == path.segments:
        # Only the slash was missing. Relative, so that it holds behind any proxy (RFC 9110 section 10.2.2).
        location = f"{encode_name(path.name)}/{query}"
        return Response(None, 308, {"Location": location, **REVALIDATED})
    # A link's target changes with the next build: never kept.
    return Response(None, 302, {"Location": f"{target.url}{query}", **NOT_STORED})


def _to_licence(licence: Licence, path: ArtifactPath) -> Response:
    return RedirectResponse(licence_url(licence, path), 302, {**NOT_STORED, "Vary": LICENCE_VARY})


def _headers(error: PierheadError) -> dict[str, str]:
    headers = dict(NOT_STORED)
    if isinstance(error, LoginRequired):
        headers["WWW-Authenticate"] = f'Basic {REALM}, charset="UTF-8", Bearer {REALM}'
    if isinstance(error, AuthenticationFailed):
        headers["WWW-Authenticate"] = (
            f'Basic {REALM}, charset="UTF-8", Bearer {REALM}, error="invalid_token", error_description="{error.code}"'
        )
    if isinstance(error, StoreUnavailable | ObjectChanged):
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return headers


def _extensions(error: PierheadError, path: ArtifactPath | None) -> dict[str, object]:
    match error:
        case LicenceRequired(licences=licences) if path is not None:
            return {
                "licences": [
                    {
                        "name": licence.name,
                        "digest": licence.digest,
                        "sha256": licence.sha256,
                        "text_url": licence_url(licence, path),
                    }
                    for licence in licences
                ],
                "accept_with": {"License-Accepted": " ".join(licence.digest for licence in licences)},
            }
        case GroupRequired(groups=groups):
            return {"groups": list(groups)}
        case PermissionRequired(permission=permission):
            return {"scope": permission}
        case AuthenticationFailed(code=code):
            return {"code": code}
        case AmbiguousPattern(names=names):
            return {"matches": list(names)}
        case StoreUnavailable(reason=reason):
            return {"reason": reason}
        case _:
            return {}


def _links(path: ArtifactPath | None) -> tuple[tuple[str, str], ...]:
    if path is None or not path.segments:
        return (("Start page", "/"),)
    return (("Folder above", path.parent.url), ("Start page", "/"))


def _sentence(error: PierheadError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + "."
