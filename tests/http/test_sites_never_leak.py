"""Nothing of one site is ever answered at another, whatever was asked before and however it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest

from app.auth import keys
from app.cache.byte_cache import ByteCache
from app.server.hosts import Hosts
from app.server.sites import Door, SiteSwitch
from app.wiring import served_site
from tests.support.several_sites import SITES, Fields, both_sites, with_acceptance, with_session, with_token
from tests.support.site_trees import SiteClient

PATHS: Final = (
    "/", "/?format=json", "/?format=csv", "/?format=atom", "/f.txt", "/members/", "/members/plan.txt",
    "/licensed/?format=json", "/licensed/board.img", "/api/ls/", "/-/tree/f.txt", "/?q=of", "/absent.txt",
)  # fmt: skip
CREDENTIALS: Final[dict[str, Callable[[str], Fields]]] = {
    "none": lambda site: {},
    "token": with_token,
    "session": with_session,
    "acceptance": with_acceptance,
}
SLOWLY: Final = {"X-Not-Known": "1"}
"""A field that the fast path does not know."""


def breaches(http: SiteClient) -> Iterator[str]:
    """Ask everything at each site in turn, again and again. Yields what was answered that must not be."""
    for path, (name, fields_of), of in product(PATHS, CREDENTIALS.items(), SITES):
        fields = fields_of(of)
        for slowly, site in product(({}, {}, SLOWLY), SITES):
            answer = http.get(path, headers={"Host": site, "Accept": "text/html;q=0.5", **slowly, **fields})
            said = f"{path} at {site} with {name} of {of}: {answer.status_code}"
            others = [other for other in SITES if other != site and other in answer.text]
            if others:
                yield f"{said} names {others}"
            is_in = "members" in path and answer.status_code == 200
            if is_in and not (of == site and name in ("token", "session")):
                yield f"{said} and is no member"
            if (
                path == "/licensed/board.img"
                and answer.status_code == 200
                and (of, name) != (site, "acceptance")
            ):
                yield f"{said} and has accepted nothing"
            if path == "/f.txt" and answer.status_code != 200 and not (name == "token" and of != site):
                yield said


def test_every_answer_is_of_the_site_that_was_asked(tmp_path: Path) -> None:
    with both_sites(tmp_path) as http:
        assert list(breaches(http)) == []


def one_cache_for_all(patch: pytest.MonkeyPatch) -> None:
    """As if keys of what is kept did not name the site."""
    only = ByteCache(2**24)
    patch.setattr(served_site, "ByteCache", lambda max_bytes: only)


def one_site_for_all_hosts(patch: pytest.MonkeyPatch) -> None:
    def careless(self: SiteSwitch, host: bytes) -> Door:
        return next(iter(self._doors.values()))

    patch.setattr(SiteSwitch, "_door", careless)
    patch.setattr(Hosts, "__call__", lambda self, value: True)


def one_set_of_keys_for_all(patch: pytest.MonkeyPatch) -> None:
    real = keys._derive

    def careless(secret: str, use: str) -> Any:
        return real(secret, use.split()[0])

    patch.setattr(keys, "_derive", careless)


@pytest.mark.parametrize("break_it", [one_cache_for_all, one_site_for_all_hosts, one_set_of_keys_for_all])
def test_a_server_that_mixes_sites_up_does_not_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, break_it: Callable[[pytest.MonkeyPatch], None]
) -> None:
    break_it(monkeypatch)
    with both_sites(tmp_path) as http:
        assert any(breaches(http))


def test_the_switch_alone_does_not_keep_sites_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site looks again whether the host is its own: a request that goes to the wrong one is refused."""
    monkeypatch.setattr(SiteSwitch, "_door", lambda self, host: next(iter(self._doors.values())))
    with both_sites(tmp_path) as http:
        assert [http.get("/f.txt", headers={"Host": site}).status_code for site in SITES] == [200, 421]
