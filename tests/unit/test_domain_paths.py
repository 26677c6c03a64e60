"""The one kind of path: parsed once, spelt once, and never out of the tree."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.errors import ImpossiblePath, PathAboveRoot, PathTooLong, RequestError
from app.domain.paths import (
    MAX_PATH_BYTES,
    ROOT,
    ArtifactPath,
    canonical_path,
    display_name,
    encode_name,
    has_misleading_links,
    is_possible_name,
)

raw_names = st.binary(min_size=1, max_size=12).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
names = raw_names.filter(is_possible_name)
paths = st.builds(
    lambda segments, end: ArtifactPath.of(*segments, is_folder=end),
    st.lists(names, max_size=5),
    st.booleans(),
)


@pytest.mark.parametrize(
    ("raw", "segments", "is_folder"),
    [
        (b"/", (), True),
        (b"/a", ("a",), False),
        (b"/a/", ("a",), True),
        (b"/a/b.txt", ("a", "b.txt"), False),
        (b"/a%20b", ("a b",), False),
        (b"/a+b", ("a+b",), False),
        (b"/%7Euser/~user", ("~user", "~user"), False),
        (b"/%C3%BC", ("ü",), False),
        (b"/%ff", ("\udcff",), False),
        (b"/%2e%2e%2e", ("...",), False),
        (b"/%252e%252e", ("%2e%2e",), False),
        (b"/..%5c", ("..\\",), False),
        (b"/a;v=1", ("a;v=1",), False),
        (b"/%20", (" ",), False),
    ],
)
def test_a_path_is_decoded_once(raw: bytes, segments: tuple[str, ...], is_folder: bool) -> None:
    assert ArtifactPath.parse(raw) == ArtifactPath(segments, is_folder)


@pytest.mark.parametrize(
    "raw",
    [
        *(
            b"",
            b"a",
            b"*",
            b"/%2f",
            b"/a%2Fb",
            b"/..%2f",
            b"/%00",
            b"/a%00",
            b"/%0a",
            b"/%0d",
        ),
        *(
            b"/%1f",
            b"/%7f",
            b"/\x00",
            b"/\x7f",
            b"/%",
            b"/%1",
            b"/%zz",
            b"/%1g",
            b"/%%41",
            b"/a%",
            b"/% 41",
            b"/%+1",
        ),
    ],
)
def test_what_no_tree_can_hold_is_impossible(raw: bytes) -> None:
    with pytest.raises(ImpossiblePath):
        ArtifactPath.parse(raw)


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        (b"/", b"/"),
        (b"//", b"/"),
        (b"/.", b"/"),
        (b"/./", b"/"),
        (b"/a//", b"/a/"),
        (b"//a", b"/a"),
        (b"/a//b", b"/a/b"),
        (b"/a/.", b"/a/"),
        (b"/a/..", b"/"),
        (b"/a/b/..", b"/a/"),
        (b"/a/../b", b"/b"),
        (b"/a/b/c/./../../g", b"/a/g"),  # RFC 3986 section 5.2.4
        (b"/a//../b", b"/a/b"),  # the empty segment is one until the dots are gone
        (b"/%2e/a/%2E%2e/.%2e%2Fb", b"/..%2Fb"),
        (b"/%61%5A%39%2d%2E%5f%7e/%3A%40%60%5B%7B%2B", b"/aZ9-._~/%3A%40%60%5B%7B%2B"),  # section 6.2.2.2
        (b"/%2561/%252e%252e", b"/%2561/%252e%252e"),
        (b"/%%36%31/%2e", b"/%%36%31/%2e"),  # an escape that is none
        (b"/%6%31", b"/%6%31"),
        (b"/a/.b/..c/...", b"/a/.b/..c/..."),
        (b"/a%2F../b%2f.", b"/a%2F../b%2f."),
    ],
)
def test_dot_segments_repeated_slashes_and_needless_escapes_are_resolved(
    raw: bytes, canonical: bytes
) -> None:
    assert canonical_path(raw) == canonical


@given(st.binary(max_size=30).map(lambda tail: b"/" + tail.replace(b"\0", b"%")))
def test_a_canonical_path_stands_for_the_same_and_stays_as_it_is(raw: bytes) -> None:
    with suppress(PathAboveRoot):
        canonical = canonical_path(raw)
        assert canonical_path(canonical) == canonical
        with suppress(ImpossiblePath):
            assert ArtifactPath.parse(canonical) == ArtifactPath.parse(raw)


@pytest.mark.parametrize("raw", [b"/a//", b"/a/b///", b"/a/..", b"/a/.%2E", b"/..//a//"])
def test_links_below_some_paths_mislead(raw: bytes) -> None:
    assert has_misleading_links(raw)


@pytest.mark.parametrize(
    "raw",
    [b"/", b"//", b"/a/", b"/.", b"/a/.", b"/a/./", b"/a/../", b"//a/", b"/a//b/", b"/a..", b"/a/%2F.."],
)
def test_links_below_others_do_not(raw: bytes) -> None:
    assert not has_misleading_links(raw)


@pytest.mark.parametrize("raw", [b"/..", b"/../a", b"/a/../..", b"/%2e%2e/", b"/./../a", b"/a/../../a"])
def test_no_path_leads_above_the_root(raw: bytes) -> None:
    with pytest.raises(PathAboveRoot):
        ArtifactPath.parse(raw)


@pytest.mark.parametrize(
    "names", [("",), (".",), ("..",), ("a/b",), ("a", ""), ("\x00",), ("\n",), ("\ud800",)]
)
def test_a_path_is_made_of_possible_names_only(names: tuple[str, ...]) -> None:
    with pytest.raises(ImpossiblePath):
        ArtifactPath.of(*names)


def test_the_longest_path_is_counted_in_decoded_bytes() -> None:
    folders = b"/" + b"/".join([b"a" * 255] * 16)  # 4,095 bytes, decoded
    assert len(ArtifactPath.parse(folders + b"/").to_bytes()) == MAX_PATH_BYTES
    assert len(ArtifactPath.parse(folders.replace(b"a", b"%61") + b"/").to_bytes()) == MAX_PATH_BYTES
    for longer in (folders + b"/a", folders.replace(b"a", b"%61") + b"/a", b"/%c3%bc" + folders):
        with pytest.raises(PathTooLong, match="4096"):
            ArtifactPath.parse(longer)


def test_a_path_is_too_long_before_its_names_are_looked_at() -> None:
    for name in ("a", "\n", "ü"):
        with pytest.raises(PathTooLong):
            ArtifactPath.of(name * (MAX_PATH_BYTES + 1))
    with pytest.raises(ImpossiblePath):
        ArtifactPath.of("a" * MAX_PATH_BYTES)


@given(st.binary(max_size=30).map(lambda rest: b"/" + rest))
@example(b"/%C0%AE%C0%AE/")
def test_any_bytes_are_a_path_within_the_tree_or_none(raw: bytes) -> None:
    try:
        path = ArtifactPath.parse(raw)
    except RequestError:
        return
    assert all(is_possible_name(name) for name in path.segments)
    assert not {"", ".", ".."} & set(path.segments)
    assert not any(set(name) & {"/", "\0"} for name in path.segments)
    assert unquote_to_bytes(canonical_path(raw)) == b"/" + path.to_bytes()
    assert canonical_path(canonical_path(raw)) == canonical_path(raw)


@given(paths)
def test_a_path_comes_back_from_its_url_its_text_and_its_bytes(path: ArtifactPath) -> None:
    assert ArtifactPath.parse(path.url.encode("ascii")) == path
    assert ArtifactPath.from_text(path.text) == path
    assert ArtifactPath.from_text("/" + path.text) == path
    assert ArtifactPath.parse(b"/" + quote_from_bytes(path.to_bytes()).encode()) == path
    assert str(path) == path.url


@given(paths, paths)
def test_two_paths_share_no_spelling(one: ArtifactPath, other: ArtifactPath) -> None:
    assert (one == other) is (one.url == other.url) is (one.to_bytes() == other.to_bytes())


@given(paths)
def test_a_url_cannot_be_taken_for_anything_but_a_path(path: ArtifactPath) -> None:
    for url in (path.url, path.href):
        assert url.isascii()
        assert url.startswith("/")
        assert not url.startswith("//")
        assert not set(url) & set('?#"<>\\^`{|} \r\n\t')
        assert ArtifactPath.parse(url.encode()) == path


def test_a_url_leaves_alone_what_a_path_may_hold_and_a_link_what_scrapers_can_read() -> None:
    path = ArtifactPath.of("a:b;c&d'e!$()*+,=@~")
    assert path.url == "/a:b;c&d'e!$()*+,=@~"
    assert path.href == "/a%3Ab%3Bc%26d%27e!$()*+,=@~"
    assert encode_name(path.name) == path.href.removeprefix("/")


@given(paths, names)
def test_a_child_is_in_its_parent(path: ArtifactPath, name: str) -> None:
    for is_folder in (False, True):
        child = path.as_folder.child(name, is_folder=is_folder)
        assert (child.parent, child.name, child.is_folder) == (path.as_folder, name, is_folder)


def test_the_root_is_a_folder_and_its_own_parent() -> None:
    assert ArtifactPath.of() == ArtifactPath.parse(b"/") == ArtifactPath.from_text("") == ROOT
    assert (ROOT.parent, ROOT.as_folder, ROOT.name, ROOT.text, ROOT.url) == (ROOT, ROOT, "", "", "/")


@pytest.mark.parametrize("text", ["//", "a//b", "//a", "a//", "..", "a/../b", ".", "a/.", "a\x00b"])
def test_text_that_names_nothing_is_impossible(text: str) -> None:
    with pytest.raises(ImpossiblePath):
        ArtifactPath.from_text(text)


def test_a_folder_and_a_file_of_one_name_are_two_paths() -> None:
    assert ArtifactPath.from_text("a") != ArtifactPath.from_text("a/")
    assert ArtifactPath.from_text("a").as_folder == ArtifactPath.from_text("a/")


@given(st.text(max_size=10))
def test_a_name_is_possible_or_not(name: str) -> None:
    has_control = any(character < " " or character == "\x7f" for character in name)
    assert is_possible_name(name) is not (name in ("", ".", "..") or "/" in name or has_control)


def test_a_colon_is_encoded_so_that_no_relative_link_has_a_scheme() -> None:
    assert encode_name("javascript:x") == "javascript%3Ax"


def test_what_is_no_text_is_shown_as_such() -> None:
    assert display_name("caf\udce9") == "caf\ufffd"
    assert display_name("café") == "café"
    assert encode_name("caf\udce9") == "caf%E9"


@pytest.mark.parametrize("name", [b"n" * 256, b"%c3%bc" * 128, b"%ff" * 256, b"%F0%9F%9A%80" * 64])
def test_a_name_that_no_storage_can_hold_is_refused_at_the_door(name: bytes) -> None:
    with pytest.raises(ImpossiblePath, match="255 bytes"):
        ArtifactPath.parse(b"/" + name)


@pytest.mark.parametrize("name", [b"n" * 255, b"%c3%bc" * 127 + b"n", b"%ff" * 255])
def test_the_longest_name_is_counted_in_bytes(name: bytes) -> None:
    assert ArtifactPath.parse(b"/" + name).to_bytes() == unquote_to_bytes(name)
