"""Client addresses: a proxy is believed only if it is ours, and no field in which somebody else may have written."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth.forwarding import Proxies, is_forwarded
from app.auth.networks import parse_networks
from app.http_semantics import FieldLines

OURS = Proxies(parse_networks(["10.0.0.0/8", "2001:db8::/32"]))
PROXY = "10.0.0.1"
ANYTHING = st.lists(st.text(st.characters(codec="latin-1", exclude_characters="\r\n")), max_size=3)
NEARLY = st.lists(st.text(st.sampled_from('for=192.0.2;,"\\[]: unkow_pty%/')), max_size=3)


def fields(**lines: Sequence[str]) -> FieldLines:
    """Header fields, by their names with underscores."""
    return lambda name: lines.get(name.replace("-", "_"), ())


def client(peer: str | None, *, by_list: Sequence[str] = (), by_elements: Sequence[str] = ()) -> str:
    return str(OURS.client(fields(x_forwarded_for=by_list, forwarded=by_elements), peer))


@pytest.mark.parametrize(
    ("peer", "lines", "expected"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["127.0.0.1"], "192.0.2.1"),  # not our proxy: not believed
        (PROXY, [], PROXY),
        (PROXY, ["192.0.2.9"], "192.0.2.9"),
        (PROXY, ["127.0.0.1, 192.0.2.9"], "192.0.2.9"),  # from the right
        (PROXY, ["127.0.0.1", "192.0.2.9"], "192.0.2.9"),  # over all lines
        (PROXY, ["127.0.0.1, 192.0.2.9, 10.0.0.2", "10.0.0.3"], "192.0.2.9"),
        (PROXY, ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),  # proxies all the way
        (PROXY, ["127.0.0.1, unknown"], "None"),  # hidden, and not the proxy that passed it on
        (PROXY, ["127.0.0.1, unknown, 10.0.0.2"], "None"),
        (PROXY, ["192.0.2.9,,", ""], "192.0.2.9"),
        (PROXY, [""], PROXY),
        (PROXY, ["192.0.2.9:4711"], "192.0.2.9"),
        (PROXY, ["[2001:db9::1]:80"], "2001:db9::1"),
        (PROXY, ["[2001:db9::1]"], "2001:db9::1"),
        (PROXY, ["2001:db9::1"], "2001:db9::1"),
        (PROXY, ["::ffff:192.0.2.9"], "192.0.2.9"),
        ("::ffff:10.0.0.1", ["192.0.2.9"], "192.0.2.9"),
        ("::ffff:192.0.2.1", [], "192.0.2.1"),
        ("fe80::1%eth0", [], "fe80::1"),
        ("2001:db8::5", ["192.0.2.9"], "192.0.2.9"),
        *((PROXY, [bad], "None") for bad in ("192.0.2.9:", "192.0.2.9:x", "[::1", "[::1]x", "192.0.2.9/32")),
        (None, ["192.0.2.9"], "None"),
        ("testclient", ["192.0.2.9"], "None"),
        ("", [], "None"),
    ],
)
def test_x_forwarded_for(peer: str | None, lines: list[str], expected: str) -> None:
    assert client(peer, by_list=lines) == expected


@pytest.mark.parametrize(
    ("peer", "lines", "expected"),
    [
        ("192.0.2.1", ["for=127.0.0.1"], "192.0.2.1"),
        (PROXY, ["for=192.0.2.9"], "192.0.2.9"),
        (PROXY, ["For=192.0.2.9;PROTO=https;by=203.0.113.43;host=a.example"], "192.0.2.9"),
        (PROXY, ['for="192.0.2.9:4711"'], "192.0.2.9"),
        (PROXY, ["for=192.0.2.9:4711"], "192.0.2.9"),
        (PROXY, ['for="192.0.2.9:_port"'], "192.0.2.9"),
        (PROXY, ['for="[2001:db9::17]:4711"'], "2001:db9::17"),
        (PROXY, ['for="[2001:DB9::17]"'], "2001:db9::17"),
        (PROXY, ['for="[::ffff:192.0.2.9]"'], "192.0.2.9"),
        (PROXY, ['for="192\\.0.2.9"'], "192.0.2.9"),  # an escape within quotes
        (PROXY, ["for=127.0.0.1, for=192.0.2.9"], "192.0.2.9"),
        (PROXY, ["for=127.0.0.1", "for=192.0.2.9"], "192.0.2.9"),
        (PROXY, ["for=127.0.0.1,for=192.0.2.9 , for=10.0.0.2;by=10.0.0.1"], "192.0.2.9"),
        (PROXY, ['for=127.0.0.1;host="a,for=10.0.0.9;b", for=192.0.2.9'], "192.0.2.9"),
        (PROXY, ['for=192.0.2.9;host="a, for=127.0.0.1"'], "192.0.2.9"),
        (PROXY, ["for=192.0.2.9;;", ",,"], "192.0.2.9"),
        (PROXY, ['for="', "for=192.0.2.9"], "192.0.2.9"),  # a line is malformed by itself
        (PROXY, ["for=127.0.0.1, for=unknown"], "None"),
        (PROXY, ["for=127.0.0.1, for=_gazonk"], "None"),
        (PROXY, ['for=127.0.0.1, for="_gazonk:80"'], "None"),
        (PROXY, ["for=192.0.2.9, proto=https"], "None"),  # our own proxy does not say who it was
        (PROXY, ["for=192.0.2.9, for=unknown, for=10.0.0.2"], "None"),
        *(
            (PROXY, [f"for=127.0.0.1, {bad}"], "None")
            for bad in (
                *('for="192.0.2.9', 'for="192.0.2.9"x', "for=192.0.2.9;for=192.0.2.8", "for", "=192.0.2.9"),
                *(
                    "for =192.0.2.9",
                    "for= 192.0.2.9",
                    "for=2001:db9::1",
                    'for="2001:db9::1"',
                    "for=[::1",
                    "for=",
                ),
                *('for=192.0.2.9;host="a', "for=192.0.2.9:port", 'for="192.0.2.9:123456"', "for=192.0.2.9 x"),
            )
        ),
        (None, ["for=192.0.2.9"], "None"),
    ],
)
def test_forwarded(peer: str | None, lines: list[str], expected: str) -> None:
    assert client(peer, by_elements=lines) == expected


@pytest.mark.parametrize(
    ("by_list", "by_elements", "expected"),
    [
        ("192.0.2.9", "for=192.0.2.9", "192.0.2.9"),
        ("127.0.0.1, 192.0.2.9", 'for="192.0.2.9:80"', "192.0.2.9"),
        ("192.0.2.9", "for=10.0.0.9", "None"),  # one of them is a client's own
        ("192.0.2.9", "for=127.0.0.1", "None"),
        ("127.0.0.1", "for=192.0.2.9", "None"),
        ("192.0.2.9", "for=unknown", "None"),
        ("192.0.2.9", 'for="', "None"),
        ("unknown", "for=192.0.2.9", "None"),
        ("192.0.2.9", "proto=https", "192.0.2.9"),  # which says nothing of the address
        ("", "for=192.0.2.9", "192.0.2.9"),
    ],
)
def test_where_both_are_there_they_must_agree(by_list: str, by_elements: str, expected: str) -> None:
    assert client(PROXY, by_list=[by_list], by_elements=[by_elements]) == expected


@given(ANYTHING | NEARLY)
def test_a_stranger_cannot_choose_their_address(lines: list[str]) -> None:
    assert client("192.0.2.1", by_list=lines, by_elements=lines) == "192.0.2.1"
    assert client(PROXY, by_list=[*lines, "192.0.2.9"]) == "192.0.2.9"
    for quoted in ("for=192.0.2.9", 'for="192.0.2.9:80"'):
        assert client(PROXY, by_elements=[*lines, quoted]) == "192.0.2.9"
        for own in lines:  # a proxy that appends to the same line
            assert client(PROXY, by_elements=[f"{own}, {quoted}"]) in ("192.0.2.9", "None")
    assert client(PROXY, by_list=["192.0.2.9"], by_elements=lines) in ("192.0.2.9", "None")
    assert client(PROXY, by_list=lines, by_elements=["for=192.0.2.9"]) in ("192.0.2.9", "None")


@pytest.mark.parametrize(
    ("peer", "scheme", "protos", "elements", "expected"),
    [
        ("192.0.2.1", "https", [], [], True),
        ("192.0.2.1", "http", ["https"], ["for=1.2.3.4;proto=https"], False),
        (PROXY, "http", ["https"], [], True),
        (PROXY, "http", ["HTTPS "], [], True),
        (PROXY, "https", ["http"], [], False),
        (PROXY, "http", ["https", "http"], [], False),  # the last proxy's word
        (PROXY, "http", ["http, https"], [], True),
        (PROXY, "https", ["gopher"], [], True),
        (PROXY, "http", [""], [], False),
        (None, "http", ["https"], ["proto=https"], False),
        (PROXY, "http", [], ["for=192.0.2.9;proto=https"], True),
        (PROXY, "http", [], ["proto=HTTPS"], True),
        (PROXY, "https", [], ["for=192.0.2.9;proto=http"], False),
        (PROXY, "http", [], ["for=192.0.2.9;proto=https, for=10.0.0.2;proto=http"], True),  # of the client
        (PROXY, "http", [], ["for=127.0.0.1;proto=https, for=192.0.2.9;proto=http"], False),
        (PROXY, "http", [], ["for=192.0.2.9;proto=gopher"], False),
        (PROXY, "http", [], ['proto=https;for="'], False),
        (PROXY, "http", ["https"], ["for=192.0.2.9;proto=https"], True),
        (PROXY, "http", ["https"], ["for=192.0.2.9;proto=http"], False),  # neither is believed
        (PROXY, "https", ["http"], ["for=192.0.2.9;proto=https"], True),
        (PROXY, "http", ["https"], ["for=192.0.2.9"], True),
    ],
)
def test_is_https(
    peer: str | None, scheme: str, protos: list[str], elements: list[str], expected: bool
) -> None:
    assert OURS.is_https(fields(x_forwarded_proto=protos, forwarded=elements), peer, scheme) is expected


@pytest.mark.parametrize("name", ["x_forwarded_for", "forwarded"])
@pytest.mark.parametrize(
    ("peer", "lines", "expected"),
    [
        (PROXY, ["192.0.2.9"], True),
        ("::ffff:10.0.0.1", ["192.0.2.9"], True),
        (PROXY, ["unknown"], True),
        (PROXY, [], False),
        ("192.0.2.1", ["10.0.0.1"], False),
        ("192.0.2.1", [], False),
        (None, ["10.0.0.1"], False),
        ("testclient", ["10.0.0.1"], False),
    ],
)
def test_only_a_trusted_proxy_forwards(name: str, peer: str | None, lines: list[str], expected: bool) -> None:
    said = fields(**{name: lines})
    assert OURS.is_by_proxy(said, peer) is expected
    assert is_forwarded(said) is bool(lines)
