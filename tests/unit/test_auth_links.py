"""A link opens the file it is for, to those it is for, until it expires; and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final

import pytest

from app.auth.keys import KeyRing, Purpose
from app.auth.links import Links
from app.auth.networks import parse_networks
from app.auth.revocation import NOTHING_REVOKED
from app.domain.paths import ArtifactPath

NOW: Final = 1_700_000_000
KEYS: Final = KeyRing(["a secret of some length"])
LINKS: Final = Links(KEYS, NOTHING_REVOKED)
FILE: Final = ArtifactPath.parse(b"/a/file.img")
INSIDE, OUTSIDE = ip_address("192.0.2.1"), ip_address("198.51.100.1")


def test_it_opens_its_file_until_it_expires() -> None:
    made = LINKS.make(FILE, expires=NOW + 60)
    assert LINKS.read(made.value, FILE, OUTSIDE, NOW + 59) == made
    assert LINKS.read(made.value, FILE, None, NOW + 59) == made
    assert LINKS.read(made.value, FILE, OUTSIDE, NOW + 60) is None
    assert LINKS.read(made.value, ArtifactPath.parse(b"/a/other.img"), OUTSIDE, NOW) is None


def test_it_opens_nothing_from_outside_its_networks() -> None:
    made = LINKS.make(FILE, expires=NOW + 60, networks=parse_networks(["192.0.2.0/24"]))
    assert LINKS.read(made.value, FILE, INSIDE, NOW) == made
    assert LINKS.read(made.value, FILE, OUTSIDE, NOW) is None
    assert LINKS.read(made.value, FILE, None, NOW) is None


@pytest.mark.parametrize(
    "changed", [{"method": "PUT"}, {"method": None}, {"path": "x"}, {"networks": ["x"]}, {"jti": None}]
)
def test_what_is_signed_and_says_something_else_opens_nothing(changed: Mapping[str, Any]) -> None:
    claims = KEYS.verify(Purpose.LINK, LINKS.make(FILE, expires=NOW + 60).value, NOW)
    whole = KEYS.sign(Purpose.LINK, claims)
    assert LINKS.read(whole, FILE, OUTSIDE, NOW) is not None
    given = {name: value for name, value in {**claims, **changed}.items() if value is not None}
    assert LINKS.read(KEYS.sign(Purpose.LINK, given), FILE, OUTSIDE, NOW) is None


def test_a_folder_gets_no_link() -> None:
    with pytest.raises(ValueError, match="one file"):
        LINKS.make(FILE.parent, expires=NOW + 60)
