"""nginx as docs/operations.md has it, in front of a site at an unusual port."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.support.answers import BROWSER
from tests.support.fake_provider import FakeProvider, fake_provider
from tests.support.live_server import app_over, live_server
from tests.support.login_sites import oidc_settings
from tests.support.memory_store import MemoryStore
from tests.support.shared_caches import run_nginx
from tests.support.site_policies import MEMBERS
from tests.support.site_trees import http_client

GUIDE = (Path(__file__).parents[2] / "docs/operations.md").read_text()
LOGIN = "/login?return=/members/"
FORGED = "evil.example"


def documented(port: int) -> str:
    """The first configuration of the guide, without TLS, and with this machine's places in it."""
    (text,) = re.findall(r"^nginx:\n\n```nginx\n(.*?)```", GUIDE, re.MULTILINE | re.DOTALL)
    text = re.sub(r" *ssl_certificate.*\n", "", text)
    for old, new in (
        ("listen 443 ssl;", "listen 127.0.0.1:@PORT@;"),
        ("127.0.0.1:8000", f"127.0.0.1:{port}"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with fake_provider() as made:
        yield made


@pytest.fixture
def client(provider: FakeProvider, tmp_path: Path) -> Iterator[httpx.Client]:
    store = MemoryStore()
    store.put("members/plan.txt", b"content")
    app = app_over(
        store,
        policy=MEMBERS,
        trusted_proxies=("127.0.0.1",),
        site_hosts=("127.0.0.1",),
        **oidc_settings(provider),
    )
    with (
        live_server(app) as server,
        run_nginx(tmp_path / "nginx", documented(server.port), "/healthz") as nginx,
        http_client(nginx.url, headers=BROWSER) as http,
    ):
        yield http


def redirect_uri(answer: httpx.Response) -> str:
    assert answer.status_code == 303, answer.text
    (uri,) = parse_qs(urlsplit(answer.headers["location"]).query)["redirect_uri"]
    return uri


def test_a_login_comes_back_to_the_port_that_it_began_at(client: httpx.Client) -> None:
    site = str(client.base_url).rstrip("/")
    assert urlsplit(site).port
    assert redirect_uri(client.get(LOGIN)) == f"{site}/login/callback"


def test_nobody_is_sent_to_a_host_that_a_client_has_made_up(client: httpx.Client) -> None:
    for host in (FORGED, f"{FORGED}:80", f"127.0.0.1.{FORGED}", f"127.0.0.1@{FORGED}", f"{FORGED}#127.0.0.1"):
        answer = client.get(LOGIN, headers={"Host": host})
        assert answer.status_code in (400, 421), host
        assert FORGED not in answer.headers.get("location", "")
    answer = client.get(LOGIN, headers={"X-Forwarded-Host": FORGED, "Forwarded": f"host={FORGED}"})
    assert urlsplit(redirect_uri(answer)).hostname == "127.0.0.1"
