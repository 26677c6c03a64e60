"""Reads the forms of our own pages, and checks that they come from these pages."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qsl

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.auth.forms import FORM_COOKIE, check_form_token, issue_form_token
from app.auth.keys import KeyRing
from app.domain.errors import BadParameter, FormRefused
from app.responses.record import record_of
from app.responses.requester import Requester
from app.routes.body import read_body

FORM_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
MAX_FORM_BYTES: Final = 16 * 1024

_NONCE: Final = re.compile("[A-Za-z0-9_-]{32}")


class Forms:
    """Protects forms against cross-site request forgery.

    A form is bound to something that only its client has: a cookie that was set with its page, or a session.

    Args:
        keys: sign the hidden field.
        requester: knows whether a client uses TLS.
        clock: seconds since the epoch, UTC.
    """

    def __init__(self, keys: KeyRing, requester: Requester, clock: Callable[[], float]) -> None:
        self._keys = keys
        self._requester = requester
        self._clock = clock

    def nonce(self, request: Request) -> str:
        """The value that a form is bound to: from the client's cookie, else new."""
        return _nonce_of(request) or secrets.token_urlsafe(24)

    def token(self, bound_to: str) -> str:
        """The hidden field of a form.

        Args:
            bound_to: the `nonce` of a page that goes out with `keep_nonce`, or what only this client's session has.
        """
        return issue_form_token(self._keys, bound_to, self._clock())

    def keep_nonce(self, request: Request, answer: Response, nonce: str, path: str) -> None:
        """Set the cookie with the value that the form is bound to.

        Args:
            path: that the form is sent to, without the root path.
        """
        is_https, path = self._requester.is_https(request), record_of(request).root_path + path
        answer.set_cookie(FORM_COOKIE, nonce, path=path, httponly=True, samesite="strict", secure=is_https)

    async def read(self, request: Request, bound_to: str | None = None) -> dict[str, str]:
        """Fields of a posted form, which is from one of our own pages by its binding and the browser's fields.

        Args:
            bound_to: where that is not the client's cookie.

        Raises:
            BadParameter: not a form, or too large.
            FormRefused: it may be from another site.
        """
        form = await _fields(request)
        self.check_site(request)
        token = form.get("form_token")
        if not check_form_token(self._keys, bound_to or _nonce_of(request), token, self._clock()):
            raise FormRefused
        return form

    def check_site(self, request: Request) -> None:
        """Check that no page of another site has sent a request, by what the browser says.

        Raises:
            FormRefused: one has.
        """
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise FormRefused


def form_router(
    path: str,
    name: str,
    show: Callable[[Request], Awaitable[Response]],
    take: Callable[[Request], Awaitable[Response]],
) -> APIRouter:
    """Routes of a page with a form that is posted back to it. They are for browsers, so no schema has them.

    Args:
        name: of the page's route. That of the form's is `NAME-answer`.
        show: answers a GET with the page.
        take: answers the form.
    """
    router = APIRouter(include_in_schema=False)
    router.add_api_route(path, show, methods=["GET"], name=name)
    router.add_api_route(path, take, methods=["POST"], name=f"{name}-answer")
    return router


def media_type_of(request: Request) -> str:
    """The media type of a request's body, in lower case and without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _fields(request: Request) -> dict[str, str]:
    if media_type_of(request) != FORM_MEDIA_TYPE:
        raise BadParameter("Content-Type", FORM_MEDIA_TYPE)
    body = await read_body(request, MAX_FORM_BYTES)
    try:
        return dict(
            parse_qsl(body.decode("ascii"), max_num_fields=20, keep_blank_values=True, errors="strict")
        )
    except ValueError:
        raise BadParameter("the form", "a few fields in ASCII") from None


def _nonce_of(request: Request) -> str | None:
    """The cookie that belongs to the form; None if it is malformed."""
    nonce = request.cookies.get(FORM_COOKIE, "")
    return nonce if _NONCE.fullmatch(nonce) else None
