"""Answers to domain errors, whose statuses `routes/statuses.py` has.

Scripts get problem+json (RFC 9457) with the next step in machine-readable form; browsers get a page, or are
led to the licence they must accept.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.domain.access import Licence
from app.domain.errors import (
    AuthenticationFailed,
    BadParameter,
    GroupRequired,
    LicenceDeclined,
    LicenceRequired,
    LoginFailed,
    LoginRequired,
    LoginUnavailable,
    Moved,
    PierheadError,
    SessionDue,
    TooManyRequests,
)
from app.domain.mounts import LINK_PARAMETER, Mount, mount_of
from app.domain.paths import ROOT, ArtifactPath
from app.pages.contexts import ErrorPage, Site
from app.pages.html import HtmlPages
from app.pages.problem import PROBLEM_MEDIA_TYPE, problem_json
from app.responses.caching import LICENCE_VARY, NOT_STORED, REVALIDATED
from app.responses.problems import INTERNAL_ERROR, problem_response
from app.responses.record import note_for_all, record_of, site_of
from app.responses.redirects import redirect
from app.responses.requester import wants_html
from app.routes.near import Neighbours, near_links, near_members
from app.routes.next_steps import NextStep, next_step
from app.routes.return_url import login_url, requested_url
from app.routes.statuses import TABLE
from app.routes.whom_to_ask import HELP, RETRY_AFTER_SECONDS, is_passing, waiting_advice, ways_out

HELP_PATH: Final = "/api/openapi.json"
"""Where those are sent for help whom the operator names no contact."""
REALM: Final = 'realm="Pierhead"'


class ErrorAnswers:
    """Turns domain errors into answers.

    Args:
        html: renders error pages.
        site: named on them.
        site_url: makes a URL of a path that has its root path.
        neighbours: offer something in place of what is not there.
    """

    def __init__(
        self,
        html: HtmlPages,
        site: Site,
        site_url: Callable[[Request, str], str],
        neighbours: Neighbours,
    ) -> None:
        self._html = html
        self._site = site
        self._site_url = site_url
        self._neighbours = neighbours

    def answer(self, request: Request, error: PierheadError, path: ArtifactPath | None = None) -> Response:
        """The answer for an error.

        Args:
            path: the requested path, if it was parsed.
        """
        if isinstance(error, LicenceDeclined):
            path = error.path
        if isinstance(error, Moved):
            return _redirect(request, error.target, path)
        if not wants_html(request):
            return self._problem(request, error, path)
        if isinstance(error, LicenceRequired) and path is not None:
            return _to_licence(request, error.licences[0], path)
        if isinstance(error, SessionDue) and request.method in ("GET", "HEAD"):
            return RedirectResponse(login_url(request, requested_url(request)), 302, NOT_STORED)
        status = TABLE[type(error)]
        record_of(request).reason = status.title
        near = self._neighbours.of(request, error, path)
        above = path.parent if path and path.segments else None
        page = ErrorPage(
            site_of(self._site, request),
            status.code,
            status.title,
            _sentences(request, error),
            self._links(request, error, near.folder if near else above),
            near_links(near, _mount_of(request)),
        )
        headers = _headers(error, offers_basic=not self._site.has_login)
        return Response(self._html.error(page), status.code, headers, media_type="text/html")

    def other(self, request: Request, code: int, title: str, detail: str, slug: str) -> Response:
        """The answer for an error that is none of the domain.

        Args:
            title: a few words.
            detail: what happened and what to do.
            slug: the last word of its type.
        """
        if not wants_html(request):
            return problem_response(code, title, detail, slug)
        ways_on, site = _ways_on(None, _mount_of(request)), site_of(self._site, request)
        page = ErrorPage(site, code, title, _as_sentence(detail), ways_on)
        return Response(self._html.error(page), code, NOT_STORED, media_type="text/html")

    def failure(self, request: Request) -> Response:
        """The answer when the server itself fails, which may be while it makes a page. The cause is only in the log."""
        try:
            return self.other(request, *INTERNAL_ERROR)
        except Exception:  # noqa: BLE001 - what failed may be what every page needs
            return problem_response(*INTERNAL_ERROR)

    def _problem(self, request: Request, error: PierheadError, path: ArtifactPath | None) -> Response:
        status = TABLE[type(error)]
        record_of(request).reason = status.title
        step = self._next_step(request, error, path)
        body = problem_json(
            status.code,
            status.title,
            f"{error}{step.advice or waiting_advice(error)}",
            status.slug,
            **step.members,
        )
        headers = _headers(error, offers_basic=True)
        if step.links:
            headers["Link"] = ", ".join(f'<{url}>; rel="{relation}"' for url, relation in step.links)
        return Response(body, status.code, headers, media_type=PROBLEM_MEDIA_TYPE)

    def _next_step(self, request: Request, error: PierheadError, path: ArtifactPath | None) -> NextStep:
        """What a script can do, with whole URLs: nobody can tell what a part of one in a log belongs to."""
        where = self._site_url

        def text_url(licence: Licence) -> str:
            return where(request, licence_url(request, licence, path or ROOT))

        here = where(request, requested_url(request))
        step = next_step(error, here, text_url)
        if near := self._neighbours.of(request, error, path):
            return step._replace(members=near_members(near, _mount_of(request), partial(where, request)))
        if isinstance(error, LicenceRequired) or (type(error) in HELP and self._site.contact):
            help_url = self._site.contact or where(request, f"{record_of(request).root_path}{HELP_PATH}")
            return step._replace(links=(*step.links, (help_url, "help")))
        return step

    def _links(
        self, request: Request, error: PierheadError, above: ArtifactPath | None
    ) -> tuple[tuple[str, str], ...]:
        """The next steps, most useful first.

        Args:
            above: a folder above the requested path.
        """
        ways_on, here = _ways_on(above, _mount_of(request)), requested_url(request)
        again = here if request.method in ("GET", "HEAD") else ""  # a form would lose its fields
        ways_on = (*ways_out(error, again, self._site.contact), *ways_on)
        if isinstance(error, LicenceDeclined):
            ways_on = (("Read the licence again", _mount_of(request).url(error.path)), *ways_on)
        if not self._site.has_login:
            return ways_on
        match error:
            case GroupRequired():
                return (("Log in as somebody else", login_url(request, here, switch=True)), *ways_on)
            case LoginRequired() | SessionDue():
                return (("Log in", login_url(request, here)), *ways_on)
            case LoginFailed() | LoginUnavailable():
                record = record_of(request)
                page = login_url(request, record.back_to) if record.back_to else f"{record.root_path}/login"
                return (("Log in again", page), *ways_on)
            case _:
                return ways_on


def licence_url(request: Request, licence: Licence, path: ArtifactPath) -> str:
    """Where the text of a licence can be read and accepted on the way to a file that a request is for."""
    record = record_of(request)
    page = f"{record.root_path}/license"
    url = f"{page}?lic={licence.digest}&url={quote(path.to_bytes(), safe='/')}"
    return f"{url}&{LINK_PARAMETER}={record.link}" if record.link else url


def _redirect(request: Request, target: ArtifactPath, path: ArtifactPath | None) -> Response:
    query = f"?{request.url.query}" if request.url.query else ""
    location = f"{_mount_of(request).url(target)}{query}"
    if (identity := record_of(request).identity) is not None:
        note_for_all(request, identity.principal)
    if path is not None and target.segments == path.segments:
        # Only the slash was missing.
        return redirect(301, location, REVALIDATED)
    # A link's target changes with the next build: never cached.
    return redirect(302, location, NOT_STORED)


def _to_licence(request: Request, licence: Licence, path: ArtifactPath) -> Response:
    url = licence_url(request, licence, path)
    return RedirectResponse(url, 302, {**NOT_STORED, "Vary": LICENCE_VARY})


def _headers(error: PierheadError, *, offers_basic: bool) -> dict[str, str]:
    """Header fields beside those of the body.

    Args:
        offers_basic: whether to name the scheme Basic. Browsers then ask for a password before they show the page,
            so it is left out where that page has a better way to log in.
    """
    headers = dict(NOT_STORED)
    schemes = f'Basic {REALM}, charset="UTF-8", Bearer {REALM}' if offers_basic else f"Bearer {REALM}"
    if isinstance(error, LoginRequired | SessionDue):
        headers["WWW-Authenticate"] = schemes
    if isinstance(error, AuthenticationFailed):
        headers["WWW-Authenticate"] = f'{schemes}, error="invalid_token", error_description="{error.code}"'
    if is_passing(error):
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if isinstance(error, TooManyRequests):  # RFC 6585 section 4
        headers["Retry-After"] = str(error.seconds)
    return headers


def _mount_of(request: Request) -> Mount:
    return mount_of(request.scope["raw_path"], record_of(request).root_path)


def _ways_on(above: ArtifactPath | None, mount: Mount) -> tuple[tuple[str, str], ...]:
    start_page = ("Start page", mount.site.url(ROOT))
    if above is None:
        return (start_page,)
    return (("Folder above", mount.url(above)), start_page)


def _sentences(request: Request, error: PierheadError) -> str:
    """The message for people."""
    identity = record_of(request).identity
    if isinstance(error, BadParameter):  # which begins with the name of the parameter, whose case counts
        return f"The address has a mistake: {error}."
    text = _as_sentence(f"{error}{waiting_advice(error)}")
    if isinstance(error, GroupRequired) and identity is not None and identity.principal.subject:
        return f"You are logged in as {identity.principal.subject}. {text}"
    return text


def _as_sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
