"""The style sheet and icons, under names that change with their content."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.domain.errors import NotFound
from app.pages.static import StaticFile
from app.responses.caching import IMMUTABLE


def build_static_router(files: Mapping[str, StaticFile]) -> APIRouter:
    """Routes below `/-/static/`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/-/static/{name}")
    async def static(request: Request, name: str) -> Response:
        file = files.get(name)
        if file is None:
            raise NotFound
        headers = {
            "Content-Type": file.media_type,
            "ETag": f'"{file.e_tag}"',
            **IMMUTABLE,
        }
        return Response(file.content, headers=headers)

    return router
