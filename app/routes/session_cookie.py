"""Reads, sets and removes the session cookie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.auth.cookies import secure_name
from app.auth.sessions import SESSION_COOKIE, Session, Sessions
from app.responses.caching import PRIVATE
from app.responses.record import record_of
from app.responses.requester import Requester

NAME_COOKIE: Final = "pierhead_name"
"""The user name, percent-encoded, for the script of the page alone: a page is the same for all people of one tier."""


class SessionCookies:
    """Keeps sessions in cookies.

    Args:
        sessions: reads and writes them.
        requester: knows whether a client uses TLS.
        clock: seconds since the epoch, UTC.
    """

    def __init__(self, sessions: Sessions, requester: Requester, clock: Callable[[], float]) -> None:
        self._sessions = sessions
        self._requester = requester
        self._clock = clock

    def read(self, request: Request) -> Session | None:
        """The session of a request, even if its groups must be refreshed."""
        return self._requester.session(request, self._sessions)

    def keep(self, request: Request, answer: Response, session: Session) -> None:
        """Set the cookies of a session: its own, and the name that pages show.

        Raises:
            LoginFailed: it does not fit into a cookie.
        """
        seconds = self._sessions.seconds_left(session, self._clock())
        self.set_secret(request, answer, SESSION_COOKIE, self._sessions.write(session), seconds)
        self._set(request, answer, NAME_COOKIE, quote(session.subject), seconds, is_secret=False)

    def forget(self, request: Request, answer: Response) -> None:
        """Remove the cookies of a session."""
        self.drop_secret(request, answer, SESSION_COOKIE)
        self._drop(request, answer, NAME_COOKIE, is_secret=False)

    def lead_back(self, request: Request, session: Session | None, back_to: str) -> Response:
        """Redirect to a path, with the renewed session, or without one if there is none."""
        answer = redirect(back_to)
        if session is None:
            self.forget(request, answer)
        else:
            self.keep(request, answer, session)
        return answer

    def set_secret(self, request: Request, answer: Response, name: str, value: str, seconds: int) -> None:
        """Set a cookie that scripts and other hosts cannot read."""
        self._set(request, answer, name, value, seconds, is_secret=True)

    def drop_secret(self, request: Request, answer: Response, name: str) -> None:
        """Remove such a cookie."""
        self._drop(request, answer, name, is_secret=True)

    def _set(
        self, request: Request, answer: Response, name: str, value: str, seconds: int, *, is_secret: bool
    ) -> None:
        is_https, root_path = self._requester.is_https(request), record_of(request).root_path
        answer.set_cookie(
            secure_name(name, is_https=is_https, root_path=root_path),
            value,
            max_age=seconds,
            path=f"{root_path}/",
            httponly=is_secret,
            samesite="lax",  # the redirect from the identity provider comes from another site
            secure=is_https,
        )

    def _drop(self, request: Request, answer: Response, name: str, *, is_secret: bool) -> None:
        """Remove a cookie. This needs the attributes that it was set with."""
        is_https, root_path = self._requester.is_https(request), record_of(request).root_path
        answer.delete_cookie(
            secure_name(name, is_https=is_https, root_path=root_path),
            path=f"{root_path}/",
            httponly=is_secret,
            samesite="lax",
            secure=is_https,
        )


def redirect(url: str) -> RedirectResponse:
    """Redirect to another page with GET."""
    return RedirectResponse(url, 303, PRIVATE)
