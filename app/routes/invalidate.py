"""`POST /api/v1/invalidate`: the storage or a publisher reports what has changed."""

from __future__ import annotations

from typing import Any, Final

import structlog
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from app.cache.worker_channel import WorkerChannel
from app.catalog import Catalog
from app.domain.access import Permission, Principal
from app.domain.errors import BadParameter, LoginRequired, PermissionRequired, RequestError
from app.domain.paths import ArtifactPath
from app.domain.storage_urls import S3Place
from app.pages.json_bytes import json_bytes
from app.responses.caching import PRIVATE
from app.responses.problems import problem_answers
from app.responses.requester import Requester
from app.routes.body import read_body
from app.storage.s3.events import ChangedKey, Confirmation, parse_events

MAX_BODY_BYTES: Final = 1024 * 1024
_EXAMPLE: Final[dict[str, Any]] = {
    "Records": [{"s3": {"bucket": {"name": "artifacts"}, "object": {"key": "releases/2026.09/boot.img"}}}]
}

_log = structlog.get_logger(__name__)


class Invalidated(BaseModel):
    """The paths that will be read again."""

    paths: list[str] = Field(description="Changed paths of this tree, percent-encoded.")


def build_invalidate_router(
    catalog: Catalog, requester: Requester, channel: WorkerChannel | None, buckets: tuple[S3Place, ...]
) -> APIRouter:
    """The route that takes event notifications."""
    router = APIRouter(prefix="/api/v1", tags=["publishing"])
    body = {
        "required": True,
        "content": {"application/json": {"example": _EXAMPLE, "schema": {"type": "object"}}},
    }

    @router.post(
        "/invalidate",
        response_model=Invalidated,
        responses=problem_answers(400, 401, 403),
        openapi_extra={"requestBody": body},
    )
    async def invalidate(request: Request) -> Response:
        """Take an event notification of S3, Ceph RGW or MinIO. The paths that it names are read again at the next request."""
        _check_permission(await requester.identify(request))
        try:
            events = parse_events(await read_body(request, MAX_BODY_BYTES))
        except ValueError as error:
            raise BadParameter("the body", f"an S3 event notification: {error}") from error
        if isinstance(events, Confirmation):
            # An operator opens it: a server that opens any URL from a request can be abused.
            _log.warning("event_subscription_waits_for_confirmation", open_this=events.url)
            events = ()
        paths = [path for event in events if (path := _path(event, buckets)) is not None]
        for path in paths:
            catalog.invalidate(path)
        if channel is not None:
            await channel.tell(paths)
        answer = json_bytes({"paths": [path.url for path in paths]})
        return Response(answer, headers=PRIVATE, media_type="application/json")

    return router


def _check_permission(principal: Principal) -> None:
    if Permission.INVALIDATE in principal.permissions:
        return
    if principal.is_anonymous:
        raise LoginRequired
    raise PermissionRequired(Permission.INVALIDATE)


def _path(event: ChangedKey, buckets: tuple[S3Place, ...]) -> ArtifactPath | None:
    """The path of a changed key; None if it is not in this tree."""
    prefix = _prefix_of(event, buckets)
    if prefix is None:
        return None
    try:
        return ArtifactPath.from_text(event.key.removeprefix(prefix).replace("%7E", "~"))
    except RequestError:
        return None


def _prefix_of(event: ChangedKey, buckets: tuple[S3Place, ...]) -> str | None:
    """The prefix of the tree in a bucket; None if the bucket is not one of the tree's."""
    if not buckets:
        return ""
    for place in buckets:
        if event.bucket == place.bucket and event.key.startswith(place.prefix):
            return place.prefix
    return None
