"""Links that open one private file: what they open, and what ends them."""

from __future__ import annotations

import hashlib
import html
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from app.auth.keys import KeyRing, Purpose
from app.auth.links import Links
from app.auth.networks import parse_networks
from app.auth.revocation import NOTHING_REVOKED, READ_SECONDS
from app.cli import main
from app.domain.paths import ArtifactPath
from tests.support.answers import BROWSER, SCRIPT, all_of, member, problem
from tests.support.clocks import Clock
from tests.support.licence_form import leads_to, read_form
from tests.support.live_server import SECRET, app_over, live_server
from tests.support.login_sites import START
from tests.support.memory_store import MemoryStore
from tests.support.site_policies import MEMBERS_AND_VAULT
from tests.support.site_trees import http_client

FILE = "/members/plan.txt"
HIDDEN = "/vault/secret.txt"
LICENCE = b"Be nice."
DIGEST = hashlib.md5(LICENCE, usedforsecurity=False).hexdigest()
NEWER = "a newer key that has at least thirty-two characters"
ELSEWHERE = "https://bucket.s3.example"


def link_to(path: str, *, life: int = 3600, secret: str = SECRET, networks: tuple[str, ...] = ()) -> str:
    """The URL of a file with a link that holds from `START` on."""
    real = ArtifactPath.from_text(path)
    made = Links(KeyRing([secret]), NOTHING_REVOKED)
    return made.make(real, expires=int(START) + life, networks=parse_networks(networks)).url(real)


class LinkSite:
    """A site with private files, and an audit log."""

    def __init__(self, tmp_path: Path) -> None:
        self.clock = Clock()
        self.clock.now = START
        self.audit = tmp_path / "audit"
        self.store = MemoryStore(presign_base=ELSEWHERE)
        for path in (
            FILE,
            "/members/other.txt",
            "/members/BUILD-INFO.txt.d/x",
            HIDDEN,
            "/members/EULA/x",
            "/f",
        ):
            self.store.put(path[1:], b"0123456789")
        self.store.put("members/EULA/EULA.txt", LICENCE)

    def serve(self, **settings: Any) -> Any:
        """The site with other settings."""
        defaults: dict[str, Any] = {
            "audit_file": self.audit,
            "delivery": "proxy",
            "demo_login_groups": ("staff",),
        }
        app = app_over(self.store, policy=MEMBERS_AND_VAULT, wall_clock=self.clock, **defaults | settings)
        return live_server(app)

    def events(self) -> list[dict[str, Any]]:
        return (
            [json.loads(line) for line in self.audit.read_text().splitlines()] if self.audit.exists() else []
        )


@pytest.fixture
def site(tmp_path: Path) -> LinkSite:
    return LinkSite(tmp_path)


@pytest.fixture
def client(site: LinkSite) -> Iterator[httpx.Client]:
    with site.serve() as server, http_client(server.url, headers=SCRIPT) as client:
        yield client


@pytest.mark.parametrize("path", [FILE, HIDDEN])
def test_a_link_opens_its_file_in_every_way(client: httpx.Client, site: LinkSite, path: str) -> None:
    url = link_to(path)
    whole = client.get(url)
    assert (whole.status_code, whole.content) == (200, b"0123456789")
    assert whole.headers["cache-control"] == "private, no-store"
    assert client.get(url, headers={"Range": "bytes=2-3"}).content == b"23"
    head = client.head(url)
    assert (head.status_code, head.headers["content-length"]) == (200, "10")
    assert client.get(url, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    value = urlsplit(url).query.removeprefix("link=")
    assert [(line["event"], line["method"]) for line in site.events()] == [
        ("link_used", method) for method in ("GET", "GET", "HEAD", "GET")
    ]
    assert value not in site.audit.read_text()


@pytest.mark.parametrize("path", ["/members/plan.txt", "/members/plan.png"])
def test_a_page_that_shows_its_file_leads_to_it_by_the_link(
    client: httpx.Client, site: LinkSite, path: str
) -> None:
    site.store.put(path[1:], b"0123456789")
    page = client.get(f"{link_to(path)}&view=1").text
    found = [html.unescape(url) for url in re.findall(r'(?:href|src)="([^"]*link=[^"]*)"', page)]
    assert len(found) == (2 if path.endswith("png") else 1)
    for url in found:
        assert client.get(url).content == b"0123456789"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_it_is_for_reading_alone(client: httpx.Client, method: str) -> None:
    assert client.request(method, link_to(FILE)).status_code == 405


@pytest.mark.parametrize(
    "path",
    ["/members/other.txt", "/members/", "/members", "/", "/f", "/members/none.txt", "/members/plan*", "/vault/",
     HIDDEN, "/vault/none", "/members/BUILD-INFO.txt", "/members/EULA/EULA.txt", "/none", "/members/plan.txt/"],
)  # fmt: skip
@pytest.mark.parametrize("headers", [SCRIPT, BROWSER])
def test_it_opens_nothing_else(client: httpx.Client, path: str, headers: dict[str, str]) -> None:
    query = urlsplit(link_to(FILE)).query
    for parameters in (query, f"x=1&{query}", query.replace("link=", "l%69nk=")):
        kept = "?x=1" if "x=1" in parameters else ""
        with_it = client.get(f"{path}?{parameters}", headers=headers)
        assert all_of(with_it) == all_of(client.get(path + kept, headers=headers)), path


@pytest.mark.parametrize("path", ["/members/EULA/EULA.txt", "/vault/none", "/members/*.txt"])
def test_a_link_to_what_is_not_served_shows_nothing(client: httpx.Client, path: str) -> None:
    assert all_of(client.get(link_to(path))) == all_of(client.get(path))


def test_a_link_whose_file_is_gone_says_so(client: httpx.Client) -> None:
    assert problem(client.get(link_to("/members/none.txt"))) == (404, "not-found")


def altered(url: str) -> str:
    head, dot, signature = url.rpartition(".")
    return head + dot + ("A" if signature[0] != "A" else "B") + signature[1:]


def as_token() -> str:
    """What was signed for something else."""
    claims = {"jti": "a", "path": "", "exp": START + 60, "networks": [], "method": "GET"}
    return f"{FILE}?link={KeyRing([SECRET]).sign(Purpose.ACCESS, claims)}"


@pytest.mark.parametrize("path", [FILE, HIDDEN])
@pytest.mark.parametrize("headers", [SCRIPT, BROWSER])
def test_what_does_not_hold_is_as_good_as_no_link(
    client: httpx.Client, site: LinkSite, path: str, headers: dict[str, str]
) -> None:
    bad = [
        link_to(path, life=0),
        link_to(path, secret=NEWER),
        link_to(path, networks=("192.0.2.0/24",)),
        altered(link_to(path)),
        as_token().replace(FILE, path),
        f"{path}?link=",
        f"{path}?link=%FF%00",
        f"{path}?link=" + "x" * 9000,
    ]
    plain = all_of(client.get(path, headers=headers))
    assert plain[0] == (404 if path == HIDDEN else 401)
    for url in bad:
        assert all_of(client.get(url, headers=headers)) == plain, url
    assert site.events() == []


def test_it_ends_on_time_and_is_for_its_network(client: httpx.Client, site: LinkSite) -> None:
    url = link_to(FILE, life=60, networks=("127.0.0.0/8",))
    site.clock.now += 59
    assert client.get(url).status_code == 200
    site.clock.now += 1
    assert client.get(url).status_code == 401


def test_keys_rotate_and_a_link_ends_with_its_own(site: LinkSite) -> None:
    url = link_to(FILE)
    for keys, epoch, status in (
        ((NEWER, SECRET), 0, 200),
        ((SECRET,), 7, 200),  # it is no login
        ((NEWER,), 0, 401),
    ):
        with (
            site.serve(secret_keys=keys, session_epoch=epoch) as server,
            http_client(server.url, headers=SCRIPT) as client,
        ):
            assert client.get(url).status_code == status


def test_it_can_be_revoked(site: LinkSite, tmp_path: Path) -> None:
    revoked = tmp_path / "revoked"
    revoked.touch()
    url = link_to(FILE)
    with site.serve(revoked_file=revoked) as server, http_client(server.url, headers=SCRIPT) as client:
        assert client.get(url).status_code == 200
        (used,) = site.events()
        revoked.write_text(used["id"])
        site.clock.now += READ_SECONDS
        assert all_of(client.get(url)) == all_of(client.get(FILE))
        revoked.unlink()
        site.clock.now += 60
        assert problem(client.get(url)) == (503, "revocations-unknown")
    last = site.events()[-1]
    assert (last["event"], last["kind"], last["id"], last["path"]) == (
        "revoked_used",
        "link",
        used["id"],
        FILE,
    )


def test_a_redirect_to_the_storage_ends_with_the_link(site: LinkSite) -> None:
    with (
        site.serve(delivery="auto", storage="s3://bucket", presign_seconds=100) as server,
        http_client(server.url, headers=SCRIPT) as client,
    ):
        assert client.get(link_to(FILE, life=120)).headers["location"].startswith(ELSEWHERE)
        for url in (link_to(FILE, life=119), link_to(HIDDEN, life=1)):
            assert client.get(url).content == b"0123456789"
        assert client.get(FILE).status_code == 401  # nothing was kept of it


def test_a_licence_has_to_be_accepted_all_the_same(client: httpx.Client) -> None:
    url = link_to("/members/EULA/x")
    answer = client.get(url)
    assert problem(answer) == (403, "licence-required")
    assert client.get(answer.json()["licences"][0]["text_url"], headers=BROWSER).status_code == 200
    assert client.get(url, headers={"License-Accepted": DIGEST}).content == b"0123456789"
    page = client.get(client.get(url, headers=BROWSER).headers["location"], headers=BROWSER)
    accepted = read_form(page).send(client)
    assert leads_to(accepted) == url
    assert client.get(url, headers=BROWSER).content == b"0123456789"
    assert client.get("/members/EULA/x", headers=BROWSER).status_code == 401


def test_it_adds_to_what_somebody_may_have_already(client: httpx.Client, site: LinkSite) -> None:
    guest = member("guests", expires=START + 60)
    assert client.get(FILE, headers=guest).status_code == 403
    assert client.get(link_to(FILE), headers=guest).status_code == 200
    assert client.get(link_to("/f")).status_code == 200  # a public file needs none


# --- pierhead link -----------------------------------------------------------------------------------


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pierhead.toml").write_text(
        f'secret_keys = ["{SECRET}"]\nsite_hosts = ["a.example", "b.example"]\n'
    )


def test_the_command_prints_a_url_that_works(
    configured: None, site: LinkSite, capsys: pytest.CaptureFixture[str]
) -> None:
    site.clock.now = time.time()
    assert main(["link", FILE, "--expires", "2d", "--network", "127.0.0.0/8", "::1"]) == 0
    url = capsys.readouterr().out.strip()
    assert url.startswith(f"https://a.example{FILE}?link=")
    with site.serve() as server, http_client(server.url) as client:
        path = url.removeprefix("https://a.example")
        assert client.get(path).status_code == 200
        site.clock.now += 2 * 86400
        assert client.get(path).status_code == 401
    assert main(["link", "x y.txt", "--expires", "1h", "--site", "http://c.example:8000/"]) == 0
    assert capsys.readouterr().out.startswith("http://c.example:8000/x%20y.txt?link=")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/members/", "--expires", "2d"], "must be the path of a file, without a slash at its end"),
        (["/", "--expires", "2d"], "must be the path of a file"),
        (["/a/EULA.txt", "--expires", "2d"], "must not be a control file"),
        (["/a/../b", "--expires", "2d"], "a path has no empty, '.' or '..' segment"),
        (["/a", "--expires", "soon"], "must be a positive whole number followed by s, m, h, d or w"),
        (["/a", "--expires", "1d", "--network", "here"], "must be a network such as"),
        (
            ["/a", "--expires", "1d", "--site", "b.example"],
            "must be a URL such as https://releases.example.org",
        ),
    ],
)
def test_the_command_says_what_is_wrong(
    configured: None, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["link", *arguments])
    assert said in capsys.readouterr().err


def test_without_keys_there_are_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["link", "/a", "--expires", "1d"]) == 2
    assert "secret_keys: must be set to create links" in capsys.readouterr().err
