"""Errors for scripts (RFC 9457)."""

from __future__ import annotations

from app.pages.json_bytes import json_bytes

PROBLEM_MEDIA_TYPE = "application/problem+json"
PROBLEM_TYPE_PREFIX = "urn:pierhead:problem:"


def problem_json(status: int, title: str, detail: str, type_slug: str, **extensions: object) -> bytes:
    """A problem details object (RFC 9457 section 3).

    Args:
        status: the HTTP status code it goes out with.
        title: a few words, the same for every occurrence of the type.
        detail: what happened this time and what to do, for people.
        type_slug: names the type for programs: `licence-required` becomes
            `urn:pierhead:problem:licence-required`. A URN, since the type must stay the same on every host and
            need not lead anywhere (section 3.1.1).
        extensions: further members (section 3.2) and `instance`. They never replace the standard ones.
    """
    return json_bytes(
        {
            "type": PROBLEM_TYPE_PREFIX + type_slug,
            "title": title,
            "status": status,
            "detail": detail,
        }
        | {name: value for name, value in extensions.items() if name != "type"}
    )
