"""What is new in a folder, as a feed (RFC 4287)."""

from __future__ import annotations

import heapq
import math
import re
from html import escape
from typing import Final

from app.domain.access import VisibleEntry
from app.domain.entries import File
from app.domain.paths import display_name
from app.pages.contexts import FolderPage
from app.pages.formats import iso_text, size_text

MOST_ENTRIES: Final = 50
"""A reader asks again before there are so many new ones."""
_NO_CHARACTER: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold (XML 1.0 section 2.2)."""
_NEVER: Final = "1970-01-01T00:00:00Z"
"""When an entry without a time was changed: a feed must say it, and this is the same each time."""


def folder_feed(page: FolderPage) -> bytes:
    """The newest entries of a folder, newest first; then those without a time, such as folders of S3, in the folder's own
    order. Locked ones are left out.

    The id of an entry is its URL, so it is the same each time; where a file is replaced, the entry is updated.
    """
    shown = [visible for visible in page.entries if not visible.locked]
    newest = heapq.nsmallest(MOST_ENTRIES, shown, key=_age)
    folder = page.mount.whole_url(page.path)
    title = f"/{page.path.text}" if page.path.segments else page.site.title
    head = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f"<id>{_xml(folder)}</id>\n"
        f"<title>{_xml(f'{display_name(title)} – {page.site.title}')}</title>\n"
        f"<updated>{_updated(newest[0]) if newest else _NEVER}</updated>\n"
        f"<author><name>{_xml(page.site.title)}</name></author>\n"
        f'<link rel="self" type="application/atom+xml" href="{_xml(folder)}?format=atom"/>\n'
        f'<link rel="alternate" type="text/html" href="{_xml(folder)}"/>\n'
    )
    body = "".join([_entry(page, visible) for visible in newest])
    return f"{head}{body}</feed>\n".encode("utf-8", "replace")


def _age(visible: VisibleEntry) -> float:
    return math.inf if visible.entry.modified is None else -visible.entry.modified


def _updated(visible: VisibleEntry) -> str:
    return iso_text(visible.entry.modified) or _NEVER


def _entry(page: FolderPage, visible: VisibleEntry) -> str:
    entry, url = visible.entry, _xml(page.mount.whole_url(visible.path))
    facts = [visible.access.value, *(licence.name for licence in visible.licences)]
    enclosure = ""
    if isinstance(entry, File):
        facts.insert(0, size_text(entry.size))
        enclosure = f'<link rel="enclosure" length="{entry.size}" href="{url}"/>\n'
    facts += [f"{digest.algorithm} {digest.value.hex()}" for digest in page.digests_of(visible)]
    name = display_name(entry.name) + ("/" if entry.is_folder else "")
    return (
        f"<entry>\n<id>{url}</id>\n<title>{_xml(name)}</title>\n"
        f"<updated>{_updated(visible)}</updated>\n"
        f'<link rel="alternate" href="{url}"/>\n{enclosure}'
        f"<summary>{_xml(', '.join(map(display_name, facts)))}</summary>\n</entry>\n"
    )


def _xml(text: str) -> str:
    return escape(_NO_CHARACTER.sub("\ufffd", text))
