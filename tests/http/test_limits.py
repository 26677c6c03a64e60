"""Who asks too often is told when to come again."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from app.auth.limits import RATES, Limit
from tests.support.answers import BROWSER, problem
from tests.support.licence_form import read_form
from tests.support.memory_store import MemoryStore
from tests.support.served_store import Site, serve_store
from tests.support.site_policies import MEMBERS_AND_VAULT

STRANGER = "203.0.113.7"
NEIGHBOUR = "203.0.113.8"
COLLEAGUE = "198.51.100.1"
LICENSED = b"Format-Version: 0.5\nFiles-Pattern: *\nLicense-Type: protected\nLicense-Text: Be kind.\n"


def get(site: Site, path: str, address: str = STRANGER, **headers: str) -> httpx.Response:
    return site.http.get(path, headers={"X-Forwarded-For": address, **headers})


def use_up(site: Site, limit: Limit, path: str, address: str = STRANGER) -> None:
    """Ask as often as one may."""
    for _ in range(RATES[limit].burst):
        assert get(site, path, address).status_code == 404


@pytest.fixture(autouse=True)
def low_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of each, so that a test reaches it by few requests."""
    for limit, rate in RATES.items():
        monkeypatch.setitem(RATES, limit, rate._replace(burst=rate.burst // 10))


@pytest.fixture
def site() -> Iterator[Site]:
    store = MemoryStore()
    for path in ("README.txt", "a1.bin", "a2.bin", "vault/secret.txt", "fw/boot.img"):
        store.put(path, b"content")
    store.put("fw/BUILD-INFO.txt", LICENSED)
    with serve_store(
        store,
        policy=MEMBERS_AND_VAULT,
        demo_login_groups=("staff",),
        trusted_proxies=("127.0.0.1",),
        trusted_networks=("198.51.100.0/24",),
    ) as site:
        yield site


@pytest.mark.parametrize(
    "path", ["/absent.txt", "/vault/secret.txt", "/api/ls/absent", "/api/v1/manifest/absent/"]
)
def test_who_asks_for_too_much_that_is_not_there_has_to_wait(site: Site, path: str) -> None:
    use_up(site, Limit.MISSES, path)
    refused = get(site, path)
    assert problem(refused) == (429, "too-many-requests")
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["cache-control"] == "no-store"
    assert get(site, "/README.txt").status_code == 429, "the storage was asked"
    assert get(site, "/README.txt", NEIGHBOUR).status_code == 200
    site.clock.now += 1
    assert get(site, "/README.txt").status_code == 200


def test_what_is_hidden_is_refused_as_what_is_absent(site: Site) -> None:
    use_up(site, Limit.MISSES, "/absent.txt")
    hidden, absent = get(site, "/vault/secret.txt"), get(site, "/vault/absent.txt")
    assert (hidden.status_code, hidden.content) == (absent.status_code, absent.content)


def test_nobody_gets_around_a_limit_by_a_hidden_address(site: Site) -> None:
    for _ in range(RATES[Limit.MISSES].burst // 2):
        assert get(site, "/absent.txt", "unknown").status_code == 404
        assert get(site, "/absent.txt", STRANGER, Forwarded="for=127.0.0.1").status_code == 404
    assert get(site, "/README.txt", "unknown").status_code == 429
    assert get(site, "/README.txt").status_code == 200


def test_the_hosts_of_one_ipv6_network_are_one_client(site: Site) -> None:
    use_up(site, Limit.MISSES, "/absent.txt", "2001:db8::1")
    assert get(site, "/README.txt", "2001:db8::ffff:2").status_code == 429
    assert get(site, "/README.txt", "2001:db8:0:1::1").status_code == 200


@pytest.mark.parametrize("address", [COLLEAGUE, "127.0.0.1"])
def test_trusted_networks_and_this_host_may_ask_for_anything(site: Site, address: str) -> None:
    use_up(site, Limit.MISSES, "/absent.txt", address)
    assert get(site, "/absent.txt", address).status_code == 404


def test_wildcards_are_limited_and_browsers_get_a_page(site: Site) -> None:
    use_up(site, Limit.WILDCARDS, "/a*.bin")
    refused = get(site, "/README*", **BROWSER)
    assert refused.status_code == 429
    assert "Too many requests" in refused.text
    assert get(site, "/README.txt").status_code == 200


def log_in(site: Site, user: str, address: str) -> int:
    headers = {"X-Forwarded-For": address, **BROWSER}
    form = read_form(site.http.get("/login", headers=headers))
    return site.http.post(
        "/login", data={**form.fields, "user": user, "password": "wrong"}, headers=headers
    ).status_code


def test_passwords_of_one_user_are_not_guessed_from_many_addresses(site: Site) -> None:
    for number in range(RATES[Limit.LOGINS_OF_USER].burst):
        assert log_in(site, "alice", f"203.0.113.{number}") == 403
    assert log_in(site, "Alice ", NEIGHBOUR) == 429
    assert log_in(site, "bob", NEIGHBOUR) == 403


def test_many_users_are_not_tried_from_one_address_not_even_a_trusted_one(site: Site) -> None:
    for number in range(RATES[Limit.LOGINS].burst):
        assert log_in(site, f"user{number}", COLLEAGUE) == 403
    assert log_in(site, "another", COLLEAGUE) == 429
    assert log_in(site, "another", NEIGHBOUR) == 403


def test_answers_to_licences_are_limited(site: Site) -> None:
    headers = {"X-Forwarded-For": STRANGER, **BROWSER}
    page = site.http.get("/fw/boot.img", headers=headers, follow_redirects=True)
    form = read_form(page)
    for _ in range(RATES[Limit.LICENCES].burst):
        assert site.http.post("/license", data=form.fields, headers=headers).status_code == 403
    assert site.http.post("/license", data=form.fields, headers=headers).status_code == 429
