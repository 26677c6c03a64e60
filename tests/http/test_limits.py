"""Who asks too often is told when to come again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from app.auth.limits import RATES, Limit
from tests.support.answers import BROWSER, problem
from tests.support.clocks import Clock
from tests.support.licence_form import read_form
from tests.support.live_server import app_over, live_server
from tests.support.login_sites import POLICY
from tests.support.memory_store import MemoryStore
from tests.support.site_trees import http_client

STRANGER = "203.0.113.7"
NEIGHBOUR = "203.0.113.8"
COLLEAGUE = "198.51.100.1"
LICENSED = b"Format-Version: 0.5\nFiles-Pattern: *\nLicense-Type: protected\nLicense-Text: Be kind.\n"


class Site(NamedTuple):
    client: httpx.Client
    clock: Clock

    def get(self, path: str, address: str = STRANGER, **headers: str) -> httpx.Response:
        return self.client.get(path, headers={"X-Forwarded-For": address, **headers})

    def use_up(self, limit: Limit, path: str, address: str = STRANGER) -> None:
        """Ask as often as one may."""
        for _ in range(RATES[limit].burst):
            assert self.get(path, address).status_code == 404


@pytest.fixture
def site() -> Iterator[Site]:
    store, clock = MemoryStore(), Clock()
    for path in ("README.txt", "a1.bin", "a2.bin", "vault/secret.txt", "fw/boot.img"):
        store.put(path, b"content")
    store.put("fw/BUILD-INFO.txt", LICENSED)
    app = app_over(
        store,
        policy=POLICY,
        clock=clock,
        demo_login_groups=("staff",),
        trusted_proxies=("127.0.0.1",),
        trusted_networks=("198.51.100.0/24",),
    )
    with live_server(app) as server, http_client(server.url) as client:
        yield Site(client, clock)


@pytest.mark.parametrize(
    "path", ["/absent.txt", "/vault/secret.txt", "/api/ls/absent", "/api/v1/manifest/absent/"]
)
def test_who_asks_for_too_much_that_is_not_there_has_to_wait(site: Site, path: str) -> None:
    site.use_up(Limit.MISSES, path)
    refused = site.get(path)
    assert problem(refused) == (429, "too-many-requests")
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["cache-control"] == "no-store"
    assert site.get("/README.txt").status_code == 429, "the storage was asked"
    assert site.get("/README.txt", NEIGHBOUR).status_code == 200
    site.clock.now += 1
    assert site.get("/README.txt").status_code == 200


def test_what_is_hidden_is_refused_as_what_is_absent(site: Site) -> None:
    site.use_up(Limit.MISSES, "/absent.txt")
    hidden, absent = site.get("/vault/secret.txt"), site.get("/vault/absent.txt")
    assert (hidden.status_code, hidden.content) == (absent.status_code, absent.content)


def test_nobody_gets_around_a_limit_by_a_hidden_address(site: Site) -> None:
    for _ in range(RATES[Limit.MISSES].burst // 2):
        assert site.get("/absent.txt", "unknown").status_code == 404
        assert site.get("/absent.txt", STRANGER, Forwarded="for=127.0.0.1").status_code == 404
    assert site.get("/README.txt", "unknown").status_code == 429
    assert site.get("/README.txt").status_code == 200


def test_the_hosts_of_one_ipv6_network_are_one_client(site: Site) -> None:
    site.use_up(Limit.MISSES, "/absent.txt", "2001:db8::1")
    assert site.get("/README.txt", "2001:db8::ffff:2").status_code == 429
    assert site.get("/README.txt", "2001:db8:0:1::1").status_code == 200


@pytest.mark.parametrize("address", [COLLEAGUE, "127.0.0.1"])
def test_trusted_networks_and_this_host_may_ask_for_anything(site: Site, address: str) -> None:
    site.use_up(Limit.MISSES, "/absent.txt", address)
    assert site.get("/absent.txt", address).status_code == 404


def test_wildcards_are_limited_and_browsers_get_a_page(site: Site) -> None:
    site.use_up(Limit.WILDCARDS, "/a*.bin")
    refused = site.get("/README*", **BROWSER)
    assert refused.status_code == 429
    assert "Too many requests" in refused.text
    assert site.get("/README.txt").status_code == 200


def log_in(site: Site, user: str, address: str) -> int:
    headers = {"X-Forwarded-For": address, **BROWSER}
    form = read_form(site.client.get("/login", headers=headers))
    return site.client.post(
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
    page = site.client.get("/fw/boot.img", headers=headers, follow_redirects=True)
    form = read_form(page)
    for _ in range(RATES[Limit.LICENCES].burst):
        assert site.client.post("/license", data=form.fields, headers=headers).status_code == 403
    assert site.client.post("/license", data=form.fields, headers=headers).status_code == 429
