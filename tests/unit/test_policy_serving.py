"""How folders are sorted where a request does not say, by what the operator says of them."""

from __future__ import annotations

import pytest

from app.domain.order import Order
from app.policy.serving import ServingOptions


@pytest.mark.parametrize(
    ("options", "order"),
    [
        (ServingOptions(), None),
        (ServingOptions(sort="size"), Order("size", "asc")),
        (ServingOptions(order="desc"), Order("version", "desc")),
        (ServingOptions(sort="name", order="desc"), Order("name", "desc")),
    ],
)
def test_what_is_not_said_of_an_order_is_as_usual(options: ServingOptions, order: Order | None) -> None:
    assert options.folder_order == order
