"""Error answers for scripts."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel
from starlette.responses import Response

from app.pages.problem import PROBLEM_MEDIA_TYPE, problem_json
from app.responses.caching import NOT_STORED

INTERNAL_ERROR: Final = (500, "Internal error", "the server failed to answer", "internal-error")
"""What anybody learns when the server itself fails: the arguments of `problem_response`."""


def problem_response(status: int, title: str, detail: str, slug: str, **extensions: object) -> Response:
    """An error answer for scripts (RFC 9457)."""
    body = problem_json(status, title, detail, slug, **extensions)
    return Response(body, status, NOT_STORED, media_type=PROBLEM_MEDIA_TYPE)


class Problem(BaseModel):
    """RFC 9457. Further members, such as `licences` or `groups`, name the next step."""

    type: str
    title: str
    status: int
    detail: str


def problem_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI descriptions of error answers: a document for scripts, a page for browsers."""
    content = {PROBLEM_MEDIA_TYPE: {"schema": Problem.model_json_schema()}, "text/html": {}}
    return {status: {"description": "Problem", "content": content} for status in statuses}
