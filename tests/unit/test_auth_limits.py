"""How often something may be done, and how long one has to wait."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path

import pytest

from app.auth.limits import MAX_BUCKETS, MAX_NAME_LENGTH, RATES, Limit, Limits, client_key
from app.domain.errors import TooManyLogins, TooManyRequests
from tests.support.clocks import Clock

LIMIT = Limit.LOGINS_OF_USER
BURST, PER_SECOND = RATES[LIMIT]


def used_up(limits: Limits, who: str = "alice") -> int:
    """Take all there is, and give the seconds to wait."""
    for _ in range(BURST):
        limits.take(LIMIT, who)
    with pytest.raises(TooManyRequests) as refused:
        limits.take(LIMIT, who)
    return refused.value.seconds


def test_waiting_for_as_long_as_it_says_is_enough_and_no_less_is() -> None:
    clock = Clock()
    limits = Limits(clock)
    seconds = used_up(limits)
    assert seconds == 1 / PER_SECOND
    clock.now += seconds - 1
    with pytest.raises(TooManyRequests) as refused:
        limits.take(LIMIT, "alice")
    assert refused.value.seconds == 1
    clock.now += 1
    limits.take(LIMIT, "alice")
    with pytest.raises(TooManyRequests):
        limits.take(LIMIT, "alice")


def test_no_more_than_the_burst_is_ever_saved() -> None:
    clock = Clock()
    limits = Limits(clock)
    used_up(limits)
    clock.now += 1_000_000
    used_up(limits)


def test_users_and_limits_are_counted_apart() -> None:
    limits = Limits(Clock())
    used_up(limits)
    limits.take(LIMIT, "bob")
    limits.take(Limit.LOGINS, "alice")


def test_to_check_is_not_to_count() -> None:
    limits = Limits(Clock())
    for _ in range(2 * BURST):
        limits.check(LIMIT, "alice")
        assert limits.allows(LIMIT, "alice")
    used_up(limits)
    assert not limits.allows(LIMIT, "alice")


def test_memory_is_bounded_and_who_comes_often_is_not_forgotten() -> None:
    limits = Limits(Clock(), most=10)
    for number in range(BURST):
        limits.take(LIMIT, "alice")
        for other in range(9):
            limits.take(LIMIT, f"{number} {other}")
    with pytest.raises(TooManyRequests):
        limits.take(LIMIT, "alice")
    assert len(limits._buckets) == 10
    used_up(limits, "bob")


def test_long_names_take_no_more_memory_than_others_and_are_counted() -> None:
    limits = Limits(Clock())
    used_up(limits, "x" * 100_000)
    ((_, kept),) = limits._buckets
    assert len(kept) == MAX_NAME_LENGTH


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8:0:0:ffff::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
    ],
)
def test_a_client_is_an_address_or_the_64_of_it(one: str, other: str, is_same: bool) -> None:
    assert (client_key(ip_address(one)) == client_key(ip_address(other))) is is_same


def test_clients_whose_address_is_not_known_are_one() -> None:
    assert client_key(None) == ""


def test_the_documented_rates_are_those_that_hold() -> None:
    page = (Path(__file__).parents[2] / "docs/operations.md").read_text("utf-8")
    rows = re.findall(r"^\| .+ \| (?:address|user name) \| ([\d.]+) \| ([\d.]+) \|$", page, re.MULTILINE)
    assert rows == [(str(burst), f"{per_second:.2g}") for burst, per_second in RATES.values()]
    assert f"for the {MAX_BUCKETS:,} clients and users" in page


def test_a_login_counts_for_the_client_and_for_the_user_however_the_name_is_spelt() -> None:
    limits = Limits(Clock())
    spellings = ("alice", " Alice ", "ａｌｉｃｅ", "𝐚𝓁𝔦𝚌ｅ", "\u2000alice")
    for number in range(BURST):
        limits.count_login(ip_address(f"192.0.2.{number}"), spellings[number % len(spellings)])
    with pytest.raises(TooManyLogins):
        limits.count_login(ip_address("198.51.100.1"), "ALICE")
    limits.count_login(ip_address("198.51.100.1"), "bob")


def test_logins_without_a_name_count_for_the_client_alone() -> None:
    limits = Limits(Clock())
    for number in range(2 * BURST):
        limits.count_login(ip_address(f"192.0.2.{number}"))
    burst, _ = RATES[Limit.LOGINS]
    for _ in range(burst):
        limits.count_login(ip_address("198.51.100.1"))
    with pytest.raises(TooManyLogins):
        limits.count_login(ip_address("198.51.100.1"))
