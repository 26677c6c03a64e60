"""Documents in some markup as HTML that is safe to show on a page of ours.

Whatever a document holds, what comes out has no script, no style, no form, and no link but to http, https, mailto or a place
on this site. Libraries that are slow to load are loaded when they are first needed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from html import escape
from html.parser import HTMLParser
from typing import Final
from xml.parsers import expat

from app.domain.texts import BYTE_ORDER_MARK
from app.pages.anchors import with_anchors
from app.pages.documents import Markup
from app.pages.file_view import PLAIN_QUERY

MAX_DOCUMENT_BYTES: Final = 128 * 1024
"""Longer files are only listed."""

_TAGS: Final = frozenset(
    {
        "a",
        "abbr",
        "b",
        "blockquote",
        "br",
        "caption",
        "cite",
        "code",
        "col",
        "colgroup",
        "dd",
        "del",
        "details",
        "dfn",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "ins",
        "kbd",
        "li",
        "mark",
        "ol",
        "p",
        "pre",
        "q",
        "s",
        "samp",
        "section",
        "small",
        "span",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "tt",
        "u",
        "ul",
        "var",
    }
)
_ATTRIBUTES: Final = {
    "*": {"id"},
    "a": {"href", "name", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
"""What HTML cannot hold (HTML section 13.2.3.5). A form feed is a space."""
_HEADING: Final = re.compile(r'<(/?)h([1-6])((?: id="[^"]*")?)>')
_IMAGE_WITHOUT_ALT: Final = re.compile(r'<img(?![^<]* alt=")')
_IS_HTML: Final = re.compile(r"</?(?:html|body|p|br|h[1-6]|ul|ol|table|div) ?/?>", re.IGNORECASE)
"""A tag that makes lines or blocks of its own. A text that has none of these keeps its lines."""
_IS_ELSEWHERE: Final = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:|[/\\]{2})", re.IGNORECASE)
"""A URL with a scheme or a host."""
_TOP_LEVEL: Final = 2
"""Of the heading above a document."""
_WORK_SECONDS: Final = 5
_WORK_BYTES: Final = 1024 * 1024 * 1024


def render(markup: Markup, text: str, prefix: str = "doc-") -> str:
    """A document as safe HTML. What its markup does not allow is shown as plain text.

    Args:
        text: at most `MAX_DOCUMENT_BYTES` of it.
        prefix: of all ids in it.
    """
    return _CONTROLS.sub("\ufffd", _rendered(markup, text, prefix))


def _rendered(markup: Markup, text: str, prefix: str) -> str:
    if markup == "text":
        return _plain(text)
    try:
        return _levelled(with_anchors(_sanitised(_RENDERERS[markup](text)), prefix))
    except Exception:  # noqa: BLE001 - a document must not break the page, and these libraries raise anything
        return _plain(text)


def licence_html(text: str) -> str:
    """A licence text as safe HTML: one that is written in HTML as that, any other with its lines as they are."""
    return render("html" if _IS_HTML.search(text) else "text", text.removeprefix(BYTE_ORDER_MARK))


def is_quick(markup: Markup) -> bool:
    """Whether rendering takes time in proportion to the text, whatever it holds."""
    return markup in ("markdown", "text")


def _plain(text: str) -> str:
    # The first line feed in a `pre` does not count, so that one of the text's own would be lost.
    return f"<pre>\n{escape(text)}</pre>"


def _markdown(text: str) -> str:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": 20}).enable(["table", "strikethrough"])
    return str(parser.render(text))


def _rst(text: str) -> str:
    from docutils.core import publish_parts

    settings = {
        "_disable_config": True,
        "doctitle_xform": False,
        "file_insertion_enabled": False,
        "halt_level": 5,
        "raw_enabled": False,
        "report_level": 5,
        "syntax_highlight": "none",
    }
    return str(publish_parts(text, writer="html5", settings_overrides=settings)["body"])


def _textile(text: str) -> str:
    import textile

    return str(textile.textile(text, html_type="html5"))


def _html(text: str) -> str:
    """The insides of the elements with the id `content`, where there are any; else all of it."""
    content = _ContentParser(text)
    return content.found() or text


def _manifest(text: str) -> str:
    """What an annotated manifest says of each project: the comment that stands before it."""
    comments: list[str] = []
    found: list[str] = []

    def start(_: str, attributes: dict[str, str]) -> None:
        if comments:
            name, description = escape(attributes.get("name", "")), escape(comments[-1].strip())
            found.append(f"<p><b>Project:</b> {name}<br><b>Description:</b> {description}</p>")
            comments.clear()

    def refuse(*_: object) -> None:
        raise ValueError("a manifest declares no entities")

    parser = expat.ParserCreate()
    parser.CommentHandler, parser.StartElementHandler, parser.EntityDeclHandler = (
        comments.append,
        start,
        refuse,
    )
    parser.Parse(text, True)
    return "".join(found)


_RENDERERS: Final[dict[Markup, Callable[[str], str]]] = {
    "markdown": _markdown,
    "rst": _rst,
    "textile": _textile,
    "html": _html,
    "manifest": _manifest,
}


def _sanitised(html: str) -> str:
    import nh3

    return nh3.clean(
        html,
        tags=set(_TAGS),
        clean_content_tags={"script", "style", "title"},
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=_kept,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
    )


def _kept(tag: str, attribute: str, value: str) -> str | None:
    """The value of an attribute, or None to drop it.

    Images of this site must come from it, not from a storage that it redirects to.
    """
    if (tag, attribute) != ("img", "src") or _IS_ELSEWHERE.match(value):
        return value
    return value.partition("#")[0].partition("?")[0] + PLAIN_QUERY


def _levelled(html: str) -> str:
    """Headings below that of the document, none more than one level below the one before; images with a text."""
    level = _TOP_LEVEL
    open_levels: list[int] = []

    def place(match: re.Match[str]) -> str:
        nonlocal level
        if match[1]:
            return f"</h{open_levels.pop() if open_levels else level}>"
        level = min(int(match[2]) + _TOP_LEVEL, level + 1, 6)
        open_levels.append(level)
        return f"<h{level}{match[3]}>"

    return _IMAGE_WITHOUT_ALT.sub('<img alt=""', _HEADING.sub(place, html))


class _ContentParser(HTMLParser):
    """Finds the insides of the elements with the id `content`."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self._text = text
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self._tag = ""
        self._depth = 0
        self._start = 0
        self._found: list[str] = []
        self.feed(text)

    def found(self) -> str:
        """All of them."""
        return "".join(self._found)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._depth:
            self._depth += tag == self._tag
        elif ("id", "content") in attrs:
            self._tag, self._depth = tag, 1
            self._start = self._offset() + len(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if self._depth and tag == self._tag:
            self._depth -= 1
            if not self._depth:
                self._found.append(self._text[self._start : self._offset()])

    def _offset(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column


def main() -> None:
    """Render the standard input, within bounds of time and memory. The arguments name its markup and the prefix of its ids."""
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (_WORK_SECONDS, _WORK_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_WORK_BYTES, _WORK_BYTES))
    markup: Markup = next(known for known in _RENDERERS if known == sys.argv[1])
    sys.stdout.buffer.write(render(markup, sys.stdin.buffer.read().decode(), sys.argv[2]).encode())


if __name__ == "__main__":
    main()
