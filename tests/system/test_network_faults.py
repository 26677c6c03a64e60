"""Bad lines between the service, its S3 and its clients: the table in docs/operations.md says what was seen here.

`make fault-table` writes what it sees into the table. Takes about a minute, most of it waiting for the documented times to pass.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.made_tables import MadeTable
from tests.support.network_faults import ASKED, TROUBLES, BadNetwork, bad_network

TABLE = MadeTable("fault-table", TROUBLES, (*ASKED, "within"))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BadNetwork]:
    with bad_network(tmp_path_factory.mktemp("network")) as made:
        yield made


@pytest.mark.parametrize("line", TROUBLES)
def test_the_table_says_what_a_client_sees(
    network: BadNetwork, line: str, request: pytest.FixtureRequest
) -> None:
    seen = {**network.seen_in(TROUBLES[line]), "within": f"{TROUBLES[line].within} s"}
    if request.config.getoption("--write-tables"):
        for asked, outcome in seen.items():
            TABLE.write(line, asked, outcome)
    assert TABLE.written()[line] == seen


def test_the_table_has_every_fault() -> None:
    assert TABLE.has_all()
