"""The limits of a request, as the client whose request passes one of them is told."""

from __future__ import annotations

import pytest

from app.server.refusals import HEAD_TOO_LARGE, HEADERS_TOO_LARGE, TARGET_TOO_LONG, Refusal


@pytest.mark.parametrize(
    ("refusal", "detail"),
    [
        (TARGET_TOO_LONG, "a path and its query have at most 32768 bytes"),
        (HEAD_TOO_LARGE, "a request has at most 131072 bytes of headers"),
        (HEADERS_TOO_LARGE, "a request has at most 256 header fields of 65536 bytes in all"),
    ],
)
def test_the_detail_says_how_much_is_taken(refusal: Refusal, detail: str) -> None:
    assert refusal.detail == detail
