"""What is compared of answers."""

from __future__ import annotations

import time
from typing import Any

import httpx

from tests.support.live_server import token

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
SCRIPT = {"Accept": "*/*"}
CHANGING = ("date", "age", "x-accel-expires")
"""Fields that differ between answers of two moments."""


def member(*groups: str, **grant: Any) -> dict[str, str]:
    """Header of a member of these groups, with a token that holds now."""
    return {"Authorization": f"Bearer {token(*groups, now=time.time(), **grant)}"}


def all_of(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """Everything a client can see of an answer but when it was given."""
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in CHANGING]
    return answer.status_code, headers, answer.content


def timeless(answers: bytes) -> list[bytes]:
    """The lines of whole answers as they came, but those that say when they were given."""
    changing = tuple(f"{name}: ".encode() for name in CHANGING)
    return [line for line in answers.split(b"\r\n") if not line.startswith(changing)]


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and the last word of the type of an error for scripts.

    Raises:
        AssertionError: it is none.
    """
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["title"]
    assert body["detail"]
    return answer.status_code, body["type"].rpartition(":")[2]
