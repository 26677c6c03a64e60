"""What checksum files say, in every form that programs write."""

from __future__ import annotations

import hashlib

import pytest

from app.domain.checksum_files import MARKS, ChecksumFile, agreed, checksum_files_among, digests_in
from app.domain.entries import Digest

A, B = hashlib.sha256(b"a"), hashlib.sha256(b"b")
MD5 = hashlib.md5(b"a", usedforsecurity=False)
LIST = ChecksumFile("SHA256SUMS", "sha-256")


def said(text: str, file: ChecksumFile = LIST) -> dict[str, str]:
    content = text.encode("utf-8", "surrogateescape")
    return {name: digest.value.hex() for name, digest in digests_in(file, content)}


@pytest.mark.parametrize(
    ("name", "algorithm", "of"),
    [
        ("SHA256SUMS", "sha-256", None),
        ("sha256sum.txt", "sha-256", None),
        ("sha256sums.txt", "sha-256", None),
        ("SHA512SUMS", "sha-512", None),
        ("SHA1SUMS", "sha", None),
        ("MD5SUMS", "md5", None),
        ("md5sum.txt", "md5", None),
        ("CHECKSUM", None, None),
        ("tool_1.2.0_checksums.txt", None, None),
        ("boot.img.sha256", "sha-256", "boot.img"),
        ("boot.img.sha256sum", "sha-256", "boot.img"),
        ("boot.img.MD5", "md5", "boot.img"),
        ("boot.img.sha512.txt", "sha-512", "boot.img"),
    ],
)
def test_their_names_say_what_they_are(name: str, algorithm: str | None, of: str | None) -> None:
    assert checksum_files_among([name]) == [ChecksumFile(name, algorithm, of)]
    assert any(mark in name for mark in MARKS)


@pytest.mark.parametrize(
    "name", ["SHA256SUMS.gpg", "summary.txt", "sums", ".sha256", "B2SUMS", "x.sha256.asc"]
)
def test_other_names_do_not(name: str) -> None:
    assert checksum_files_among([name]) == []


def test_lists_come_first() -> None:
    names = ["a.sha256", "SHA256SUMS", "MD5SUMS"]
    assert [file.name for file in checksum_files_among(names)] == ["MD5SUMS", "SHA256SUMS", "a.sha256"]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("{}  a.img", "a.img"),
        ("{} *a.img", "a.img"),
        ("{}  ./a.img", "a.img"),
        ("{}  a b  c", "a b  c"),
        ("{}   x", " x"),
        ("{}  caf\u00e9", "caf\u00e9"),
        ("{}  \udcff.bin", "\udcff.bin"),
        ("{}  a.img\r", "a.img"),
        ("\\{}  back\\\\slash\\nline", "back\\slash\nline"),
        ("SHA256 (a.img) = {}", "a.img"),
        ("SHA256 (a) (b) = {}", "a) (b"),
        ("SHA256(a.img)= {}", "a.img"),
        ("SHA2-256(a.img)= {}", "a.img"),
        ("SHA-256 (a.img) = {}", "a.img"),
    ],
)  # fmt: skip
def test_every_form_of_a_line_is_understood(line: str, name: str) -> None:
    for digits in (A.hexdigest(), A.hexdigest().upper()):
        assert said(line.format(digits)) == {name: A.hexdigest()}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# comment",
        "-----BEGIN PGP SIGNED MESSAGE-----",
        "{}",
        "{}  ",
        "{}\ta.img",
        "{}  other/a.img",
        "{}  ../a.img",
        "{}0  a.img",
        "g{}  a.img",
        "MD5 (a.img) = {}",
        "BLAKE2 (a.img) = {}",
        " {}  a.img",
    ],
)
def test_other_lines_say_nothing(line: str) -> None:
    assert said(line.format(A.hexdigest())) == {}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_the_marks_of_windows_are_no_part_of_the_first_line(encoding: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    content = f"{mark}{A.hexdigest()}  \u00e4.img\r\n".encode(encoding)
    assert [name for name, _ in digests_in(LIST, content)] == ["\u00e4.img"]


def test_digests_of_another_length_than_the_name_says_are_none() -> None:
    assert said(f"{MD5.hexdigest()}  a") == {}
    assert said(f"{MD5.hexdigest()}  a", ChecksumFile("checksums.txt", None)) == {"a": MD5.hexdigest()}


@pytest.mark.parametrize("line", ["{}", "{}\n", "{}  a.img", "{}  /build/out/a.img", "SHA256 (a.img) = {}"])
def test_a_file_about_one_says_its_digest(line: str) -> None:
    one = ChecksumFile("a.img.sha256", "sha-256", "a.img")
    assert said(line.format(A.hexdigest()), one) == {"a.img": A.hexdigest()}


def test_a_file_about_one_says_nothing_of_others() -> None:
    assert said(f"{A.hexdigest()}  b.img", ChecksumFile("a.img.sha256", "sha-256", "a.img")) == {}


def test_where_two_files_disagree_there_is_none() -> None:
    one, other = Digest("sha-256", A.digest(), "SHA256SUMS"), Digest("sha-256", B.digest(), "a.sha256")
    md5 = Digest("md5", MD5.digest(), "MD5SUMS")
    assert agreed([("a", one), ("a", md5), ("a", other), ("b", one)]) == {"a": (md5,), "b": (one,)}
    assert agreed([("a", one), ("a", other)]) == {}
    assert agreed([("a", one), ("a", one._replace(source="second"))]) == {"a": (one,)}
