"""Client addresses: a proxy is believed only if it is ours."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth.networks import client_address, is_forwarded, is_https, is_in, parse_networks

PROXIES = parse_networks(["10.0.0.0/8", "2001:db8::/32"])


def client(peer: str | None, *lines: str) -> str:
    return str(client_address(peer, lines, PROXIES))


@pytest.mark.parametrize(
    ("peer", "lines", "expected"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["127.0.0.1"], "192.0.2.1"),  # not our proxy: not believed
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.9"], "192.0.2.9"),
        ("10.0.0.1", ["127.0.0.1, 192.0.2.9"], "192.0.2.9"),  # from the right
        ("10.0.0.1", ["127.0.0.1", "192.0.2.9"], "192.0.2.9"),  # over all lines
        ("10.0.0.1", ["127.0.0.1, 192.0.2.9, 10.0.0.2", "10.0.0.3"], "192.0.2.9"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),  # proxies all the way
        ("10.0.0.1", ["127.0.0.1, unknown"], "10.0.0.1"),  # garbage: the proxy that passed it on
        ("10.0.0.1", ["127.0.0.1, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["192.0.2.9,,", ""], "192.0.2.9"),
        ("10.0.0.1", ["192.0.2.9:4711"], "192.0.2.9"),
        ("10.0.0.1", ["[2001:db9::1]:80"], "2001:db9::1"),
        ("10.0.0.1", ["[2001:db9::1]"], "2001:db9::1"),
        ("10.0.0.1", ["2001:db9::1"], "2001:db9::1"),
        ("10.0.0.1", ["::ffff:192.0.2.9"], "192.0.2.9"),
        ("::ffff:10.0.0.1", ["192.0.2.9"], "192.0.2.9"),
        ("::ffff:192.0.2.1", [], "192.0.2.1"),
        ("fe80::1%eth0", [], "fe80::1"),
        ("2001:db8::5", ["192.0.2.9"], "192.0.2.9"),
        ("10.0.0.1", ["192.0.2.9:"], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.9:x"], "10.0.0.1"),
        ("10.0.0.1", ["[::1"], "10.0.0.1"),
        ("10.0.0.1", ["[::1]x"], "10.0.0.1"),
        ("10.0.0.1", ["192.0.2.9/32"], "10.0.0.1"),
        (None, ["192.0.2.9"], "None"),
        ("testclient", ["192.0.2.9"], "None"),
        ("", [], "None"),
    ],
)
def test_client_address(peer: str | None, lines: list[str], expected: str) -> None:
    assert client(peer, *lines) == expected


@given(st.lists(st.text(st.characters(codec="latin-1")), max_size=3))
def test_a_stranger_cannot_choose_their_address(lines: list[str]) -> None:
    assert client("192.0.2.1", *lines) == "192.0.2.1"
    assert client("10.0.0.1", *lines, "192.0.2.9") == "192.0.2.9"


@given(st.lists(st.text(st.sampled_from("0123456789abcdef.:[], %/")), max_size=3))
def test_whatever_a_proxy_says_an_address_comes_of_it(lines: list[str]) -> None:
    address = client("10.0.0.1", *lines)
    assert address == str(ip_address(address))


@pytest.mark.parametrize(
    ("peer", "scheme", "lines", "expected"),
    [
        ("192.0.2.1", "https", [], True),
        ("192.0.2.1", "http", ["https"], False),
        ("10.0.0.1", "http", ["https"], True),
        ("10.0.0.1", "http", ["HTTPS "], True),
        ("10.0.0.1", "https", ["http"], False),
        ("10.0.0.1", "http", ["https", "http"], False),  # the last proxy's word
        ("10.0.0.1", "http", ["http, https"], True),
        ("10.0.0.1", "https", ["gopher"], True),
        ("10.0.0.1", "http", [""], False),
        (None, "http", ["https"], False),
    ],
)
def test_is_https(peer: str | None, scheme: str, lines: list[str], expected: bool) -> None:
    assert is_https(peer, scheme, lines, PROXIES) is expected


def test_networks() -> None:
    networks = parse_networks([" 10.0.0.0/8", "192.0.2.1", "2001:db8::1", "::ffff:198.51.100.0/120"])
    assert [str(n) for n in networks] == ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::1/128", "198.51.100.0/24"]
    assert is_in(ip_address("10.255.0.1"), networks)
    assert is_in(ip_address("198.51.100.7"), networks)
    assert not is_in(ip_address("11.0.0.1"), networks)
    assert not is_in(ip_address("::a00:1"), networks)
    assert not is_in(None, networks)
    assert parse_networks([]) == ()


@pytest.mark.parametrize("bad", ["", "host.example", "10.0.0.1/8", "10.0.0.0/33", "10.0.0", "*"])
def test_a_bad_network_is_named(bad: str) -> None:
    with pytest.raises(ValueError, match="must be a network") as caught:
        parse_networks(["10.0.0.0/8", bad])
    assert bad.partition("/")[0] in str(caught.value)


@pytest.mark.parametrize(
    ("peer", "lines", "expected"),
    [
        ("10.0.0.1", ["192.0.2.9"], True),
        ("::ffff:10.0.0.1", ["192.0.2.9"], True),
        ("10.0.0.1", ["unknown"], True),
        ("10.0.0.1", [], False),
        ("192.0.2.1", ["10.0.0.1"], False),
        ("192.0.2.1", [], False),
        (None, ["10.0.0.1"], False),
        ("testclient", ["10.0.0.1"], False),
    ],
)
def test_only_a_trusted_proxy_forwards(peer: str | None, lines: list[str], expected: bool) -> None:
    assert is_forwarded(peer, lines, PROXIES) is expected
