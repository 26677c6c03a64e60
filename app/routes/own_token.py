"""`/-/token`: a token for scripts, for oneself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.auth.own_tokens import MIN_SECONDS, OwnTokens
from app.auth.sessions import Session
from app.auth.tokens import TokenGrant
from app.domain.errors import BadParameter, LoginRequired, NotFound
from app.pages.account_pages import MintedToken, TokenPage
from app.pages.contexts import Site
from app.pages.formats import duration_text, iso_text
from app.pages.html import HtmlPages
from app.pages.json_bytes import json_bytes
from app.responses.caching import PRIVATE
from app.responses.record import record_of, site_of
from app.responses.requester import Requester, wants_html
from app.routes.audited import RequestAudit
from app.routes.body import read_body
from app.routes.forms import MAX_FORM_BYTES, Forms, form_router, media_type_of
from app.routes.limited import RequestLimits
from app.telemetry import TokenMinted

_JSON: Final = "application/json"
_NUMBER: Final = re.compile("[0-9]{1,9}")
_LIVES: Final = (3600, 86400, 7 * 86400, 30 * 86400, 365 * 86400)
"""What is offered, in seconds, below the longest that is allowed."""


class _Wish(NamedTuple):
    """The requested properties of a token."""

    groups: frozenset[str]
    seconds: int


class TokenDesk:
    """Makes tokens for people who are logged in.

    Args:
        tokens: makes them.
        requester: knows who asks.
        forms: protect the form.
        audit: notes each token.
        limits: count them.
        html: renders the page.
        site: named on it.
        clock: seconds since the epoch, UTC.
    """

    def __init__(
        self,
        tokens: OwnTokens,
        requester: Requester,
        forms: Forms,
        audit: RequestAudit,
        limits: RequestLimits,
        html: HtmlPages,
        site: Site,
        clock: Callable[[], float],
    ) -> None:
        self._tokens = tokens
        self._requester = requester
        self._forms = forms
        self._audit = audit
        self._limits = limits
        self._html = html
        self._site = site
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """Answer a GET with the form."""
        session = await self._session(request)
        if wants_html(request):
            return self._page(request, session)
        may_have = {
            "subject": session.subject,
            "groups": sorted(session.groups),
            "min_seconds": MIN_SECONDS,
            "max_seconds": self._tokens.max_seconds,
        }
        return Response(json_bytes(may_have), headers=PRIVATE, media_type=_JSON)

    async def mint(self, request: Request) -> Response:
        """Answer a POST with a token, the only time that it is shown."""
        session = await self._session(request)
        is_form = media_type_of(request) != _JSON
        wish = await (self._wish_of_form(request, session) if is_form else self._wish_of_json(request))
        grant = self._tokens.grant(session, wish.groups, wish.seconds, self._clock())
        text = self._tokens.issue(grant)
        self._limits.count_token(session.subject)
        groups = tuple(sorted(grant.groups))
        await self._audit.note(request, TokenMinted(grant.id, groups, int(grant.expires)), session.subject)
        return self._page(request, session, grant, text) if is_form else _minted(grant, text)

    async def _session(self, request: Request) -> Session:
        """Whose token it is: a login's alone, since a token must not beget others.

        Raises:
            NotFound: nobody may make a token.
            LoginRequired: nobody is logged in.
        """
        if not self._site.has_tokens:
            raise NotFound
        await self._requester.identify(request)
        identity = record_of(request).identity
        if identity is None or identity.session is None:
            raise LoginRequired
        return identity.session

    async def _wish_of_form(self, request: Request, session: Session) -> _Wish:
        form = await self._forms.read(request, session.id)
        seconds = form.get("seconds", "")
        groups = (line.strip() for line in form.get("groups", "").splitlines())
        return _Wish(frozenset(filter(None, groups)), int(seconds) if _NUMBER.fullmatch(seconds) else 0)

    async def _wish_of_json(self, request: Request) -> _Wish:
        # No page of another site can send this media type unless this one lets it, which it never does.
        self._forms.check_site(request)
        try:
            wish = json.loads(await read_body(request, MAX_FORM_BYTES))
        except (ValueError, RecursionError):
            wish = None
        groups, seconds = (
            (wish.get("groups"), wish.get("seconds")) if isinstance(wish, dict) else (None, None)
        )
        is_list = isinstance(groups, list) and all(isinstance(group, str) for group in groups)
        if not is_list or not isinstance(seconds, int) or isinstance(seconds, bool):
            raise BadParameter(
                "the body", 'a JSON object such as {"groups": ["release-team"], "seconds": 3600}'
            )
        return _Wish(frozenset(groups or ()), seconds)

    def _page(
        self, request: Request, session: Session, grant: TokenGrant | None = None, text: str = ""
    ) -> Response:
        minted = None
        if grant is not None:
            minted = MintedToken(text, grant.id, tuple(sorted(grant.groups)), iso_text(grant.expires) or "")
        page = TokenPage(
            site_of(self._site, request),
            session.subject,
            tuple(sorted(session.groups)),
            _lives(self._tokens.max_seconds),
            self._forms.token(session.id),
            minted,
        )
        return Response(self._html.token(page), headers=PRIVATE, media_type="text/html")


def build_own_token_router(desk: TokenDesk) -> APIRouter:
    """Routes of people's own tokens."""
    return form_router("/-/token", "own-token", desk.show, desk.mint)


def _minted(grant: TokenGrant, text: str) -> Response:
    said = {
        "token": text,
        "id": grant.id,
        "subject": grant.subject,
        "groups": sorted(grant.groups),
        "expires": iso_text(grant.expires),
    }
    return Response(json_bytes(said), headers=PRIVATE, media_type=_JSON)


def _lives(most: int) -> tuple[tuple[int, str], ...]:
    """The lives to choose from, in seconds and in words; the longest is the last."""
    offered = (*(life for life in _LIVES if life < most), most)
    return tuple((seconds, duration_text(seconds)) for seconds in offered)
