"""Several sites in one process: each answers to its host names, with its own tree, policy, title and keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest

from tests.support.answers import problem
from tests.support.raw_http import exchange
from tests.support.several_sites import (
    ALIAS,
    SITES,
    Fields,
    application,
    both_sites,
    link_at,
    plant,
    settings_of,
    with_acceptance,
    with_session,
    with_token,
)
from tests.support.site_trees import SiteClient, client_of

HTML = {"Accept": "text/html"}
A, B = SITES
SPELLINGS = (B, B.upper(), f"{B}:8443", f"{B}.", f"{B}.:80", ALIAS)


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteClient]:
    with both_sites(tmp_path_factory.mktemp("sites")) as client:
        yield client


@pytest.fixture(scope="module")
def with_main(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteClient]:
    """The same server with a site outside the tables."""
    directory = tmp_path_factory.mktemp("main")
    plant(directory)
    (directory / "main").mkdir()
    (directory / "main/f.txt").write_text("content of the main site\n")
    text = settings_of(directory, f'log_level = "error"\nstorage = "{directory}/main"')
    with client_of(application(directory, text)) as client:
        yield client


@pytest.mark.parametrize("host", SPELLINGS)
def test_a_site_answers_to_its_names_however_they_are_spelled(http: SiteClient, host: str) -> None:
    for _ in range(2):  # the second time from memory
        assert http.get("/f.txt", headers={"Host": host}).text == f"content of {B}\n"
        page = http.get("/", headers={"Host": host, **HTML}).text
        assert f"of-{B}" in page
        assert f"Title of {B}" in page
        assert A not in page


@pytest.mark.parametrize("path", ["/", "/f.txt", "/login", "/api/ls/", "/-/static/pierhead.css", "/-/tree/"])
@pytest.mark.parametrize("host", ["example.org", f"{A}.evil.example", "127.0.0.1", "default"])
def test_other_names_are_refused(http: SiteClient, host: str, path: str) -> None:
    assert problem(http.get(path, headers={"Host": host})) == (421, "misdirected-host")


def test_a_request_without_a_name_is_refused_too(http: SiteClient) -> None:
    answer = exchange(int(http.base_url.port or 0), b"GET /f.txt HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 421 ")
    assert b"content of" not in answer


def test_probes_come_by_address_and_are_about_all_sites(http: SiteClient) -> None:
    assert http.get("/healthz").json() == {"status": "ok"}
    assert http.get("/readyz").json() == {
        "status": "ready",
        "sites": {site: {"status": "ready"} for site in SITES},
    }
    assert http.get("/metrics").status_code == 403


def test_the_main_site_answers_to_all_other_names(with_main: SiteClient) -> None:
    for _, host in product(range(2), ("example.org", "127.0.0.1")):
        assert with_main.get("/f.txt", headers={"Host": host}).text == "content of the main site\n"
    for _, host in product(range(2), SITES):
        assert with_main.get("/f.txt", headers={"Host": host}).text == f"content of {host}\n"
    assert set(with_main.get("/readyz").json()["sites"]) == {"default", *SITES}


def test_only_host_names_the_site_and_a_whole_url_counts_before_it(http: SiteClient) -> None:
    forged = {"Host": B, "X-Forwarded-Host": A, "Forwarded": f"host={A}"}
    assert http.get("/f.txt", headers=forged).text == f"content of {B}\n"
    port = int(http.base_url.port or 0)
    head = f"GET http://{A}/f.txt HTTP/1.1\r\nHost: {B}\r\nConnection: close\r\n\r\n"
    assert exchange(port, head.encode()).endswith(f"content of {A}\n".encode())
    twice = f"GET /f.txt HTTP/1.1\r\nHost: {A}\r\nHost: {B}\r\nConnection: close\r\n\r\n"
    assert exchange(port, twice.encode()).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(("own", "other"), [(A, B), (B, A)])
@pytest.mark.parametrize(
    ("credentials", "path", "refused"),
    [
        (with_token, "/members/plan.txt", {401}),
        (with_token, "/members/", {401}),
        (with_session, "/members/plan.txt", {401}),
        (with_acceptance, "/licensed/board.img", {403}),
    ],
)
def test_what_one_site_has_signed_is_worth_nothing_at_another(
    http: SiteClient,
    credentials: Callable[[str], Fields],
    path: str,
    refused: set[int],
    own: str,
    other: str,
) -> None:
    fields = credentials(own)
    for _ in range(2):
        assert http.get(path, headers={"Host": own, **fields}).status_code == 200
        assert http.get(path, headers={"Host": other, **fields}).status_code in refused


def test_a_link_opens_its_file_at_its_own_site_only(http: SiteClient) -> None:
    url = link_at(A, "members/plan.txt")
    assert http.get(url, headers={"Host": A}).text == f"content of {A}\n"
    assert http.get(url, headers={"Host": B}).status_code == 401


def test_the_main_site_has_the_keys_of_a_server_of_one_site(with_main: SiteClient) -> None:
    fields = {"Host": "example.org", **with_token("")}
    assert with_main.get("/f.txt", headers=fields).status_code == 200
    assert with_main.get("/f.txt", headers=fields | {"Host": A}).status_code == 401
    assert with_main.get("/f.txt", headers={"Host": "example.org", **with_token(A)}).status_code == 401


def test_whole_urls_are_of_the_site(http: SiteClient) -> None:
    for _, host in product(range(2), SITES):
        feed = http.get("/?format=atom", headers={"Host": host}).text
        assert set(re.findall(r"[ab]\.example\.org", feed)) == {host}


def test_each_has_its_share_of_the_cache(http: SiteClient) -> None:
    caches = [
        site["cache"] for site in http.get(f"{http.admin}/-/state").json()["workers"][0]["sites"].values()
    ]
    assert [cache["max_bytes"] for cache in caches] == [128 * 1024 * 1024] * 2


def test_one_site_takes_no_memory_from_another(tmp_path: Path) -> None:
    with both_sites(tmp_path, 'cache_bytes = 400_000\nlog_level = "error"') as client:
        client.get("/", headers={"Host": A})

        def held(site: str) -> int:
            state = client.get(f"{client.admin}/-/state").json()
            return int(state["workers"][0]["sites"][site]["cache"]["values"])

        before = held(A)
        for number in range(60):
            (tmp_path / B / f"d{number}").mkdir()
            (tmp_path / B / f"d{number}" / ("x" * 200)).touch()
            client.get(f"/d{number}/", headers={"Host": B})
        assert held(B) < 120  # two for each folder, did they fit
        assert held(A) == before > 0


def test_stores_are_told_apart_in_the_metrics(http: SiteClient) -> None:
    for site in SITES:
        assert f'store="{site}/primary"' in http.metrics()


def test_what_nginx_is_told_names_the_site(tmp_path: Path) -> None:
    head = 'log_level = "error"\ndelivery = "accel"\ntrusted_proxies = ["127.0.0.1"]'
    with both_sites(tmp_path, head) as client:
        for site in SITES:
            fields = {"Host": site, "X-Forwarded-For": "203.0.113.9"}
            answer = client.get("/f.txt", headers=fields)
            assert answer.headers["x-accel-redirect"] == f"/-/accel/file/{site}/primary/f.txt"
