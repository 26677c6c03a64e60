"""A browser that logs in and out in process, by the pages that people use."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from starlette.types import ASGIApp

from app.auth.sessions import SESSION_COOKIE
from tests.support.answers import BROWSER

SITE = "http://pierhead.example"


async def log_in(app: ASGIApp, user: str, password: str) -> str | None:
    """Send the form of `/login`. Gives the session; None if there is none."""
    async with _browser(app) as browser:
        page = await browser.get("/login")
        fields = _hidden_fields(page) | {"user": user, "password": password}
        answer = await browser.post("/login", data=fields)
        assert (answer.status_code == 200) == (SESSION_COOKIE in browser.cookies), answer
        return browser.cookies.get(SESSION_COOKIE)


async def go_on(app: ASGIApp, session: str) -> tuple[int, str | None]:
    """Open `/login` with a session, as browsers are led there when groups must be asked for again.

    Returns:
        The status, and the new session if there is one.
    """
    async with _browser(app, session) as browser:
        answer = await browser.get("/login")
        return answer.status_code, answer.cookies.get(SESSION_COOKIE)


async def log_out(app: ASGIApp, session: str) -> bool:
    """Press the button of `/-/account`. Gives whether the browser has dropped its session."""
    async with _browser(app, session) as browser:
        page = await browser.get("/-/account")
        answer = await browser.post("/logout", data=_hidden_fields(page))
        return answer.status_code == 200 and SESSION_COOKIE not in browser.cookies


@asynccontextmanager
async def _browser(app: ASGIApp, session: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url=SITE, headers=BROWSER, trust_env=False
    ) as browser:
        if session is not None:
            browser.cookies.set(SESSION_COOKIE, session, domain="pierhead.example", path="/")
        yield browser


def _hidden_fields(page: httpx.Response) -> dict[str, str]:
    pairs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.text)
    return {name: html.unescape(value) for name, value in pairs}
