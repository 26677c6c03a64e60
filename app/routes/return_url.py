"""URLs to return to after a login: always a path of this site."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from starlette.requests import Request

from app.domain.errors import RequestError
from app.domain.paths import ArtifactPath
from app.responses.record import record_of

MAX_RETURN_URL: Final = 1500
"""Longer ones do not fit into the cookie of a login that is under way."""

_QUERY: Final = re.compile(r"[A-Za-z0-9._~!$'()*+,;:@/?%=&-]*")
_NOT_PAGES: Final = frozenset({"login", "logout"})


def return_url(request: Request, text: str | None) -> str:
    """The return URL of a request, if it is a path of this site; else the start page.

    It is parsed like any path and written again from the result: no scheme, host, empty segment, backslash or
    control character gets through.

    Args:
        text: path, still percent-encoded, with or without the root path, and perhaps a query.
    """
    root_path = record_of(request).root_path
    text = text or "/"
    return _checked(text.removeprefix(root_path) if text.startswith(f"{root_path}/") else text, root_path)


def _checked(text: str, root_path: str) -> str:
    start_page = f"{root_path}/"
    path_text, mark, query = text.partition("?")
    try:
        path = ArtifactPath.parse(path_text.encode("utf-8", "surrogateescape"))
    except (RequestError, UnicodeEncodeError):
        return start_page
    if path.segments and path.segments[0] in _NOT_PAGES:
        return start_page
    url = root_path + path.url + (mark + query if _QUERY.fullmatch(query) else "")
    return url if len(url) <= MAX_RETURN_URL else start_page


def requested_url(request: Request) -> str:
    """Path and query of a request, to return to."""
    query: bytes = request.scope["query_string"]
    raw: bytes = request.scope["raw_path"]
    text = (raw + (b"?" + query if query else b"")).decode("latin-1")
    return _checked(text, record_of(request).root_path)


def login_url(request: Request, back_to: str, *, switch: bool = False) -> str:
    """URL of the login page.

    Args:
        back_to: of `return_url`.
        switch: as another user, even if somebody is logged in.
    """
    page = f"{record_of(request).root_path}/login"
    return f"{page}?return={quote(back_to, safe='/')}{'&switch=true' if switch else ''}"
