"""Describes the tree in the OpenAPI document, since the framework does not serve it."""

from __future__ import annotations

from typing import Any, Final, Literal

from fastapi import FastAPI
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.domain.access import Access
from app.pages.problem import PROBLEM_MEDIA_TYPE
from app.pages.representations import REPRESENTATIONS
from app.responses.problems import Problem
from app.responses.record import record_of
from app.routes.parameters import MAX_LIMIT


class LicenceName(BaseModel):
    """A licence that stands before a file."""

    name: str
    digest: str = Field(description="Lower-case hex MD5 of its text.", pattern="^[0-9a-f]{32}$")
    sha256: str = Field(description="Lower-case hex SHA-256 of its text.", pattern="^[0-9a-f]{64}$")


class ListedEntry(BaseModel):
    """One file or folder of a listing; one line of ndjson."""

    name: str = Field(description="For people: bytes that are no UTF-8 appear as U+FFFD.")
    type: Literal["file", "folder"]
    size: int | None = Field(
        description="Bytes; null where it is not known, and for folders without `sizes`.", ge=0
    )
    modified: str | None = Field(description="RFC 3339 in UTC; null if it is not known.")
    e_tag: str | None = Field(
        description="The file's `ETag`, without quotes; null for folders and if it is not known."
    )
    url: str = Field(description="Absolute path, percent-encoded, exact; a folder's ends in `/`.")
    access: Access
    licences: list[LicenceName]
    locked: bool = Field(description="Whether only members may open it.")
    storage_class: str | None = Field(
        default=None, description="Where S3 keeps the file; left out for STANDARD, folders and locked files."
    )


class FolderTotal(BaseModel):
    """What a folder has on all its pages."""

    folders: int
    files: int
    size: int | None = Field(
        description="Bytes of the files, without what is in folders; null if no file shows its size."
    )


class FolderListing(BaseModel):
    """One page of a folder."""

    path: str = Field(description="Decoded, for people.")
    url: str
    entries: list[ListedEntry]
    total: FolderTotal | None = Field(description="Null with `limit`, `after` and `q`.")
    truncated: bool = Field(description="Whether there is another page.")
    next: str | None = Field(description="Relative reference to that page.")


_REFERENCE: Final = "#/components/schemas/{model}"
_PROBES: Final = frozenset({"/healthz", "/readyz", "/readyz/storage"})
_SECURITY_SCHEMES: Final = {
    "token": {"type": "http", "scheme": "bearer"},
    "token_as_password": {
        "type": "http",
        "scheme": "basic",
        "description": "The token as the password of any user, as curl and wget read it from a .netrc file.",
    },
}
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_PARAMETERS: Final[list[dict[str, Any]]] = [
    {
        "name": "path",
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
        "description": "Path of the tree, percent-encoded; a folder's ends in `/`.",
    },
    {"name": "format", "in": "query", "schema": {"type": "string", "enum": list(REPRESENTATIONS)}},
    {
        "name": "recursive",
        "in": "query",
        "schema": {"type": "string", "enum": ["true", "false"]},
        "description": "Everything below the folder, as ndjson: with `true`, no other `format` can be asked for.",
    },
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}},
    {
        "name": "after",
        "in": "query",
        "schema": {"type": "string", "minLength": 1},
        "description": "Begin behind this entry: a name, with a `/` if it is a folder's; a path if recursive.",
    },
    {
        "name": "sizes",
        "in": "query",
        "schema": {"type": "string", "enum": ["true", "false"]},
        "description": "Give folders a size, as far as all that is below them is in memory.",
    },
    {
        "name": "License-Accepted",
        "in": "header",
        "schema": {"type": "string"},
        "description": "Digests of accepted licences, separated by spaces.",
    },
]


def describe_tree(app: FastAPI) -> None:
    """Serve the OpenAPI document: the reserved paths, the tree's own GET and HEAD, and what holds for all."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        components = document.setdefault("components", {})
        components.setdefault("schemas", {}).update(_schemas())
        components["securitySchemes"] = _SECURITY_SCHEMES
        document["paths"]["/{path}"] = {method: _operation(method) for method in ("get", "head")}
        for path, operations in document["paths"].items():
            for operation in operations.values():
                _describe_refusals(operation, may_identify=path not in _PROBES)
        return document

    async def show(request: Request) -> Response:
        record = record_of(request)
        record.route = "openapi"
        # Paths count from the server's URL, and without one from the host (OpenAPI 3.1 section 4.8.5).
        return JSONResponse(
            openapi() | ({"servers": [{"url": record.root_path}]} if record.root_path else {})
        )

    app.openapi = openapi  # type: ignore[method-assign]
    app.add_route("/api/openapi.json", show, include_in_schema=False)


def _describe_refusals(operation: dict[str, Any], *, may_identify: bool) -> None:
    """Add the answers that any request may get, and remove those that no path gives."""
    if "requestBody" not in operation:
        operation["responses"].pop("422", None)
    for status in (400, 431):
        operation["responses"].setdefault(str(status), _problem(_PROBLEMS[status]))
    if may_identify:
        operation.setdefault("security", [{}, *({name: []} for name in _SECURITY_SCHEMES)])


def _schemas() -> dict[str, Any]:
    models: list[tuple[type[BaseModel], Literal["serialization"]]] = [
        (Problem, "serialization"),
        (FolderListing, "serialization"),
    ]
    schemas: dict[str, Any] = models_json_schema(models, ref_template=_REFERENCE)[1]["$defs"]
    return schemas


def _operation(method: str) -> dict[str, Any]:
    return {
        "tags": ["tree"],
        "summary": "A folder's listing, or a file",
        "description": "A path has as many segments as it needs, although OpenAPI knows no slash in a parameter.",
        "operationId": f"tree_{method}",
        "parameters": _PARAMETERS,
        "responses": {
            "200": {"description": "The listing, or the whole file.", "content": _listing_types()},
            "206": {"description": "The ranges asked for.", "content": {"*/*": _BINARY}},
            "302": {"description": "A link, a licence to accept (browsers), or the storage's own URL."},
            "304": {"description": "The client has it already."},
            "301": {"description": "A folder, asked for without its slash."},
            **{str(status): _problem(text) for status, text in _PROBLEMS.items()},
        },
    }


_PROBLEMS: Final = {
    400: "A parameter is not of its form, or the request names no one host.",
    401: "A token is needed, or the one sent is invalid.",
    403: "A licence or membership is needed, or no rule opens the path.",
    404: "Nothing is published here.",
    410: "The query holds a key, which the original server took for a token.",
    412: "A precondition of the request is not met.",
    414: "The path is too long.",
    416: "No byte of the file is in the ranges asked for.",
    431: "The headers are too large.",
    502: "The storage refuses the server's access.",
    503: "The storage does not answer.",
}


def _listing_types() -> dict[str, Any]:
    types: dict[str, Any] = {form.bare_media_type: {} for form in REPRESENTATIONS.values()}
    listing = {"$ref": _REFERENCE.format(model=FolderListing.__name__)}
    types["application/json"] = {"schema": {"anyOf": [listing, {"description": "A file as it is."}]}}
    return types | {"*/*": _BINARY}


def _problem(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {
            PROBLEM_MEDIA_TYPE: {"schema": {"$ref": _REFERENCE.format(model=Problem.__name__)}},
            "text/html": {},
        },
    }
