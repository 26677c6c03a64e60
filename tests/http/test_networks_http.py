"""Where a request comes from, and what a proxy may say about it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.answers import BROWSER, problem
from tests.support.site_policies import MEMBERS_AND_VAULT
from tests.support.site_trees import MemoryTree, client_of

INSIDE = "10.20.30.40"
CLAIMS = [
    {"X-Forwarded-For": INSIDE},
    {"X-Forwarded-For": f"{INSIDE}, 192.0.2.1"},
    {"X-Forwarded-For": f"192.0.2.1, {INSIDE}"},
    {"X-Forwarded-For": f"[::ffff:{INSIDE}]:80"},
    {"Forwarded": f"for={INSIDE}"},
    {"X-Real-IP": INSIDE},
    {"X-Client-IP": INSIDE},
    {"True-Client-IP": INSIDE},
]


def site() -> MemoryTree:
    tree = MemoryTree()
    tree.put("members/f", b"content")
    tree.put("vault/f", b"content")
    tree.put("eula/EULA.txt", b"Be nice.")
    tree.put("eula/f", b"content")
    tree.put("malformed/BUILD-INFO.txt", b"nonsense")
    tree.put("malformed/f", b"content")
    tree.put("uncovered/BUILD-INFO.txt", b"Format-Version: 0.5\n")
    tree.put("uncovered/f", b"content")
    tree.put("hidden/EULA.txt", b"Be nice.")
    return tree


@pytest.fixture(scope="module")
def direct() -> Iterator[httpx.Client]:
    """A server that trusts a network, and no proxy, asked from elsewhere."""
    with client_of(site().app(policy=MEMBERS_AND_VAULT, trusted_networks=("10.0.0.0/8",))) as client:
        yield client


@pytest.fixture(scope="module")
def behind_proxy() -> Iterator[httpx.Client]:
    """The same behind a proxy that it trusts: this test."""
    networks = {"trusted_networks": ("10.0.0.0/8", "2001:db8::/32"), "trusted_proxies": ("127.0.0.1",)}
    with client_of(site().app(policy=MEMBERS_AND_VAULT, **networks)) as client:
        yield client


@pytest.mark.parametrize("claim", CLAIMS)
def test_what_anybody_may_write_makes_nobody_trusted(direct: httpx.Client, claim: dict[str, str]) -> None:
    for path, status in [("/members/f", 401), ("/members/", 401), ("/eula/f", 403), ("/malformed/f", 403)]:
        assert direct.get(path, headers=claim).status_code == status
    assert "members/" not in direct.get("/?format=text", headers=claim).text


@pytest.mark.parametrize(
    "field", [INSIDE, f"192.0.2.1, {INSIDE}", f"nonsense, {INSIDE}", "2001:db8::1", f"{INSIDE}:99"]
)
def test_a_trusted_network_passes_groups_licences_and_malformed_rules(
    behind_proxy: httpx.Client, field: str
) -> None:
    claim = {"X-Forwarded-For": field}
    for folder in ("members", "vault", "eula", "malformed", "uncovered"):
        assert behind_proxy.get(f"/{folder}/f", headers=claim).content == b"content"
        assert behind_proxy.get(f"/{folder}/?format=text", headers=claim).text == "f\n"
    assert behind_proxy.get("/eula/f", headers=claim | BROWSER).content == b"content"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"Forwarded": f"for={INSIDE}"}, 200),
        ({"Forwarded": f'for=192.0.2.1, for="[::ffff:{INSIDE}]:80"'}, 200),
        ({"Forwarded": f"for={INSIDE}", "X-Forwarded-For": INSIDE}, 200),
        ({"Forwarded": f"for={INSIDE}, for=192.0.2.1"}, 401),
        ({"Forwarded": f"for={INSIDE}, for=unknown"}, 401),
        ({"Forwarded": f"for={INSIDE}", "X-Forwarded-For": "192.0.2.1"}, 401),
        ({"Forwarded": "for=192.0.2.1", "X-Forwarded-For": INSIDE}, 401),
        ({"Forwarded": f'for={INSIDE};by="'}, 401),
    ],
)
def test_forwarded_is_read_beside_the_older_fields_and_must_agree(
    behind_proxy: httpx.Client, fields: dict[str, str], status: int
) -> None:
    for _ in range(2):  # the second time, the listing is in memory
        assert behind_proxy.get("/members/f", headers=fields).status_code == status
        assert ("members/" in behind_proxy.get("/?format=text", headers=fields).text) is (status == 200)


def test_control_files_stay_hidden_from_a_trusted_network(behind_proxy: httpx.Client) -> None:
    for path in ("/malformed/BUILD-INFO.txt", "/eula/EULA.txt", "/hidden/EULA.txt"):
        assert behind_proxy.get(path, headers={"X-Forwarded-For": INSIDE}).status_code == 404


@pytest.mark.parametrize(
    "field", [f"{INSIDE}, 192.0.2.1", "192.0.2.1", f"{INSIDE}, nonsense", "", "11.0.0.1"]
)
def test_only_the_address_that_the_proxy_itself_saw_counts(behind_proxy: httpx.Client, field: str) -> None:
    assert problem(behind_proxy.get("/members/f", headers={"X-Forwarded-For": field})) == (
        401,
        "login-required",
    )


def test_several_lines_are_one_list_from_the_right(behind_proxy: httpx.Client) -> None:
    trusted_last = [("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-For", INSIDE)]
    assert behind_proxy.get("/members/f", headers=trusted_last).status_code == 200
    assert behind_proxy.get("/members/f", headers=trusted_last[::-1]).status_code == 401


@pytest.mark.parametrize(
    "networks", [("127.0.0.1",), ("127.0.0.0/8",), ("0.0.0.0/0",), ("::ffff:127.0.0.0/104",)]
)
def test_a_network_may_be_named_in_several_ways(networks: tuple[str, ...]) -> None:
    with client_of(site().app(policy=MEMBERS_AND_VAULT, trusted_networks=networks)) as client:
        assert client.get("/members/f").content == b"content"
