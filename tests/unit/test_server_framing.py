"""How a request says where its body ends, and which host it asks."""

from __future__ import annotations

import pytest

from app.server.framing import fault_of_framing, with_host
from app.server.refusals import BAD_FRAMING, UNKNOWN_CODING, Refusal


@pytest.mark.parametrize(
    ("version", "codings", "fault"),
    [
        ("1.1", [], None),
        ("1.1", [b"chunked"], None),
        ("1.1", [b" CHUNKED\t"], None),
        ("1.0", [], None),
        ("1.0", [b"chunked"], BAD_FRAMING),
        ("1.1", [b"gzip"], BAD_FRAMING),
        ("1.1", [b"chunked, gzip"], BAD_FRAMING),
        ("1.1", [b"chunked, chunked"], BAD_FRAMING),
        ("1.1", [b"chunked", b"chunked"], BAD_FRAMING),
        ("1.1", [b", chunked"], BAD_FRAMING),
        ("1.1", [b""], BAD_FRAMING),
        ("1.1", [b"gzip, chunked"], UNKNOWN_CODING),
        ("1.1", [b"gzip", b"chunked"], UNKNOWN_CODING),
    ],
)
def test_a_body_ends_where_its_one_coding_says(
    version: str, codings: list[bytes], fault: Refusal | None
) -> None:
    headers = [(b"host", b"t"), *((b"transfer-encoding", coding) for coding in codings)]
    assert fault_of_framing(version, headers) is fault


def test_the_host_of_the_target_stands_in_for_that_of_the_field() -> None:
    fields = [(b"accept", b"a"), (b"host", b"one"), (b"x-host", b"two"), (b"host", b"not a host")]
    expected = [(b"accept", b"a"), (b"host", b"asked"), (b"x-host", b"two"), (b"host", b"not a host")]
    assert with_host(fields, b"asked") == expected
