"""`[[licence]]` tables of the site policy: what they say, and that every fault is named with its line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.domain.licence_look import Colours, LicenceLook, Logo
from app.policy.licence_look_file import MAX_LOGO_BYTES
from app.policy.site_policy_file import SitePolicyError, parse_site_policy
from tests.support.policy import picture_of, site_policy


def test_a_look_may_have_any_part_of_it() -> None:
    policy = site_policy(
        '[[licence]]\nname = "samsung"\ntitle = "Samsung terms"\nlogo = "logos/samsung.svg"\n'
        'accent = "#1428A0"\nbackground = "#eef1fb"\n'
        '[[licence]]\nname = "Acme EULA"\ntitle = "Acme"\n'
        '[[licence]]\nname = "third"\naccent = "#ffffff"\nbackground = "#000000"\n'
    )
    logo = Logo("samsung.svg", picture_of("logos/samsung.svg"))
    assert policy.looks == (
        LicenceLook("samsung", "Samsung terms", logo, Colours("#1428a0", "#eef1fb")),
        LicenceLook("Acme EULA", "Acme"),
        LicenceLook("third", colours=Colours("#ffffff", "#000000")),
    )


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ('title = "T"', "1: a licence table must have a name: a theme, or the licence_name of a rule"),
        ('name = "a"', "1: a licence table must have a title, a logo, or accent and background"),
        ('name = " "\ntitle = "T"', "2: name must be a text that is not blank, but got ' '"),
        (
            'name = "a"\ncolour = "#112233"',
            "3: unknown key 'colour'; allowed are name, title, logo, accent, background",
        ),
        (
            'name = "a"\nacent = "#112233"',
            "3: unknown key 'acent'; did you mean 'accent'? allowed are name, title, logo, accent, background",
        ),
        (
            'name = "a"\naccent = "red"\nbackground = "#ffffff"',
            "3: accent must be a colour such as \"#1a2b3c\", but got 'red'",
        ),
        (
            'name = "a"\naccent = "#000000"\nbackground = "#fff"',
            "4: background must be a colour such as \"#1a2b3c\", but got '#fff'",
        ),
        (
            'name = "a"\naccent = "#000000;}"\nbackground = "#ffffff"',
            "3: accent must be a colour such as \"#1a2b3c\", but got '#000000;}'",
        ),
        (
            'name = "a"\naccent = 0\nbackground = "#ffffff"',
            '3: accent must be a colour such as "#1a2b3c", but got 0',
        ),
        ('name = "a"\naccent = "#000000"', "1: accent and background belong together: give both, or neither"),
        (
            'name = "a"\nbackground = "#000000"',
            "1: accent and background belong together: give both, or neither",
        ),
        (
            'name = "a"\naccent = "#777777"\nbackground = "#ffffff"',
            "3: accent #777777 does not stand out from background #ffffff:"
            " their contrast is 4.4 : 1, but must be at least 4.5 : 1",
        ),
        (
            'name = "a"\nlogo = "https://example.org/a.gif"',
            "3: logo 'https://example.org/a.gif' must be a file whose name ends with .svg or .png",
        ),
        (
            'name = "a"\nlogo = "https://example.org/a.svg"',
            "3: logo 'https://example.org/a.svg' must be a file beside the policy, because pages load nothing"
            " from other hosts",
        ),
        ('name = "a"\nlogo = "a.png"', "3: logo 'a.png' is not a picture of the kind .png"),
        (
            'name = "a"\ntitle = "T"\n[[licence]]\nname = "a"\ntitle = "T"',
            "5: the licence 'a' has a look already, on line 2",
        ),
    ],
)
def test_a_fault_is_named_with_its_line(lines: str, fault: str) -> None:
    with pytest.raises(SitePolicyError) as caught:
        site_policy(f"[[licence]]\n{lines}\n")
    assert [str(found) for found in caught.value.faults] == [f"policy.toml, line {fault}"]


def test_tables_of_another_kind_are_refused() -> None:
    with pytest.raises(
        SitePolicyError, match=r"each licence must be a table that begins with \[\[licence\]\]"
    ):
        site_policy('[licence]\nname = "a"\n')


def _missing(_: str) -> bytes:
    raise FileNotFoundError(2, "No such file or directory")


@pytest.mark.parametrize(
    ("read_bytes", "said"),
    [
        (_missing, "cannot be read: No such file or directory"),
        (lambda _: b"<svg" + b" " * MAX_LOGO_BYTES, "bytes, but at most 262144 are allowed"),
        (lambda _: b"<html>", "is not a picture of the kind .svg"),
    ],
)
def test_a_logo_that_cannot_be_used_is_a_fault(read_bytes: Callable[[str], bytes], said: str) -> None:
    text = '[[licence]]\nname = "a"\nlogo = "a.svg"\n'
    with pytest.raises(SitePolicyError) as caught:
        parse_site_policy(text, source="policy.toml", read_text=str, read_bytes=read_bytes)
    (fault,) = caught.value.faults
    assert fault.line == 3
    assert said in fault.reason
