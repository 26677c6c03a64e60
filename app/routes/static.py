"""The style sheet and icons, under names that change with their content."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.domain.errors import NotFound
from app.responses.record import record_of
from app.routes.services import Services


def build_static_router(services: Services) -> APIRouter:
    """Routes below `/-/static/`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/-/static/{name}")
    async def static(request: Request, name: str) -> Response:
        record_of(request).route = "static"
        file = services.static.get(name)
        if file is None:
            raise NotFound
        headers = {
            "Content-Type": file.media_type,
            "ETag": f'"{file.e_tag}"',
            "Cache-Control": "public, max-age=31536000, immutable",
        }
        return Response(file.content, headers=headers)

    return router
