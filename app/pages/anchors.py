"""Links within a document: to its headings, and to whatever else in it has an id."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from typing import Final
from urllib.parse import unquote

_TAG: Final = re.compile(r'<(?P<tag>[a-z][a-z0-9]*)(?P<attributes>(?: [a-z]+="[^"]*")*)>')
_ID: Final = re.compile(r' (?:id|name)="([^"]*)"')
_FRAGMENT: Final = re.compile(r' href="#([^"]*)"')
_ANY_TAG: Final = re.compile("<[^>]*>")
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


def with_anchors(html: str, prefix: str) -> str:
    """A document whose headings have ids, as GitHub makes them, and whose links lead there. Links to nowhere are none.

    Args:
        html: as nh3 writes it.
        prefix: of all ids, so that they are apart from those of the page and of other documents.
    """
    anchors = _Anchors(html, prefix)
    return _TAG.sub(anchors.linked, _TAG.sub(anchors.marked, html))


class _Anchors:
    def __init__(self, html: str, prefix: str) -> None:
        self._html = html
        self._prefix = prefix
        self._known: set[str] = set()
        self._headings: Counter[str] = Counter()

    def marked(self, match: re.Match[str]) -> str:
        """A tag with its id, if it has one."""
        tag, attributes = match["tag"], _ID.sub("", match["attributes"])
        given = _ID.search(match["attributes"])
        anchor = _anchor(given[1]) if given else ""
        if not anchor and tag in _HEADINGS:
            anchor = self._of_heading(match.end())
        if not anchor or anchor in self._known:
            return f"<{tag}{attributes}>"
        self._known.add(anchor)
        return f'<{tag} id="{self._prefix}{anchor}"{attributes}>'

    def linked(self, match: re.Match[str]) -> str:
        """A tag whose link leads to such an id.

        Its value has no quotes: programs that read listings with a pattern (fsspec) take a quoted one for an entry.
        """
        if (fragment := _FRAGMENT.search(match["attributes"])) is None:
            return match[0]
        anchor = _anchor(unquote(fragment[1]))
        link = f" href=#{self._prefix}{anchor}" if anchor in self._known else ""
        return f"<{match['tag']}{_FRAGMENT.sub(link, match['attributes'])}>"

    def _of_heading(self, start: int) -> str:
        anchor = _anchor(_ANY_TAG.sub("", self._html[start : self._html.find("</h", start)]))
        self._headings[anchor] += 1
        number = self._headings[anchor] - 1
        return f"{anchor}-{number}" if anchor and number else anchor


def _anchor(text: str) -> str:
    """Letters, digits and hyphens of a text, in lower case."""
    return re.sub(r"[^\w-]", "", unescape(text).strip().lower().replace(" ", "-"))
