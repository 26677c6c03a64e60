"""What is hidden takes as many calls of the store as what is absent, so that their times tell nothing either."""

from __future__ import annotations

import pytest

from tests.support.clocks import Clock
from tests.support.live_server import app_over
from tests.support.memory_store import MemoryStore
from tests.support.policy import build_info
from tests.support.site_trees import client_of

POLICY = """
private_entries = "hidden"

[[rule]]
path = "d/hidden.img"
tier = "private"
groups = ["staff"]

[[rule]]
path = "nothing/hidden.img"
tier = "private"
groups = ["staff"]

[[rule]]
path = "d/vault"
tier = "private"
groups = ["staff"]
"""


def planted() -> MemoryStore:
    store = MemoryStore()
    store.put("d/open.txt", b"open")
    store.put("d/hidden.img", b"hidden")
    store.put("d/vault/inner/f", b"f")
    store.put("d/team/BUILD-INFO.txt", build_info("Files-Pattern: *,", "Auth-Groups: staff"))
    store.put("d/team/f", b"f")
    store.put("d/ruled/BUILD-INFO.txt", build_info("Files-Pattern: *.img", "Auth-Groups: staff"))
    store.put("d/ruled/x.img", b"x")
    return store


@pytest.mark.parametrize(
    ("hidden", "absent"),
    [
        ("d/hidden.img", "d/absent.img"),
        ("d/vault", "d/nothing"),
        ("d/vault/", "d/nothing/"),
        ("d/vault/inner/", "d/nothing/inner/"),
        ("d/vault/inner/f", "d/nothing/inner/f"),
        ("d/team/", "d/nothing/"),
        ("d/ruled/x.img", "d/ruled/x.txt"),
        ("d/ruled/BUILD-INFO.txt", "d/ruled/x.txt"),
        ("d/open.txt.EULA.txt", "d/absent.img"),
        ("d/vault/BUILD-INFO.txt", "d/nothing/x.txt"),
        ("nothing/BUILD-INFO.txt", "nothing/x.txt"),
        ("nothing/hidden.img", "nothing/x.txt"),
        ("api/license/d/hidden.img", "api/license/d/absent.img"),
        ("api/ls/d/vault/", "api/ls/d/nothing/"),
    ],
)
def test_hidden_and_absent_cost_the_same_calls(hidden: str, absent: str) -> None:
    counts = []
    for path in (hidden, absent):
        store = planted()
        clock = Clock()
        with client_of(app_over(store, policy=POLICY, cache_ttl=60, clock=clock)) as client:
            for known in ("", "d/", "d/team/", "d/ruled/"):
                client.get(f"/{known}")
            clock.now += 2.1
            costs = []
            for seconds in (0, 0, 2.1):
                clock.now += seconds
                store.calls.clear()
                assert client.get(f"/{path}").status_code == 404
                costs.append([call.operation for call in store.calls])
        counts.append(costs)
    assert counts[0] == counts[1]
    assert counts[0][0], "neither is known without asking"


def test_the_hidden_file_itself_is_never_asked_for() -> None:
    store = planted()
    with client_of(app_over(store, policy=POLICY)) as client:
        for path in ("d/hidden.img", "d/vault/inner/f", "d/vault/inner/"):
            assert client.get(f"/{path}").status_code == 404
    assert not {"d/hidden.img", "d/vault/inner/f", "d/vault/inner/"} & {call.path for call in store.calls}
