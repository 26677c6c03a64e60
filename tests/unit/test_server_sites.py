"""Several sites in one process: whose memory a request is answered from, and which application answers it otherwise."""

from __future__ import annotations

from typing import Any, Final

import pytest
from starlette.types import Receive, Scope, Send

from app.server.fast_path import MISSED
from app.server.sites import Door, SiteRequest, SiteSwitch

PEER: Final = ("203.0.113.1", 40000)


class Site:
    """A site that notes what it is asked, and remembers every page but those of `/absent/`."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.answered: list[object] = []

    def read(self, head: bytes, client: tuple[str, int] | None, scheme: str) -> Any:
        return None if b"/absent/" in head else (head, client, scheme)

    def answer(self, request: object, write: object) -> bool:
        self.answered.append(request)
        return True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)


ONE: Final[Any] = Site()
OTHER: Final[Any] = Site()
SWITCH: Final = SiteSwitch(
    {"one.example": Door(ONE, ONE), "slow.example": Door(ONE, None)}, other=Door(OTHER, OTHER)
)


def head(host: str, path: str = "/a/") -> bytes:
    return f"GET {path} HTTP/1.1\r\n{host}\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("Host: one.example", ONE),
        ("hOST:\t ONE.example:8080 ", ONE),
        ("Host: elsewhere.example", OTHER),
        ("Host: one.example\r\nHost: elsewhere.example", ONE),
    ],
)
def test_a_request_is_read_and_answered_by_the_site_of_its_host(host: str, site: Any) -> None:
    read: Any = (head(host), PEER, "https")
    request = SWITCH.read(*read)
    assert request == SiteRequest(site, read)
    assert SWITCH.answer(request, lambda *_: None)
    assert site.answered.pop() == request.request


@pytest.mark.parametrize(
    "asked", [head("Host: one.example", "/absent/"), head("Host: slow.example"), head("X-Host: one.example")]
)
def test_what_no_site_can_answer_at_once_is_left_to_the_full_path(asked: bytes) -> None:
    assert SWITCH.read(asked, PEER, "http") is None


@pytest.mark.parametrize(
    ("hosts", "site"),
    [(["one.example"], ONE), (["elsewhere.example"], OTHER), ([], OTHER), (["one.example"] * 2, OTHER)],
)
async def test_the_full_path_is_that_of_the_site_of_the_only_host(hosts: list[str], site: Any) -> None:
    unused: Any = None
    missed = SiteRequest(ONE, unused)
    for by, expected in [(SWITCH, missed), (ONE, (ONE, missed))]:
        headers = [(b"host", host.encode()) for host in hosts]
        await SWITCH({"headers": headers, MISSED: (by, missed)}, unused, unused)
        assert site.scopes.pop()[MISSED] == expected
