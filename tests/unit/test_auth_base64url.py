"""Base64 of tokens: every content has exactly one spelling."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth import base64url


@given(st.binary(max_size=40))
def test_what_is_encoded_comes_back(content: bytes) -> None:
    text = base64url.encode(content)
    assert text == base64.urlsafe_b64encode(content).decode().rstrip("=")
    assert base64url.decode(text) == content


@given(st.text("AQgwBEx-_+/=\n\u00e9", max_size=6))
def test_no_other_spelling_is_taken(text: str) -> None:
    try:
        content = base64url.decode(text)
    except ValueError:
        return
    assert base64url.encode(content) == text


@pytest.mark.parametrize("text", ["A", "AB", "AAB", "AA==", "A+A/", "A A", "AAAAA", "\u00e9\u00e9"])
def test_what_is_malformed_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        base64url.decode(text)
