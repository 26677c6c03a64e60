"""The root path of a site: by its setting, or by what a proxy of ours says."""

from __future__ import annotations

from typing import Final

import pytest

from app.auth.networks import parse_networks
from app.auth.root_paths import RootPaths

PROXY, STRANGER = "10.0.0.1", "203.0.113.1"
OWN: Final = RootPaths("/own", parse_networks([PROXY]))
NONE: Final = RootPaths("", parse_networks([PROXY]))


@pytest.mark.parametrize(
    ("forwarded", "peer", "own", "none"),
    [
        ([], PROXY, "/own", ""),
        (["/a"], PROXY, "/a", "/a"),
        (["/a"], STRANGER, "/own", ""),
        (["/a"], None, "/own", ""),
        (["/a", "/b"], PROXY, "/b", "/b"),
        (["/a,/b,\t/c "], PROXY, "/c", "/c"),
    ],
)
def test_the_last_that_a_proxy_of_ours_says_counts(
    forwarded: list[str], peer: str | None, own: str, none: str
) -> None:
    assert (OWN.of(forwarded, peer), NONE.of(forwarded, peer)) == (own, none)


@pytest.mark.parametrize(
    ("raw", "below"),
    [
        (b"/own/d/", b"/d/"),
        (b"/own/", b"/"),
        (b"/own", b""),
        (b"/owner/", b"/owner/"),
        (b"/d/own/", b"/d/own/"),
    ],
)
def test_only_the_setting_is_taken_off(raw: bytes, below: bytes) -> None:
    for forwarded, peer in [([], PROXY), (["/own"], STRANGER)]:
        assert OWN.below(raw, forwarded, peer) == below
    assert OWN.below(raw, ["/own"], PROXY) == raw, "the proxy has taken it off"
    assert NONE.below(raw, [], PROXY) == raw
