"""Media types and download names: RFC 6266, RFC 8187."""

from __future__ import annotations

import mimetypes
import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http_semantics import content_disposition, disposition_kind, known_media_type, media_type_for

OCTETS = "application/octet-stream"
PLAIN = "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.txt", PLAIN),
        ("A.TXT", PLAIN),
        ("index.html", "text/html; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.xml", "application/xml"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"),
        ("a.pdf", "application/pdf"),
        ("a.zip", "application/zip"),
        ("linux.tar", "application/x-tar"),
        ("linux.tar.gz", "application/x-tar"),
        ("linux.tgz", "application/x-tar"),
        ("linux.tar.bz2", "application/x-tar"),
        ("linux.tar.xz", "application/x-tar"),
        ("linux.tar.zst", "application/x-tar"),
        ("a.img.gz", "application/gzip"),
        ("notes.txt.gz", "application/gzip"),
        ("a.xz", "application/x-xz"),
        ("a.zst", "application/zstd"),
        ("a.bz2", "application/x-bzip2"),
        *[(f"a.{ext}", OCTETS) for ext in ("deb", "rpm", "iso", "img", "unknown")],
        *[(f"a.{ext}", PLAIN) for ext in ("md5", "sha1", "sha256", "sha512", "asc", "log", "md", "manifest")],
        *[(name, PLAIN) for name in ("README", "LICENSE", "MANIFEST", "Release", "Packages", "INSTALL")],
        *[(name, PLAIN) for name in ("COPYING", "ChangeLog", "MD5SUMS", "SHA1SUMS", "SHA256SUMS")],
        *[
            (name, PLAIN)
            for name in ("InRelease", "Sources", "Makefile", "SHA256SUMS.gpg", "SHA256SUMS-arm64")
        ],
        *[(f"a.{ext}", PLAIN) for ext in ("toml", "repo", "dts", "bb", "its", "log.1")],
        *[(name, PLAIN) for name in ("HACKING", "README.textile", "README.markdown", "README.rst")],
        ("SHA256SUMS.gz", "application/gzip"),
        ("a.apk", "application/vnd.android.package-archive"),
        ("a.torrent", "application/x-bittorrent"),
        ("a.woff2", "font/woff2"),
        ("a.geojson", "application/geo+json"),
        ("a.wasm", "application/wasm"),
        ("a.dtb", "application/x-dtb"),
        ("a.dtbo", "application/x-dtb"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.woff", "font/woff"),
        ("a.xhtml", "application/xhtml+xml"),
        ("a.swu", "application/x-cpio"),
        ("a.raucb", "application/vnd.squashfs"),
        ("vmlinuz", OCTETS),
        (".bashrc", OCTETS),
        (".txt", OCTETS),
        ("README.", OCTETS),
        ("data:text/html,x", OCTETS),
        ("a.txt\udcff", OCTETS),
    ],
)
def test_media_type_by_name(name: str, media_type: str) -> None:
    assert media_type_for(name) == media_type


def test_the_machines_own_tables_do_not_matter() -> None:
    mimetypes.add_type("text/html", ".pierhead-test")
    assert media_type_for("a.pierhead-test") == OCTETS


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        (PLAIN, "inline"),
        ("image/png", "inline"),
        ("IMAGE/JPEG", "inline"),
        ("application/pdf", "inline"),
        ("image/svg+xml", "attachment"),
        ("text/html; charset=utf-8", "attachment"),
        ("application/xml", "attachment"),
        ("text/plainly", "attachment"),
        ("", "attachment"),
        (OCTETS, "attachment"),
    ],
)
def test_only_what_cannot_carry_script_is_shown(media_type: str, kind: str) -> None:
    assert disposition_kind(media_type) == kind


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("a.img", 'filename="a.img"'),
        ("semi;x.txt", 'filename="semi;x.txt"'),
        ("a b+c~d.txt", 'filename="a b+c~d.txt"'),
        ("100%.txt", 'filename="100%.txt"'),
        ("100%41.txt", "filename=\"100_41.txt\"; filename*=UTF-8''100%2541.txt"),
        ('q"u\\o.txt', "filename=\"q_u_o.txt\"; filename*=UTF-8''q%22u%5Co.txt"),
        ("ü.txt", "filename=\"u.txt\"; filename*=UTF-8''%C3%BC.txt"),
        ("\U0001f600'*.txt", "filename=\"_'*.txt\"; filename*=UTF-8''%F0%9F%98%80%27%2A.txt"),
        ("bad\udcff.txt", "filename=\"bad_.txt\"; filename*=UTF-8''bad%EF%BF%BD.txt"),
        ("a\r\nb\x00\x7f.txt", 'filename="a__b__.txt"'),
        ("../x", "filename=\".._x\"; filename*=UTF-8''..%2Fx"),
    ],
)
def test_disposition_names(name: str, parameters: str) -> None:
    assert content_disposition(name, "attachment") == f"attachment; {parameters}"


def test_what_is_shown_has_no_name() -> None:
    assert content_disposition("a.txt", "inline") == "inline"


@given(st.text(st.characters(), min_size=1))
def test_disposition_is_always_one_safe_line(name: str) -> None:
    value = content_disposition(name, "attachment")
    assert value.isascii()
    assert value.isprintable()
    match = re.fullmatch(
        r"attachment; filename=\"([^\"\\]*)\"(?:; filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]+))?", value
    )
    assert match is not None
    if match[2] and not re.search("[\x00-\x1f\x7f-\x9f\ud800-\udfff]", name):
        assert unquote(match[2]) == name


@pytest.mark.parametrize(
    ("name", "known"), [("a.html", "text/html"), ("a.tar.gz", "application/x-tar"), ("a.unheard-of", None)]
)
def test_a_type_is_given_without_parameters_or_not_at_all(name: str, known: str | None) -> None:
    assert known_media_type(name) == known
