"""Listings and errors for scripts."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.access import Access, Licence, VisibleFiles
from app.domain.entries import File, Folder
from app.domain.mounts import AT_ROOT, WHOLE, Mount
from app.domain.paths import ROOT, ArtifactPath, display_name
from app.pages.contexts import FolderPage
from app.pages.entry_lines import entry_lines
from app.pages.html import HtmlPages
from app.pages.json_bytes import json_bytes
from app.pages.legacy_lists import license_object, ls_json
from app.pages.lists import (
    entry_line,
    entry_object,
    folder_json,
    folder_ndjson,
    folder_text,
)
from app.pages.problem import problem_json
from app.pages.templates_dir import templates_directory
from tests.unit.pages_support import (
    FOLDER,
    HOSTILE_NAMES,
    LICENCE,
    NOON,
    SITE,
    Reader,
    entry_names,
    files_and_folders,
    folder_page,
    visible,
)

HTML = HtmlPages(templates_directory())


def test_entry_object_of_a_file() -> None:
    assert entry_object(visible(File("a b.img", 12, NOON, "tag"), Access.EULA, (LICENCE,))) == {
        "name": "a b.img",
        "type": "file",
        "size": 12,
        "modified": "2016-09-30T12:00:00Z",
        "e_tag": "tag",
        "url": "/releases/16.09/a%20b.img",
        "access": "eula",
        "licences": [{"name": "linaro", "digest": LICENCE.digest, "sha256": LICENCE.sha256}],
        "locked": False,
    }


def test_entry_object_of_a_folder() -> None:
    assert entry_object(visible(Folder("members"), Access.PRIVATE, locked=True)) == {
        "name": "members",
        "type": "folder",
        "size": None,
        "modified": None,
        "e_tag": None,
        "url": "/releases/16.09/members/",
        "access": "private",
        "licences": [],
        "locked": True,
    }


def test_folder_json_of_a_whole_folder() -> None:
    entry = visible(Folder("a"))
    path = ArtifactPath.of("é \udcff", is_folder=True)
    assert json.loads(folder_json(folder_page(entry, path=path))) == {
        "path": "/é \ufffd/",
        "url": "/%C3%A9%20%FF/",
        "entries": [entry_object(entry)],
        "total": None,
        "truncated": False,
        "next": None,
    }
    assert json.loads(folder_json(folder_page(path=ROOT)))["path"] == "/"


def test_folder_json_that_is_cut_leads_on_in_json() -> None:
    page = json.loads(folder_json(FolderPage(SITE, FOLDER, (), "a&b \udcff", limit=2)))
    assert page["truncated"] is True
    query = parse_qs(urlsplit(page["next"]).query, errors="surrogateescape")
    assert query == {"after": ["a&b \udcff"], "limit": ["2"], "format": ["json"]}


def test_json_is_compact_and_keeps_letters() -> None:
    assert json_bytes({"a": ["ü", None, True]}) == '{"a":["ü",null,true]}'.encode()


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_json_has_no_nan(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_bytes(number)


@given(st.text(st.characters()))
@example("\ud800\udcff")
def test_no_text_breaks_json(text: str) -> None:
    as_read = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")  # pairs become one
    assert json.loads(json_bytes(text)) == as_read


@given(st.lists(entry_names, unique=True, max_size=20))
@example(list(HOSTILE_NAMES))
def test_every_representation_has_the_same_entries_in_the_same_order(some: list[str]) -> None:
    entries = files_and_folders(some)
    page = folder_page(*entries)
    paths = [entry.path for entry in entries]

    objects = json.loads(folder_json(page))["entries"]
    assert [ArtifactPath.parse(one["url"].encode("ascii")) for one in objects] == paths
    assert [one["name"] for one in objects] == [display_name(name) for name in some]

    lines = folder_ndjson(page).split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line) for line in lines] == objects

    *relative, end = folder_text(page).split(b"\n")
    assert end == b""
    assert [ArtifactPath.parse(FOLDER.url.encode() + line) for line in relative] == paths

    table = re.findall(rb"<tbody>.*</tbody>", HTML.folder(page), re.DOTALL)[0]
    links = [tag.attributes["href"] for tag in Reader(table).all("a")][1:]
    assert [ArtifactPath.parse((FOLDER.url + link).encode()) for link in links] == paths

    legacy = json.loads(ls_json(entries, lambda _: None))["files"]
    assert [one["url"] for one in legacy] == [one["url"] for one in objects]


def test_an_entry_line_is_one_line() -> None:
    line = entry_line(visible(File("a\u2028\x85b", 1, NOON)))
    assert line.count(b"\n") == 1
    assert line.endswith(b"}\n")


@given(
    st.lists(
        st.builds(
            File,
            st.sampled_from(
                ["build-000001.tar.gz", "b", "a b", "c:d;e", "x%y", 'q"', "\udcff", "\u00fc\u2028"]
            ),
            st.integers(0, 1 << 60),
            st.sampled_from([NOON, NOON + 0.9, -1.5, -1e12, 1e12, None]),
            st.sampled_from([None, "abc-12", 'a"b', "\u00fc"]),
            st.none() | st.just("stamp"),
            st.none() | st.just("GLACIER"),
        ),
        max_size=4,
    ),
    st.sampled_from([ROOT, FOLDER, ArtifactPath.of("-", "a b", is_folder=True)]),
    st.sampled_from([AT_ROOT, WHOLE, Mount("", "/below here")]),
    st.sampled_from([(Access.EULA, (LICENCE,)), (Access.PRIVATE, ()), (Access.PUBLIC, ())]),
)
@example([File("a", 1, NOON, "t"), File("b", 2, NOON + 1, "u")], FOLDER, AT_ROOT, (Access.PUBLIC, ()))
@example([File("a", 1, NOON, "t"), File("-", 2, NOON + 1, "u")], ROOT, WHOLE, (Access.EULA, (LICENCE,)))
def test_lines_made_at_once_are_those_made_one_by_one(
    files: list[File], folder: ArtifactPath, mount: Mount, tier: tuple[Access, tuple[Licence, ...]]
) -> None:
    entries = VisibleFiles(folder, files, *tier, is_open=False)
    assert entry_lines(entries, mount) == b"".join(entry_line(one, mount) for one in entries)


def test_ls_object_has_the_original_keys_and_types() -> None:
    entries = [visible(Folder("16.12")), visible(Folder("old", 5)), visible(File("a b.img", 12, NOON))]
    assert json.loads(ls_json(entries, {"a b.img": "application/x-raw"}.get)) == {
        "files": [
            {"name": "16.12", "size": 0, "type": "folder", "mtime": None, "url": "/releases/16.09/16.12/"},
            {"name": "old", "size": 0, "type": "folder", "mtime": 5.0, "url": "/releases/16.09/old/"},
            {
                "name": "a b.img",
                "size": 12,
                "type": "application/x-raw",
                "mtime": NOON,
                "url": "/releases/16.09/a%20b.img",
            },
        ]
    }


def test_ls_object_of_an_unknown_type_is_null() -> None:
    answer = json.loads(ls_json([visible(File("a", 1, NOON))], lambda _: None))
    assert answer["files"][0]["type"] is None


@pytest.mark.parametrize("licences", [None, ()])
def test_license_object_of_an_open_file(licences: tuple[Licence, ...] | None) -> None:
    assert license_object(licences) == {"licenses": ["Open"]}


def test_license_object_keeps_the_order() -> None:
    second = Licence("Terms \udcff", "other")
    answer = license_object((LICENCE, second))
    assert answer["licenses"] == [
        {"text": "Be kind.\n", "digest": LICENCE.digest, "sha256": LICENCE.sha256, "name": "linaro"},
        {"text": "Terms \ufffd", "digest": second.digest, "sha256": second.sha256, "name": "other"},
    ]


def test_license_object_never_calls_a_refused_file_open() -> None:
    assert license_object(None, "not for download") == {"licenses": ["ERROR: not for download"]}


def test_problem_json_has_the_standard_members_and_extensions() -> None:
    body = problem_json(
        403, "Licence required", "Accept it.", "licence-required", digests=["d"], instance="/a"
    )
    assert json.loads(body) == {
        "type": "urn:pierhead:problem:licence-required",
        "title": "Licence required",
        "status": 403,
        "detail": "Accept it.",
        "digests": ["d"],
        "instance": "/a",
    }


def test_an_extension_cannot_replace_the_type() -> None:
    body = problem_json(404, "Not found", "Nothing here.", "not-found", type="other")
    assert json.loads(body)["type"] == "urn:pierhead:problem:not-found"
