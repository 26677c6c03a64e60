"""What the HTML pages hold, and that nothing in a name gets out of its place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.access import Access, Licence, VisibleEntry, VisibleFiles
from app.domain.entries import File, Folder
from app.domain.entry_table import EntryTable
from app.domain.paths import ROOT, ArtifactPath, display_name
from app.domain.table_files import TableFiles
from app.domain.totals import totals_of
from app.domain.visible_parts import VisibleParts
from app.pages.contexts import DownloadPage, ErrorPage, FolderPage, LicencePage
from app.pages.html import HtmlPages
from app.pages.static import load_static
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


def rows_of(page: bytes) -> list[str]:
    """The table's rows, without the head and the row that leads up."""
    return re.findall(r"<tr>(<td.*?)</tr>", page.decode(), re.DOTALL)


def entry_links(page: bytes) -> list[str]:
    """Where the links of the table lead, the one up left out."""
    reader = Reader(b"".join(re.findall(rb"<tbody>.*</tbody>", page, re.DOTALL)))
    return [tag.attributes["href"] for tag in reader.all("a") if tag.attributes["href"] != "../"]


def test_one_byte_is_not_many() -> None:
    assert '<td title="1 byte">1 B</td>' in rows_of(HTML.folder(folder_page(visible(File("a", 1, NOON)))))[0]


def test_a_file_row_tells_name_time_size_and_access() -> None:
    page = HTML.folder(folder_page(visible(File("boot.img.gz", 1258291, NOON), Access.EULA, (LICENCE,))))
    assert rows_of(page) == [
        '<td class="disk"><a href="boot.img.gz">boot.img.gz</a></td>'
        '<td><time datetime="2016-09-30T12:00:00Z">30-Sep-2016 12:00</time></td>'
        '<td title="1,258,291 bytes">1.2 MiB</td>'
        '<td><span class="tag eula">EULA</span> linaro <button class="get" form="get" name="get" '
        'value="boot.img.gz" aria-label="Get boot.img.gz">Get</button></td>'
    ]


def test_a_folder_row_has_a_slash_and_no_size() -> None:
    assert rows_of(HTML.folder(folder_page(visible(Folder("16.12"))))) == [
        '<td class="folder"><a href="16.12/">16.12/</a></td><td>&ndash;</td><td>&ndash;</td><td></td>'
    ]


@pytest.mark.parametrize(
    ("access", "words"),
    [
        (Access.PUBLIC, ""),
        (Access.PRIVATE, '<span class="tag private">private</span>'),
        (Access.CLOSED, '<span class="tag closed">closed</span>'),
    ],
)
def test_the_access_column_names_the_tier(access: Access, words: str) -> None:
    others = visible(Folder("b"), Access.EULA, (LICENCE,))
    row, _ = rows_of(HTML.folder(folder_page(visible(File("a", 1, NOON), access), others)))
    assert f"<td>{words}" in row
    assert ("<button" in row) == (access is not Access.CLOSED)


def test_what_is_public_does_not_say_so_in_each_row() -> None:
    page = HTML.folder(folder_page(visible(File("a", 1, NOON)), visible(Folder("b")))).decode()
    assert "public" not in page.partition("<tbody>")[2]


@given(
    st.lists(
        entry_names | st.sampled_from(["a.img", "B.tar.gz", "SHA256SUMS", "c"]), max_size=6, unique=True
    ),
    st.sampled_from([Access.PUBLIC, Access.EULA, Access.PRIVATE, Access.CLOSED]),
    st.none() | st.sampled_from([NOON, -1e10, 1e13]),
    st.sampled_from([None, "GLACIER"]),
    st.booleans(),
)
def test_the_rows_of_files_that_were_judged_alike_are_those_of_each(
    some: list[str], access: Access, time: float | None, storage_class: str | None, may_share: bool
) -> None:
    files = [
        File(name, 1025**number, time, storage_class=storage_class if number else None)
        for number, name in enumerate(some)
    ]
    licences = (LICENCE,) if access in (Access.EULA, Access.PRIVATE) else ()
    folders = [visible(Folder("sub"))]
    site = replace(SITE, may_share=may_share)

    def page_of(entries: Sequence[VisibleEntry]) -> bytes:
        page = FolderPage(site, FOLDER, entries)
        return HTML.folder(replace(page, totals=totals_of(entries)))

    alone = page_of([*folders, *(visible(file, access, licences) for file in files)])
    for alike in (files, TableFiles(EntryTable.of(files), 0, len(files))):
        together = VisibleFiles(FOLDER, alike, access, licences, is_open=True)
        parts = VisibleParts([part for part in (folders, together) if part])
        assert page_of(parts) == alone
        assert list(parts) == [parts[place] for place in range(len(parts))] == [*folders, *together]


def test_several_licences_are_all_named_and_escaped() -> None:
    licences = (LICENCE, Licence("x", "<b>&"))
    (row,) = rows_of(HTML.folder(folder_page(visible(File("a", 1, NOON), Access.EULA, licences))))
    assert row.partition(" <button")[0].endswith("</span> linaro, &lt;b&gt;&amp;")


def test_a_locked_entry_leads_to_where_it_is_unlocked() -> None:
    page = HTML.folder(folder_page(visible(Folder("members"), Access.PRIVATE, locked=True)))
    (row,) = rows_of(page)
    assert row.endswith('<span class="tag private">private</span> locked</td>')
    assert entry_links(page) == ["members/"]


def test_the_first_row_leads_up_except_at_the_root() -> None:
    below = Reader(HTML.folder(folder_page()))
    assert [tag.attributes["href"] for tag in below.all("a")].count("../") == 1
    assert b"../" not in HTML.folder(folder_page(path=ROOT))


def test_an_empty_folder_says_so() -> None:
    assert b"This folder is empty." in HTML.folder(folder_page())
    assert b"This folder is empty." not in HTML.folder(folder_page(visible(Folder("a"))))


def test_breadcrumbs_link_every_folder_above_and_not_the_folder_itself() -> None:
    page = HTML.folder(folder_page()).decode()
    nav = page[page.index("<nav") : page.index("</nav>")]
    assert re.findall(r'href="([^"]*)"', nav) == ["/./", "/releases/"]
    assert nav.count('aria-current="page"') == 1


def test_the_summary_counts_what_is_shown() -> None:
    entries = (visible(Folder("a")), visible(File("b", 1024, NOON)), visible(File("c", 512, NOON)))
    assert "1 folder, 2 files, 1.5 KiB, newest <time" in HTML.folder(folder_page(*entries)).decode()
    assert "1 file, 1 B, newest" in HTML.folder(folder_page(visible(File("b", 1, NOON)))).decode()
    part = FolderPage(SITE, FOLDER, entries, "c")
    assert "3 entries on this page, more follow" in HTML.folder(part).decode()


def test_the_access_words_on_the_page_are_explained_and_no_others() -> None:
    page = HTML.folder(folder_page(visible(File("a", 1, NOON), Access.CLOSED)))
    assert b"not offered for download" in page
    assert b"a licence is shown first" not in page
    assert b"<dl" not in HTML.folder(folder_page(visible(Folder("a"))))


def test_a_page_that_is_not_the_last_links_to_the_next_twice() -> None:
    page = Reader(HTML.folder(folder_page(visible(Folder("a")), next_after="a b&c\udcff")))
    links = [tag for tag in page.tags if tag.attributes.get("rel") == "next"]
    assert [tag.name for tag in links] == ["link", "a"]
    assert {tag.attributes["href"] for tag in links} == {"?after=a+b%26c%FF"}


def test_the_asked_page_size_is_kept_in_the_next_link() -> None:
    page = FolderPage(SITE, FOLDER, (visible(Folder("a")),), "a", limit=1)
    assert b'href="?after=a&amp;limit=1"' in HTML.folder(page)


def test_the_last_page_has_no_link_with_a_query() -> None:
    page = Reader(HTML.folder(folder_page(visible(File("?after=x", 1, NOON)), visible(Folder("b")))))
    assert not [tag for tag in page.tags if "?" in tag.attributes.get("href", "")]


@given(st.lists(entry_names, unique=True, max_size=20))
@example(list(HOSTILE_NAMES))
def test_every_link_leads_to_its_entry(some: list[str]) -> None:
    entries = files_and_folders(some)
    links = entry_links(HTML.folder(folder_page(*entries)))
    for link, entry in zip(links, entries, strict=True):
        parts = urlsplit(link)
        assert (parts.scheme, parts.netloc, parts.path, parts.query, parts.fragment) == ("", "", link, "", "")
        assert "/" not in link[:-1], "mirroring clients take single names only"
        # RFC 3986 section 5.2.3: a relative path without dot segments is appended to the folder's.
        assert ArtifactPath.parse((FOLDER.url + link).encode("ascii")) == entry.path


@given(st.lists(entry_names, unique=True, max_size=20))
@example(list(HOSTILE_NAMES))
def test_no_name_changes_the_page_around_it(some: list[str]) -> None:
    entries = files_and_folders(some)
    page = Reader(HTML.folder(folder_page(*entries)))
    plain = Reader(HTML.folder(folder_page(*files_and_folders([f"n{n}" for n in range(len(some))]))))
    assert [(tag.name, set(tag.attributes)) for tag in page.tags] == [
        (tag.name, set(tag.attributes)) for tag in plain.tags
    ]
    for name in some:
        assert display_name(name) in page.text


@given(entry_names, entry_names)
@example("<script>", '"onmouseover=')
def test_no_path_changes_the_other_pages(folder: str, name: str) -> None:
    path = ArtifactPath.of(folder, name)
    for page in (
        HTML.licence(LicencePage(SITE, path, Licence(folder, name), name, 2)),
        HTML.download(DownloadPage(SITE, path)),
        HTML.error(ErrorPage(SITE, 404, name, folder, ((name, path.url),))),
        HTML.folder(folder_page(path=path.as_folder)),
    ):
        reader = Reader(page)
        assert scripts_of(reader) <= {OUR_SCRIPT}
        assert not [tag for tag in reader.tags if any(a.startswith(("on", "style")) for a in tag.attributes)]


def test_the_licence_form_carries_what_the_answer_needs() -> None:
    path = ArtifactPath.of("a", "b&c+d e.img")
    reader = Reader(HTML.licence(LicencePage(SITE, path, LICENCE, "tok", 0)))
    (form,) = reader.all("form")
    assert form.attributes == {"method": "post", "action": "/license"}
    assert {tag.attributes["name"]: tag.attributes["value"] for tag in reader.all("input")} == {
        "path": "/a/b&c+d%20e.img",
        "digest": LICENCE.digest,
        "form_token": "tok",
    }
    assert [tag.attributes["name"] for tag in reader.all("button")] == ["accept", "reject"]
    assert f"License-Accepted: {LICENCE.digest}" in reader.text


def test_the_licence_text_is_shown_to_the_letter() -> None:
    text = "\n  <b>Terms</b> &amp;\r\n\n\tEnd\n"
    page = HTML.licence(LicencePage(SITE, FOLDER.child("a"), Licence(text), "t", 0)).decode()
    assert "<pre>\n\n  &lt;b&gt;Terms&lt;/b&gt; &amp;amp;\r\n\n\tEnd\n</pre>" in page


@pytest.mark.parametrize(
    ("remaining", "words"), [(1, "One more licence follows."), (3, "3 more licences follow.")]
)
def test_the_licence_page_says_what_follows(remaining: int, words: str) -> None:
    page = LicencePage(SITE, FOLDER.child("a"), LICENCE, "t", remaining)
    assert words in HTML.licence(page).decode()
    assert "follow" not in HTML.licence(LicencePage(SITE, page.path, LICENCE, "t", 0)).decode()


def test_the_download_page_leads_on_by_itself_and_by_link() -> None:
    reader = Reader(HTML.download(DownloadPage(SITE, ArtifactPath.of("a", "b'; c.img"))))
    assert [tag.attributes["content"] for tag in reader.all("meta") if "http-equiv" in tag.attributes] == [
        "0; url=/a/b%27%3B%20c.img"
    ]
    assert "/a/b%27%3B%20c.img" in [tag.attributes["href"] for tag in reader.all("a")]


def test_an_error_page_offers_the_next_steps_in_order() -> None:
    page = ErrorPage(SITE, 403, "Members only", "Ask <us>.", (("Log in", "/login?a=1&b=2"), ("Up", "/")))
    reader = Reader(HTML.error(page))
    links = [tag.attributes["href"] for tag in reader.all("a") if "button" in tag.attributes.get("class", "")]
    assert links == ["/login?a=1&b=2", "/"]
    assert "403" in reader.text
    assert "Ask <us>." in reader.text


def every_page() -> list[bytes]:
    path = FOLDER.child("a")
    return [
        HTML.folder(folder_page(visible(File("a", 1, NOON)), next_after="a")),
        HTML.licence(LicencePage(SITE, path, LICENCE, "t", 1)),
        HTML.download(DownloadPage(SITE, path)),
        HTML.error(ErrorPage(SITE, 404, "Not found", "Nothing here.", ())),
    ]


OUR_SCRIPT = next(name for name in load_static(templates_directory()) if name.endswith(".js"))


def scripts_of(reader: Reader) -> set[str]:
    """The files whose scripts a page runs. None has another attribute, or a text of its own."""
    tags = reader.all("script")
    assert all(set(tag.attributes) == {"defer", "src"} for tag in tags)
    return {tag.attributes["src"].removeprefix("/-/static/") for tag in tags}


@pytest.mark.parametrize("page", every_page())
def test_every_page_can_be_read_without_eyes_or_mouse(page: bytes) -> None:
    reader = Reader(page)
    assert reader.all("html")[0].attributes == {"lang": "en"}
    for landmark in ("title", "header", "nav", "main", "footer", "h1"):
        assert len(reader.all(landmark)) == 1, landmark
    assert all(tag.attributes["scope"] == "col" for tag in reader.all("th"))


@pytest.mark.parametrize("page", every_page())
def test_every_page_obeys_the_content_security_policy(page: bytes) -> None:
    reader = Reader(page)
    assert scripts_of(reader) <= {OUR_SCRIPT}
    assert not reader.all("style")
    assert not reader.all("base")
    for tag in reader.all("link"):
        assert tag.attributes["href"].startswith(("/-/static/", "?after="))
    assert b"//" not in page, "nothing of another host, not even a comment"
