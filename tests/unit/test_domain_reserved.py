"""Reserved paths are said in one place, and routers cannot disagree with it."""

from __future__ import annotations

import pytest
from fastapi import APIRouter

from app.domain.reserved import RESERVED, is_reserved
from app.server.reserved import check_reserved


async def _answer() -> None:
    """Any route's function."""


def all_reserved() -> APIRouter:
    router = APIRouter()
    for segment in RESERVED:
        router.add_api_route(f"/{segment}", _answer)
    return router


@pytest.mark.parametrize("segment", sorted(RESERVED))
def test_reserved_segments(segment: str) -> None:
    assert is_reserved(segment)


@pytest.mark.parametrize("segment", ["", "releases", "Api", "api.html", "healthz "])
def test_everything_else_is_the_trees(segment: str) -> None:
    assert not is_reserved(segment)


def test_a_route_for_a_path_that_is_not_reserved_stops_the_start() -> None:
    router = all_reserved()
    check_reserved([router])
    router.add_api_route("/robots.txt", _answer)

    with pytest.raises(ValueError, match=r"not in app/domain/reserved\.py: /robots\.txt"):
        check_reserved([router])


def test_a_reserved_path_without_a_route_stops_the_start() -> None:
    router = APIRouter()
    router.add_api_route("/healthz", _answer)
    with pytest.raises(ValueError, match=r"answered by no route: -, api, license"):
        check_reserved([router])


def test_a_route_within_another_router_is_checked_too() -> None:
    inner, outer = APIRouter(), all_reserved()
    inner.add_api_route("/robots.txt", _answer)
    outer.include_router(inner)

    with pytest.raises(ValueError, match=r"robots\.txt"):
        check_reserved([outer])
