"""The JSON of the original server's API."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.domain.access import Licence, VisibleEntry
from app.domain.entries import Folder
from app.domain.mounts import AT_ROOT, Mount
from app.domain.paths import display_name
from app.pages.json_bytes import json_bytes


def ls_json(
    entries: Sequence[VisibleEntry], media_type: Callable[[str], str | None], mount: Mount = AT_ROOT
) -> bytes:
    """The answer of `/api/ls/`, with the keys and types of the original server.

    Args:
        entries: a folder's entries, or one file.
        media_type: gives a file name's media type, or None if it is not known.
        mount: where they are listed.

    Returns:
        `{"files": [{"name", "size", "type", "mtime", "url"}]}`; size in bytes, 0 for folders; type is
        `folder`, a media type or null; mtime in seconds since the epoch, null where unknown.
    """
    # Entry by entry: while one call encodes all of a large folder, no other thread gets a turn.
    items = [json_bytes(_ls_item(visible, media_type, mount)) for visible in entries]
    return b'{"files":[%b]}' % b",".join(items)


def _ls_item(
    visible: VisibleEntry, media_type: Callable[[str], str | None], mount: Mount
) -> dict[str, object]:
    entry = visible.entry
    return {
        "name": display_name(entry.name),
        "size": 0 if isinstance(entry, Folder) else entry.size,
        "type": "folder" if entry.is_folder else media_type(entry.name),
        "mtime": None if entry.modified is None else float(entry.modified),
        "url": mount.url(visible.path),
    }


def license_object(licences: Sequence[Licence] | None, error: str | None = None) -> dict[str, object]:
    """The answer of `/api/license/` for one file, as of the original server.

    Args:
        licences: of the file, in order; None or empty if it is open.
        error: why there is no answer (a folder, or a file that nobody may have), for people.

    Returns:
        `{"licenses": ["Open"]}`, `{"licenses": [{"text", "digest", "sha256", "name"}, ...]}` or
        `{"licenses": ["ERROR: ..."]}`.
    """
    if error is not None:
        return {"licenses": [f"ERROR: {error}"]}
    if not licences:
        return {"licenses": ["Open"]}
    return {
        "licenses": [
            {
                "text": display_name(licence.text),
                "digest": licence.digest,
                "sha256": licence.sha256,
                "name": display_name(licence.name),
            }
            for licence in licences
        ]
    }
