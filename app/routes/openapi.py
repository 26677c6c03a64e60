"""The description of the tree itself, which is served beside the framework and not by it."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI

from app.routes.browse import MAX_LIMIT
from app.routes.folder_pages import MEDIA_TYPES
from app.routes.responses import Problem

_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_PARAMETERS: Final[list[dict[str, Any]]] = [
    {
        "name": "path",
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
        "description": "Path of the tree, percent-encoded; a folder's ends in `/`.",
    },
    {"name": "format", "in": "query", "schema": {"type": "string", "enum": list(MEDIA_TYPES)}},
    {"name": "recursive", "in": "query", "schema": {"type": "string", "enum": ["true", "false"]}},
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}},
    {
        "name": "after",
        "in": "query",
        "schema": {"type": "string", "minLength": 1},
        "description": "Begin behind this entry.",
    },
    {
        "name": "License-Accepted",
        "in": "header",
        "schema": {"type": "string"},
        "description": "Digests of accepted licences, divided by blanks.",
    },
]


def describe_tree(app: FastAPI) -> None:
    """Add the tree's own GET and HEAD to the OpenAPI document of the reserved paths."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.setdefault("Problem", Problem.model_json_schema())
        document["paths"].setdefault("/{path}", {"get": _operation("get"), "head": _operation("head")})
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _operation(method: str) -> dict[str, Any]:
    return {
        "tags": ["tree"],
        "summary": "A folder's listing, or a file",
        "operationId": f"tree_{method}",
        "parameters": _PARAMETERS,
        "responses": {
            "200": {"description": "The listing, or the whole file.", "content": _listing_types()},
            "206": {"description": "The ranges asked for.", "content": {"*/*": _BINARY}},
            "302": {"description": "A link, a licence to accept (browsers), or the storage's own URL."},
            "304": {"description": "The client has it already."},
            "308": {"description": "A folder, asked for without its slash."},
            **{str(status): _problem(text) for status, text in _PROBLEMS.items()},
        },
    }


_PROBLEMS: Final = {
    400: "A parameter is not of its form.",
    401: "A token is needed, or the one sent does not hold.",
    403: "A licence or membership is needed, or no rule opens the path.",
    404: "Nothing is published here.",
    412: "A precondition of the request does not hold.",
    414: "The path is too long.",
    416: "No byte of the file is in the ranges asked for.",
    431: "The headers are too large.",
    502: "The storage refuses the server's access.",
    503: "The storage does not answer.",
}


def _listing_types() -> dict[str, Any]:
    types: dict[str, Any] = {media_type.partition(";")[0]: {} for media_type in MEDIA_TYPES.values()}
    return types | {"*/*": _BINARY}


def _problem(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
            "text/html": {},
        },
    }
