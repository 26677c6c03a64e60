"""Redirects within the site."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from starlette.responses import Response


def redirect(status: int, location: str, headers: Mapping[str, str]) -> Response:
    """A redirect that old clients follow as well.

    The statuses and an absolute path because they know no others, the line of HTML because some show it and
    stay (RFC 9110 section 15.4).
    """
    body = f'<!DOCTYPE html>\n<title>Moved</title>\n<p>This is at <a href="{escape(location)}">another place</a>.\n'
    return Response(body, status, {"Location": location, **headers}, media_type="text/html")
