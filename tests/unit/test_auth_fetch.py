"""What an identity provider may answer, and what counts as none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from app.auth.fetch import JsonFetcher
from app.domain.errors import LoginUnavailable

URL: Final = "https://id.example.org/token"


class Answering(JsonFetcher):
    """Gets an answer of one status, whatever it sends."""

    def __init__(self, status: int) -> None:
        self._status = status

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None
    ) -> tuple[int, dict[str, Any]]:
        return self._status, {"method": method}


async def test_a_document_comes_with_200_only() -> None:
    assert await Answering(200).get(URL) == {"method": "GET"}
    for status in (199, 201, 302, 404, 500):
        with pytest.raises(LoginUnavailable):
            await Answering(status).get(URL)


async def test_a_refused_form_is_an_answer_and_a_failure_is_none() -> None:
    for status in (200, 400, 499):
        assert await Answering(status).post_form(URL, {}, {}) == (status, {"method": "POST"})
    for status in (500, 503):
        with pytest.raises(LoginUnavailable):
            await Answering(status).post_form(URL, {}, {})
