"""Listings for scripts: JSON, ndjson and text."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.access import VisibleEntry
from app.domain.entries import Digest, File, Folder
from app.domain.mounts import AT_ROOT, Mount
from app.domain.paths import display_name, encode_name
from app.pages.contexts import FolderPage
from app.pages.formats import iso_text
from app.pages.json_bytes import json_bytes
from app.pages.links import next_query


def entry_object(visible: VisibleEntry, mount: Mount = AT_ROOT) -> dict[str, object]:
    """One entry as JSON has it.

    Args:
        mount: where the site is mounted for this request.

    Returns:
        name (display form), type (`file` or `folder`), size (bytes; null where it is not
        known, as those of most folders), modified (RFC 3339 in
        UTC; null where unknown), e_tag (opaque, without quotes; null where unknown), url (absolute path,
        percent-encoded, exact), access, licences (each with name, digest and sha256) and locked; storage_class where
        a file has one other than the usual.
    """
    entry = visible.entry
    described: dict[str, object] = {
        "name": display_name(entry.name),
        "type": "folder" if entry.is_folder else "file",
        "size": entry.size,
        "modified": iso_text(entry.modified),
        "e_tag": None if isinstance(entry, Folder) else entry.e_tag,
        "url": mount.url(visible.path),
        "access": visible.access.value,
        "licences": [
            {"name": display_name(licence.name), "digest": licence.digest, "sha256": licence.sha256}
            for licence in visible.licences
        ],
        "locked": visible.locked,
    }
    if isinstance(entry, File) and entry.storage_class is not None:
        described["storage_class"] = entry.storage_class
    return described


def folder_json(page: FolderPage) -> bytes:
    """One page of a folder as one JSON object.

    Returns:
        path (decoded, for people), url (exact), entries, total (folders, files and size of all pages together; null
        where that is not counted), truncated, and next: where truncated, a relative reference to the following page in
        the same representation, else null.
    """
    # Entry by entry: while one call encodes all of a large folder, no other thread gets a turn.
    entries = b",".join(
        [
            json_bytes(entry_object(visible, page.mount) | digest_members(page.digests_of(visible)))
            for visible in page.entries
        ]
    )
    before = json_bytes({"path": "/" + display_name(page.path.text), "url": page.url})
    after = json_bytes(
        {
            "total": None if page.totals is None else page.totals._asdict(),
            "truncated": page.next_after is not None,
            "next": next_query(page, "json"),
        }
    )
    return b'%b,"entries":[%b],%b' % (before[:-1], entries, after[1:])


def folder_ndjson(page: FolderPage) -> bytes:
    """One page of a folder as one JSON object per line."""
    return b"".join(
        [entry_line(visible, page.mount, page.digests_of(visible) or None) for visible in page.entries]
    )


def entry_line(
    visible: VisibleEntry, mount: Mount = AT_ROOT, digests: Sequence[Digest] | None = None
) -> bytes:
    """One line of ndjson, with its line feed.

    Args:
        mount: where the site is mounted for this request.
        digests: of a file; None for a line without the member.
    """
    line = entry_object(visible, mount)
    if digests is not None:
        line |= digest_members(digests) or {"digests": {}}
    return json_bytes(line) + b"\n"


def digest_members(digests: Sequence[Digest]) -> dict[str, object]:
    """What an entry has beside other members if its digests are known.

    Returns:
        digests: their values in lower-case hex by the names that they have in HTTP (RFC 9530); and for those that
        another file of the folder says, digests_from: its name. Empty without digests.
    """
    members: dict[str, object] = {}
    if digests:
        members["digests"] = {digest.algorithm: digest.value.hex() for digest in digests}
    if listed := {digest.algorithm: display_name(digest.source) for digest in digests if digest.source}:
        members["digests_from"] = listed
    return members


def left_out_line(folders: int) -> bytes:
    """The last line of ndjson of a subtree that lacks folders, because their rules cannot be read."""
    return json_bytes({"left_out": folders}) + b"\n"


def folder_text(page: FolderPage) -> bytes:
    """One page of a folder as one percent-encoded name per line.

    Folders end in `/`. A line appended to the folder's URL is the entry's URL.
    """
    return b"".join(map(entry_name_line, page.entries))


def entry_name_line(visible: VisibleEntry) -> bytes:
    """One line of that, with its line feed."""
    end = "/\n" if visible.entry.is_folder else "\n"
    return (encode_name(visible.entry.name) + end).encode("ascii")
