"""A site below a path of its host, behind a real nginx that passes the path on, and behind one that takes it off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.answers import BROWSER, member
from tests.support.crawl import crawl
from tests.support.live_server import app_over, live_server
from tests.support.memory_store import MemoryStore
from tests.support.published_tree import EVERYTHING, POLICY
from tests.support.shared_caches import run_nginx
from tests.support.site_trees import http_client

NGINX = """
server {{
    listen 127.0.0.1:@PORT@;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $remote_addr;
    location = /ready {{ return 200; }}
    location /whole/ {{
        proxy_set_header X-Forwarded-Prefix "";
        proxy_pass http://127.0.0.1:{own};
    }}
    location /bare/ {{
        proxy_set_header X-Forwarded-Prefix "";
        proxy_pass http://127.0.0.1:{bare}/;
    }}
    location /told/deeper/ {{
        proxy_set_header X-Forwarded-Prefix /told/deeper;
        proxy_pass http://127.0.0.1:{own}/;
    }}
}}
"""


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    store = MemoryStore()
    for path, content in EVERYTHING.items():
        store.put(path, content)
    store.put("latest/.s3_linked_from", b"tree/nested")
    store.put("whole/of/its/own.txt", b"own")
    settings: dict[str, Any] = {
        "policy": POLICY,
        "trusted_proxies": ("127.0.0.1",),
        "demo_login_groups": ("staff",),
    }
    directory: Path = tmp_path_factory.mktemp("root-path") / "nginx"
    with (
        live_server(app_over(store, root_path="/whole", **settings)) as own,
        live_server(app_over(store, root_path="/bare", **settings)) as bare,
        run_nginx(directory, NGINX.format(own=own.port, bare=bare.port), "/ready") as front,
    ):
        yield front.url


@pytest.mark.parametrize("root_path", ["/whole", "/bare", "/told/deeper"])
def test_no_url_leads_out_of_the_root_path(nginx: str, root_path: str) -> None:
    with http_client(nginx, headers=member("staff")) as http:
        found = crawl(http, f"{root_path}/")
        found |= crawl(http, f"{root_path}/latest/") | crawl(http, f"{root_path}/api/v1/manifest/")
        outside = {url: page for url, page in found.items() if not _is_below(url, root_path)}
        assert not outside
        assert f"{nginx}{root_path}/tree/members/plan.txt" in found
        assert http.get(f"{root_path}/whole/of/its/own.txt").content == b"own"
        style_sheet = next(url for url in found if url.endswith(".css"))
        assert http.get(style_sheet).status_code == 200


@pytest.mark.parametrize("root_path", ["/whole", "/bare", "/told/deeper"])
def test_a_folder_without_its_slash_is_found(nginx: str, root_path: str) -> None:
    with http_client(nginx, headers=BROWSER) as http:
        answer = http.get(f"{root_path}/tree")
        assert (answer.status_code, answer.headers["location"]) == (301, f"{root_path}/tree/")


def _is_below(url: str, root_path: str) -> bool:
    return f"{unquote(urlsplit(url).path)}/".startswith(f"{root_path}/")
