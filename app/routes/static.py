"""The style sheet, script and icons, under names that change with their content."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.domain.errors import NotFound
from app.http_semantics import choose_encoding
from app.pages.static import StaticFile
from app.responses.caching import IMMUTABLE
from app.responses.compression import ENCODINGS, MIN_COMPRESSED_BYTES, compressed


def build_static_router(files: Mapping[str, StaticFile]) -> APIRouter:
    """Routes below `/-/static/`. Each file is compressed once, here."""
    router = APIRouter(include_in_schema=False)
    answers = {name: _answers(file) for name, file in files.items()}

    @router.get("/-/static/{name}")
    async def static(request: Request, name: str) -> Response:
        if (choices := answers.get(name)) is None:
            raise NotFound
        encoding = choose_encoding(request.headers.getlist("accept-encoding"), tuple(choices))
        body, headers = choices[encoding]
        return Response(body, headers=headers)

    return router


def _answers(file: StaticFile) -> Mapping[str, tuple[bytes, Mapping[str, str]]]:
    """Body and headers by encoding. A strong validator differs between these (RFC 9110 section 8.8.3.3)."""
    headers = {"Content-Type": file.media_type, **IMMUTABLE}
    if len(file.content) < MIN_COMPRESSED_BYTES:
        return {"identity": (file.content, headers | {"ETag": f'"{file.e_tag}"'})}
    headers["Vary"] = "Accept-Encoding"
    coded = {
        encoding: (
            compressed(file.content, encoding),
            headers | {"ETag": f'"{file.e_tag}-{encoding}"', "Content-Encoding": encoding},
        )
        for encoding in ENCODINGS
    }
    return coded | {"identity": (file.content, headers | {"ETag": f'"{file.e_tag}"'})}
