"""Reads small request bodies."""

from __future__ import annotations

from starlette.requests import Request

from app.domain.errors import BadParameter


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body of a request.

    Args:
        limit: most bytes that it may have.

    Raises:
        BadParameter: it has more.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise BadParameter("the body", f"at most {limit} bytes long")
    return bytes(body)
