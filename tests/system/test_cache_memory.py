"""The bound on the cache is a bound on the process: many files are browsed, three times, and its memory is looked at.

`PIERHEAD_BROWSED_GROUPS` says how many, in groups of 10,000: `make soak` browses half a million. The cache grows with them, so that as
many of its entries have to go at any size. What each page leaves behind may be as little in the 16 groups of the default as in the 50.
Costs 13 seconds of a processor for each form.
"""

from __future__ import annotations

import http.client
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.synthetic_server import MIB, SECONDS, synthetic_server
from tests.support.synthetic_site import FILES, FOLDERS

GROUPS = int(os.environ.get("PIERHEAD_BROWSED_GROUPS", "16"))
CACHE_BYTES = GROUPS * MIB
CLIENTS = 4
SCATTERED = 2 * MIB
"""Pieces between what is kept: of one to two MiB from run to run, however large the cache is."""


def browse(port: int, groups: range, requests: tuple[tuple[str, str], ...]) -> int:
    """Ask for every folder of some groups, in each form in turn. Returns how many folders answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    folders = [f"/group-{group:03}/folder-{folder:03}/" for group in groups for folder in range(FOLDERS)]
    for number, folder in enumerate(folders):
        query, encoding = requests[number % len(requests)]
        connection.request("GET", folder + query, headers={"Accept-Encoding": encoding})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200
        assert answer.headers.get("Content-Encoding", "identity") == encoding
        if encoding == "identity":
            assert body.count(b"-00042-arm64.tar.gz") > 0
    connection.close()
    return len(folders)


FORMS = {
    "pages": (("", "identity"), ("", "gzip"), ("", "br"), ("", "zstd")),
    "compressed": (("", "zstd"),),
    "lists": (("?format=json", "identity"), ("?format=ndjson", "gzip"), ("?format=text", "zstd")),
}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("form", FORMS)
def test_many_files_take_no_more_than_the_cache_may(form: str) -> None:
    with synthetic_server(CACHE_BYTES) as server, ThreadPoolExecutor(CLIENTS) as clients:
        # Code that is loaded when it is first needed, and what as many requests at once need.
        list(clients.map(lambda _: browse(server.port, range(1), FORMS[form]), range(CLIENTS)))
        before = server.memory()
        shares = [range(first, GROUPS, CLIENTS) for first in range(CLIENTS)]
        folders = list(clients.map(lambda groups: browse(server.port, groups, FORMS[form]), shares))
        grown, most = server.memory() - before, server.most_memory()
    print(f"{form}: {before / MIB:.1f} MiB before, grown by {grown / MIB:.1f}, {most / MIB:.1f} at most")
    assert sum(folders) * FILES == GROUPS * 10_000
    assert most <= CACHE_BYTES + 150 * MIB
    assert grown <= CACHE_BYTES * 1.2 + SCATTERED
    # It was filled: a bound that is held by keeping nothing would be none.
    assert grown >= CACHE_BYTES * 0.8
