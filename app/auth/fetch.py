"""Gets JSON from identity providers, bounded in bytes and time, and without redirects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
import structlog

from app.domain.errors import LoginUnavailable
from app.domain.urls import is_safe_url

MAX_DOCUMENT_BYTES: Final = 1024 * 1024
TIMEOUT_SECONDS: Final = 5.0

_log = structlog.get_logger(__name__)


class JsonFetcher:
    """Gets documents, each over its own connection: logins are rare, and no connection stays open between them."""

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The JSON object at a URL.

        Raises:
            LoginUnavailable: it cannot be fetched.
        """
        status, document = await self._send("GET", url, headers or {}, None)
        if status != 200:
            raise unavailable(url, f"status {status}")
        return document

    async def post_form(
        self, url: str, fields: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """Send a form.

        Returns:
            The status, which is below 500, and the JSON object of the answer.

        Raises:
            LoginUnavailable: there is no such answer.
        """
        status, document = await self._send("POST", url, headers, fields)
        if status >= 500:
            raise unavailable(url, f"status {status}")
        return status, document

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None
    ) -> tuple[int, dict[str, Any]]:
        if not is_safe_url(url):
            raise unavailable(url, "not https")
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        fields = {"Accept": "application/json", **headers}
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
                session.request(method, url, headers=fields, data=form, allow_redirects=False) as answer,
            ):
                body = await _read_at_most(answer.content, MAX_DOCUMENT_BYTES)
                document = json.loads(body)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError, RecursionError) as error:
            raise unavailable(url, type(error).__name__) from error
        if not isinstance(document, dict):
            raise unavailable(url, "not a JSON object")
        return answer.status, document


async def _read_at_most(stream: aiohttp.StreamReader, limit: int) -> bytes:
    body = bytearray()
    async for chunk in stream.iter_any():
        body += chunk
        if len(body) > limit:
            raise ValueError("too long")
    return bytes(body)


def unavailable(url: str, reason: str) -> LoginUnavailable:
    """The error for a document that cannot be used, after it was logged why."""
    # The query may hold secrets, so that it is not logged.
    _log.warning("identity_provider_failed", url=url.partition("?")[0], reason=reason)
    return LoginUnavailable()
