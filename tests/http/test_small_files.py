"""Small files of a directory, sent on the event loop: the same answers as by the full path, for the same people."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from app.auth.limits import RATES, Limit, Rate
from app.storage.local import at_once
from app.storage.local.at_once import QuickFile
from tests.support.answers import timeless
from tests.support.live_server import live_server, metrics_at, token
from tests.support.raw_http import exchange, parse_answer, request
from tests.support.site_trees import DirectoryTree
from tests.support.waiting import wait_until

POLICY = """
[[rule]]
path = "members"
tier = "private"
groups = ["staff"]
[[rule]]
path = "closed"
tier = "private"
groups = ["nobody"]
visibility = "hidden"
[[serve]]
path = "d/*.toml"
content_type = "application/toml"
"""
LICENCE = b"Be nice."


class DirectorySite(NamedTuple):
    tree: DirectoryTree
    client: httpx.Client
    port: int
    admin: str

    def is_quick(self, url: str, **headers: str) -> bool:
        """Whether plain requests take no look at the file by the store's threads. From the second one on, the answer may be
        a remembered one."""
        before = self.heads()
        for _ in range(3):
            assert self.client.get(url, headers=headers).status_code == 200
        return self.heads() == before

    def heads(self) -> float:
        """How many looks at files there were."""
        lines = metrics_at(self.admin).splitlines()
        wanted = 'pierhead_storage_call_duration_seconds_count{operation="head"'
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(wanted))


SETTINGS = {"cache_ttl": 600, "cache_grace": 60, "cache_max_stale": 600}


def plant(directory: DirectoryTree) -> None:
    for name in ("f.txt", "page.html", "conf.toml", "ümlaut; x.img", "a*.img"):
        directory.put(f"d/{name}", name.encode() * 100)
    directory.put("d/empty")
    directory.put("d/large.bin", bytes(100_000))
    directory.put("d/tomorrow", b"tomorrow", modified=time.time() + 86400)
    directory.put("eula/EULA.txt", LICENCE)
    directory.put("eula/x.img", b"x")
    directory.put("members/f", b"members")
    directory.put("closed/f", b"closed")
    directory.link("linked", "d")
    directory.link("d/link.txt", "d/f.txt")


@pytest.fixture
def site(directory: DirectoryTree) -> Iterator[DirectorySite]:
    plant(directory)
    others = {"cors_origins": ("https://flasher.example",), "trusted_proxies": ("127.0.0.1",)}
    app = directory.app(policy=POLICY, **others, **SETTINGS)
    with live_server(app) as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        for folder in ("/d/", "/eula/", "/", "/linked/"):
            client.get(folder)
        yield DirectorySite(directory, client, server.port, server.admin)


FIELDS = [
    (),
    (b"Accept-Encoding: gzip, br", b"Accept: text/html"),
    (b"If-None-Match: *",),
    (b"If-Modified-Since: Fri, 13 Feb 2099 23:31:30 GMT",),
    (b"Range: bytes=1-3",),
    (b"Range: bytes=1-3", b'If-Range: "none"'),
    (b"Authorization: Bearer nonsense",),
    (b"Origin: https://flasher.example",),
    (b"X-Forwarded-Prefix: /builds",),
]


@pytest.mark.parametrize("fields", FIELDS)
@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_every_answer_is_that_of_the_full_path(
    site: DirectorySite, monkeypatch: pytest.MonkeyPatch, method: bytes, fields: tuple[bytes, ...]
) -> None:
    targets = (
        *(b"/d/f.txt", b"/d/page.html", b"/d/conf.toml", b"/d/%C3%BCmlaut;%20x.img", b"/d/a*.img"),
        *(b"/d/a%2A.img", b"/d/empty", b"/d/large.bin", b"/d/none", b"/d/", b"/d/link.txt"),
        *(b"/eula/x.img", b"/eula/EULA.txt", b"/members/f", b"/closed/f", b"/linked/f.txt", b"/d/f.txt/"),
    )
    lines = (b"Host: test", *fields)
    asked = [
        method + b" " + target + b" HTTP/1.1\r\n" + b"\r\n".join(lines) + b"\r\n\r\n" for target in targets
    ]
    last = request(target=b"/healthz")
    quick = [one_of(site.port, head, last) for head in asked]
    monkeypatch.setattr(QuickFile, "read", lambda _: None)
    for head, answer in zip(asked, quick, strict=True):
        assert timeless(answer) == timeless(one_of(site.port, head, last)), head


def one_of(port: int, head: bytes, last: bytes) -> bytes:
    """The answer to a request on a connection that goes on, and what the last one is answered there."""
    return exchange(port, [head, last])


def test_a_small_file_of_a_known_folder_goes_out_at_once(site: DirectorySite) -> None:
    for url in ("/d/f.txt", "/d/page.html", "/d/conf.toml", "/d/%C3%BCmlaut;%20x.img"):
        assert site.is_quick(url), url
    for url in ("/d/large.bin", "/d/empty", "/d/tomorrow", "/d/link.txt"):
        assert not site.is_quick(url), url


def test_log_and_metrics_say_the_same(directory: DirectoryTree, capfd: pytest.CaptureFixture[str]) -> None:
    plant(directory)
    app = directory.app(policy=POLICY, log_level="info", log_format="json", **SETTINGS)
    with live_server(app) as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        for _ in range(2):
            client.get("/d/f.txt")
        metrics = server.metrics()
    lines = [line for line in capfd.readouterr().err.splitlines() if '"path":"/d/f.txt"' in line]
    first, second = (without_times(line) for line in lines)
    assert first == second
    assert (first["status"], first["bytes"]) == (200, 500)
    assert 'pierhead_download_duration_seconds_count{route="file-stream",status="200"} 2.0' in metrics
    assert 'pierhead_download_bytes_total{route="file-stream"} 1000.0' in metrics


def without_times(line: str) -> dict[str, object]:
    """What an access line says of the request itself. Only the full path gives it an id."""
    return {
        name: value
        for name, value in json.loads(line).items()
        if name not in {"timestamp", "seconds", "request_id"}
    }


def test_a_file_that_is_another_is_looked_at_anew(site: DirectorySite) -> None:
    assert site.is_quick("/d/f.txt")
    same_time = (site.tree.root / "d/f.txt").stat().st_mtime
    replacement = site.tree.root / "new"
    replacement.write_bytes(b"x" * 500)
    os.utime(replacement, (same_time, same_time))
    replacement.rename(site.tree.root / "d/f.txt")
    assert site.client.get("/d/f.txt").content == b"x" * 500
    site.tree.remove("d/f.txt")
    assert site.client.get("/d/f.txt").status_code == 404


def test_a_file_that_is_rewritten_in_place_is_looked_at_anew(site: DirectorySite) -> None:
    assert site.is_quick("/d/f.txt")
    place = site.tree.root / "d/f.txt"
    before = place.stat()

    def rewritten() -> bool:
        place.write_bytes(b"y" * 500)
        os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
        return place.stat().st_ctime_ns != before.st_ctime_ns

    assert wait_until(rewritten)
    assert site.client.get("/d/f.txt").content == b"y" * 500


def test_what_becomes_a_link_is_not_followed_unasked(site: DirectorySite) -> None:
    assert site.is_quick("/d/f.txt")
    (site.tree.root / "d").rename(site.tree.root / "members/d")
    (site.tree.root / "d").symlink_to("members/d")
    assert site.client.get("/d/f.txt").status_code == 401
    (site.tree.root / "d").unlink()
    (site.tree.root / "members/d").rename(site.tree.root / "d")
    (site.tree.root / "d/page.html").unlink()
    (site.tree.root / "d/page.html").symlink_to("../members/f")
    assert site.client.get("/d/page.html").status_code == 401


def test_a_member_is_answered_at_once_too_and_nobody_else_is_after(site: DirectorySite) -> None:
    member = f"Bearer {token('staff', now=time.time())}"
    stranger = f"Bearer {token('guests', now=time.time())}"
    site.client.get("/members/", headers={"Authorization": member})
    for _ in range(2):
        assert site.is_quick("/members/f", Authorization=member)
        assert site.client.get("/members/f").status_code == 401
        assert site.client.get("/members/f", headers={"Authorization": stranger}).status_code == 403


def test_new_rules_count_at_once_for_what_comes_with_them(site: DirectorySite) -> None:
    assert site.is_quick("/d/f.txt")
    site.tree.put("d/BUILD-INFO.txt", b"Format-Version: 0.5\nFiles-Pattern: *\nAuth-Groups: staff\n")
    site.tree.put("d/f.txt", b"secret")
    assert site.client.get("/d/f.txt").status_code == 401


def test_nothing_is_left_to_a_thread_that_a_proxy_is_to_send(directory: DirectoryTree) -> None:
    plant(directory)
    app = directory.app(delivery="accel", trusted_proxies=("127.0.0.1",), **SETTINGS)
    with live_server(app) as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        for _ in range(2):
            answer = client.get("/d/f.txt", headers={"X-Forwarded-For": "192.0.2.1"})
            assert answer.headers["x-accel-redirect"].endswith("/d/f.txt")


def test_who_asks_for_too_much_that_is_not_there_is_refused_here_too(
    directory: DirectoryTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RATES, Limit.MISSES, Rate(3, 1e-6))  # so that no time of the test allows another one
    plant(directory)
    app = directory.app(trusted_proxies=("127.0.0.1",), **SETTINGS)
    fields = {"X-Forwarded-For": "192.0.2.1"}
    with live_server(app) as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        for _ in range(3):
            assert client.get("/d/f.txt", headers=fields).status_code == 200
        statuses = [client.get(f"/d/none-{number}", headers=fields).status_code for number in range(4)]
        assert statuses == [404, 404, 404, 429]
        assert client.get("/d/f.txt", headers=fields).status_code == 429


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOSYS, errno.EPERM, errno.ELOOP])
def test_what_the_system_does_not_do_at_once_is_done_in_a_thread(
    site: DirectorySite, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refused(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(at_once, "_openat2", refused)
    assert not site.is_quick("/d/f.txt")


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EOPNOTSUPP])
def test_what_is_not_in_memory_is_read_in_a_thread(
    site: DirectorySite, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refused(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "preadv", refused)
    assert not site.is_quick("/d/f.txt")


def test_what_is_in_memory_in_part_is_read_in_a_thread(
    site: DirectorySite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "preadv", lambda *_: 1)
    assert not site.is_quick("/d/f.txt")
    assert parse_answer(exchange(site.port, request(target=b"/d/f.txt"))).body == b"f.txt" * 100


def test_a_root_behind_links_has_quick_files_too(directory: DirectoryTree, tmp_path: Path) -> None:
    directory.put("one/d/f.txt", b"one")
    directory.put("two/d/f.txt", b"two")
    (tmp_path / "current").symlink_to("one")
    app = DirectoryTree(tmp_path / "current").app(**SETTINGS)
    with live_server(app) as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        site = DirectorySite(directory, client, server.port, server.admin)
        client.get("/d/")
        assert site.is_quick("/d/f.txt")
        (tmp_path / "current").unlink()
        (tmp_path / "current").symlink_to("two")
        assert client.get("/d/f.txt").text == "two"
