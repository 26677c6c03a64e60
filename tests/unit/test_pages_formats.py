"""Sizes, times, breadcrumbs and icons as listings show them."""

from __future__ import annotations

import math
import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.paths import ROOT, ArtifactPath
from app.pages.breadcrumbs import Crumb, breadcrumbs
from app.pages.file_kinds import kind_of
from app.pages.formats import count_text, date_text, iso_text, size_text

K = 1024


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (K, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (K * K - 1, "1.0 MiB"),
        (K * K, "1.0 MiB"),
        (1258291, "1.2 MiB"),
        (5046586573, "4.7 GiB"),
        (K**4, "1.0 TiB"),
        (5000 * K**4, "5000.0 TiB"),
    ],
)
def test_size_text(size: int, text: str) -> None:
    assert size_text(size) == text


@given(st.integers(K, 1000 * K**4))
def test_a_size_reads_back_to_within_its_last_digit(size: int) -> None:
    number, _, name = size_text(size).partition(" ")
    unit = K ** (["KiB", "MiB", "GiB", "TiB"].index(name) + 1)
    assert abs(float(number) * unit - size) <= 0.0501 * unit
    assert float(number) < 1024


@pytest.mark.parametrize(
    ("timestamp", "iso", "date"),
    [
        (1330837567.0, "2012-03-04T05:06:07Z", "04-Mar-2012 05:06"),
        (0, "1970-01-01T00:00:00Z", "01-Jan-1970 00:00"),
        (-0.5, "1969-12-31T23:59:59Z", "31-Dec-1969 23:59"),
        (1475236799.999999, "2016-09-30T11:59:59Z", "30-Sep-2016 11:59"),
        (253402300799.0, "9999-12-31T23:59:59Z", "31-Dec-9999 23:59"),
    ],
)
def test_times_are_utc_and_never_ahead(timestamp: float, iso: str, date: str) -> None:
    text = iso_text(timestamp)
    assert text == iso
    assert date_text(text) == date


@pytest.mark.parametrize("timestamp", [None, 253402300800.0, -1e12, 2.0**62, math.inf, -math.inf, math.nan])
def test_a_time_that_no_date_can_hold_is_unknown(timestamp: float | None) -> None:
    assert iso_text(timestamp) is None


@given(st.integers(-30_610_224_000, 253_402_300_799), st.floats(0, 0.99))
def test_every_time_reads_back_to_the_second(seconds: int, fraction: float) -> None:
    text = iso_text(seconds + fraction)
    assert text is not None
    assert datetime.fromisoformat(text).timestamp() == seconds
    assert re.fullmatch(r"\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d", date_text(text))


def test_counts() -> None:
    assert count_text(1, "entry", "entries") == "1 entry"
    assert count_text(0, "entry", "entries") == "0 entries"
    assert count_text(25000, "entry", "entries") == "25,000 entries"


def test_the_root_has_one_crumb() -> None:
    assert breadcrumbs(ROOT, "Releases") == (Crumb("Releases", "/./"),)


def test_crumbs_lead_down_to_a_folder() -> None:
    path = ArtifactPath.of("a b", "c:d", "é\udcff", is_folder=True)
    assert breadcrumbs(path, "Home") == (
        Crumb("Home", "/./"),
        Crumb("a b", "/a%20b/"),
        Crumb("c:d", "/a%20b/c%3Ad/"),
        Crumb("é\ufffd", "/a%20b/c%3Ad/%C3%A9%FF/"),
    )


def test_the_last_crumb_of_a_file_has_no_slash() -> None:
    assert breadcrumbs(ArtifactPath.of("a", "b.txt"), "Home")[-1] == Crumb("b.txt", "/a/b.txt")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("boot.img.gz", "disk"),
        ("vendor.tar.bz2", "archive"),
        ("notes.xz", "archive"),
        ("SETUP.ISO", "disk"),
        ("MD5SUMS", "seal"),
        ("SHA256SUMS.txt", "seal"),
        ("a.tar.gz.asc", "seal"),
        ("README.textile", "text"),
        ("kernel-config", "file"),
        (".gz", "file"),
        ("a.unknown", "file"),
        ("img", "file"),
    ],
)
def test_kind_of(name: str, kind: str) -> None:
    assert kind_of(name) == kind
