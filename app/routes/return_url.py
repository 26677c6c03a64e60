"""Where to go after a login: to a path of this site, and never to another one."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from starlette.requests import Request

from app.domain.errors import RequestError
from app.domain.paths import ArtifactPath

MAX_RETURN_URL: Final = 1500
"""Longer ones do not fit into the cookie of a login that is under way."""

_QUERY: Final = re.compile(r"[A-Za-z0-9._~!$'()*+,;:@/?%=&-]*")
_NOT_PAGES: Final = frozenset({"login", "logout"})


def return_url(text: str | None) -> str:
    """A return URL that somebody sent, if it leads to a path of this site; else the start page.

    It is parsed as any path is, and written anew from what came out: no scheme, host, empty segment, backslash or
    control character gets through.

    Args:
        text: path, still percent-encoded, and perhaps a query.
    """
    path_text, mark, query = (text or "/").partition("?")
    try:
        path = ArtifactPath.parse(path_text.encode("utf-8", "surrogateescape"))
    except (RequestError, UnicodeEncodeError):
        return "/"
    if path.segments and path.segments[0] in _NOT_PAGES:
        return "/"
    url = path.url + (mark + query if _QUERY.fullmatch(query) else "")
    return url if len(url) <= MAX_RETURN_URL else "/"


def requested_url(request: Request) -> str:
    """Path and query of a request, fit to be returned to."""
    query: bytes = request.scope["query_string"]
    raw: bytes = request.scope["raw_path"]
    return return_url((raw + (b"?" + query if query else b"")).decode("latin-1"))


def login_url(back_to: str, *, switch: bool = False) -> str:
    """Where to log in.

    Args:
        back_to: of `return_url`.
        switch: as another user, even if somebody is logged in.
    """
    return f"/login?return={quote(back_to, safe='/')}{'&switch=true' if switch else ''}"
