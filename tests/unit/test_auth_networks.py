"""Networks, as operators write them."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from app.auth.networks import is_in, parse_networks


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
