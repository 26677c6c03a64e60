"""Documents as HTML: what they say is shown, and nothing that they hold acts."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pages.documents import Markup
from app.pages.markup import licence_html, render

MARKUPS: tuple[Markup, ...] = ("markdown", "rst", "textile", "html", "text", "manifest")
PIECES = st.sampled_from(
    [
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[a](javascript:alert(1))", "\n", "# ", "h1. ",
        '"a":javascript:alert(1)', ".. raw:: html\n\n   <script>alert(1)</script>\n\n", "<style>*{display:none}</style>",
        "<a href='#content'>x</a>", "<p id=q>", "<a name=get>", "<form action=/license><input name=accept></form>", "<iframe src=/></iframe>",
        "<div id=content>", "</div>", "<svg><script>alert(1)</script></svg>", "<!--", "-->", "<base href=//evil>",
        ".. include:: /etc/passwd\n", "`a <javascript:alert(1)>`_", "<a href=data:text/html,x>y</a>", "text", "***",
        "<m><!--c--><p name='<b>'/></m>", "!javascript:alert(1)!", "<meta http-equiv=refresh content=0>", "\x00", "ü",
    ]
)  # fmt: skip


class Acts(HTMLParser):
    """Collects what would act in a browser."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "style", "form", "input", "iframe", "svg", "base", "meta", "link", "object"}:
            self.found.append(tag)
        for name, value in attrs:
            is_local = re.match(
                r"(?!#(?!doc-))[^:]*(?:[/?#].*)?$|https?:|mailto:", value or "", re.IGNORECASE | re.DOTALL
            )
            if (
                name.startswith("on")
                or name in {"style", "class", "name"}
                or (name == "id" and not (value or "").startswith("doc-"))
                or (name in {"href", "src"} and not is_local)
            ):
                self.found.append(f"{tag} {name}={value}")


@pytest.mark.parametrize("markup", MARKUPS)
@given(st.lists(PIECES, max_size=8).map("".join))
def test_nothing_in_a_document_acts(markup: Markup, text: str) -> None:
    assert Acts(render(markup, text)).found == []


@pytest.mark.parametrize(
    ("markup", "text", "expected"),
    [
        ("markdown", "# Notes\n\n[a file](sub/a.img)", '<h3 id="doc-notes">Notes</h3>'),
        (
            "markdown",
            "[a file](sub/a.img)",
            '<a href="sub/a.img" rel="nofollow noopener noreferrer">a file</a>',
        ),
        ("markdown", "|a|\n|-|\n|b|", "<td>b</td>"),
        ("markdown", "# Build & *run*", '<h3 id="doc-build--run">'),
        ("markdown", "[a](#build--run)\n# Build & run", "<a href=#doc-build--run "),
        ("markdown", "[a](#x-1)\n# X\n# X", "<a href=#doc-x-1 "),
        ("markdown", "[a](#%C3%BCber)\n# \u00dcber", "<a href=#doc-\u00fcber "),
        ("markdown", '[a](#old)\n\n<a name="old"></a>', '<a id="doc-old" '),
        ("markdown", "[a](#none)", "<p><a rel="),
        ("html", "<p id=a>1</p><p id=a>2</p>", '<p id="doc-a">1</p><p>2</p>'),
        ("rst", ".. contents::\n\nA\n=\n\nB & C\n-----\n\n`A`_", "href=#doc-b-c "),
        ("textile", 'h1(#top). Notes\n\n"up":#top', "<a href=#doc-top "),
        ("markdown", "![](shot.png)", '<img src="shot.png?view=0" alt="">'),
        ("html", '<p><img src="//a.example/b?c">', 'src="//a.example/b?c"'),
        ("rst", "Notes\n=====\n\n* one", "<h3>Notes</h3>"),
        ("rst", "`a file <a.img>`_", '<a href="a.img"'),
        ("textile", "h1. Notes", '<h3 id="doc-notes">Notes</h3>'),
        ("textile", "* one\n* two", "<li>two</li>"),
        ("html", '<p>no</p><div id="content"><div>yes</div></div>', "<div>yes</div>"),
        ("html", "<p>all of it</p>", "<p>all of it</p>"),
        ("text", "a  <b>\n c", "<pre>\na  &lt;b&gt;\n c</pre>"),
        ("text", "\x1b[31mred\x00\r\n\f", "<pre>\n\ufffd[31mred\ufffd\r\n\f</pre>"),
        ("markdown", "a\x1bb\x9bc&#27;", "<p>a\ufffdb\ufffdc\ufffd</p>"),
        ("manifest", "<m><!-- fix & go --><project name='a/b'/></m>", "<b>Description:</b> fix &amp; go</p>"),
        ("manifest", "<m", "<pre>\n&lt;m</pre>"),
        ("manifest", '<!DOCTYPE m [<!ENTITY a "b">]><m>&a;</m>', "<pre>\n&lt;!DOCTYPE"),
    ],
)
def test_what_a_document_says_is_shown(markup: Markup, text: str, expected: str) -> None:
    assert expected in render(markup, text)


def test_only_the_content_of_a_whole_html_page_is_shown() -> None:
    assert "no" not in render("html", '<p>no</p><div id="content">yes</div><p>no</p>')


def test_headings_go_down_one_level_at_a_time() -> None:
    assert re.findall(r"<h(\d)[ >]", render("markdown", "#### a\n\n# b\n\n###### c\n\n## d")) == [
        "3",
        "3",
        "4",
        "4",
    ]


def test_a_file_of_the_server_is_never_included() -> None:
    text = render("rst", ".. include:: /etc/passwd\n\n.. csv-table::\n   :file: /etc/passwd\n")
    assert "root:" not in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<h1>Terms</h1><p>Be <b>nice</b>.<script>alert(1)</script>", "<p>Be <b>nice</b>.</p>"),
        ("\ufeffBe nice.", "<pre>\nBe nice.</pre>"),
        ("Be nice.<br>Always.", "Be nice.<br>Always."),
        ("a\n  <you@example.org>\nb < c", "<pre>\na\n  &lt;you@example.org&gt;\nb &lt; c</pre>"),
        ("Copyright <year> <name>", "<pre>\nCopyright &lt;year&gt; &lt;name&gt;</pre>"),
    ],
)
def test_a_licence_in_html_is_rendered_and_any_other_keeps_its_lines(text: str, expected: str) -> None:
    assert expected in licence_html(text)


@given(st.lists(PIECES, max_size=8).map("".join))
def test_nothing_in_a_licence_acts(text: str) -> None:
    assert Acts(licence_html(text)).found == []
