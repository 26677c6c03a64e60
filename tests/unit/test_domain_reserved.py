"""Reserved paths are said in one place, and routers cannot disagree with it."""

from __future__ import annotations

import pytest
from fastapi import APIRouter

from app.domain.reserved import RESERVED, is_reserved
from app.server.reserved import check_reserved


async def _answer() -> None:
    """Any route's function."""


@pytest.mark.parametrize("segment", sorted(RESERVED))
def test_reserved_segments(segment: str) -> None:
    assert is_reserved(segment)


@pytest.mark.parametrize("segment", ["", "releases", "Api", "api.html", "healthz "])
def test_everything_else_is_the_trees(segment: str) -> None:
    assert not is_reserved(segment)


def test_a_route_for_a_path_that_is_not_reserved_stops_the_start() -> None:
    router = APIRouter()
    router.add_api_route("/healthz", _answer)
    check_reserved([router])
    router.add_api_route("/robots.txt", _answer)

    with pytest.raises(ValueError, match=r"not in app/domain/reserved\.py: /robots\.txt"):
        check_reserved([router])


def test_a_route_within_another_router_is_checked_too() -> None:
    inner, outer = APIRouter(), APIRouter()
    inner.add_api_route("/robots.txt", _answer)
    outer.include_router(inner)

    with pytest.raises(ValueError, match=r"robots\.txt"):
        check_reserved([outer])
