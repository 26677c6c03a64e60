"""A list of a million files goes out while the process that writes it stays as it was."""

from __future__ import annotations

import http.client

import pytest

from tests.support.synthetic_server import MIB, SECONDS, synthetic_server
from tests.support.synthetic_site import FILES, FOLDERS, GROUPS

ALL = GROUPS * FOLDERS * FILES
MOST_GROWTH = 48 * MIB


@pytest.mark.timeout(1800)
def test_a_million_files_are_listed_in_constant_memory() -> None:
    with synthetic_server(MIB) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
        connection.request("GET", "/group-000/?recursive=true")
        assert connection.getresponse().read().count(b"\n") == FOLDERS + FOLDERS * FILES
        before = server.memory()
        connection.request("GET", "/api/v1/manifest/")
        answer = connection.getresponse()
        lines, last = 0, b""
        while chunk := answer.read(1 << 16):
            lines, last = lines + chunk.count(b"\n"), chunk
        grown = server.most_memory() - before
        connection.close()
    print(f"{lines} lines: grown by {grown / MIB:.1f} MiB at most")
    assert lines == GROUPS + GROUPS * FOLDERS + ALL
    assert f"/group-{GROUPS - 1:03}/folder-{FOLDERS - 1:03}/".encode() in last
    assert grown <= MOST_GROWTH
