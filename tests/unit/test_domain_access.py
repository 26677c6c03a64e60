"""Words for what stands before a file."""

from __future__ import annotations

import pytest

from app.domain.access import licence_phrase


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("samsung", "the licence samsung"),
        ("licence", "the licence"),
        ("LICENSE", "the licence"),
        ("eula", "the licence"),
        ("Samsung EULA", "Samsung EULA"),
        ("Evaluation licence", "Evaluation licence"),
    ],
)
def test_no_sentence_names_the_licence_licence(name: str, phrase: str) -> None:
    assert licence_phrase(name) == phrase
