"""Checksums as `sha256sum` writes and checks them (GNU coreutils manual, "cksum output modes")."""

from __future__ import annotations

from app.domain.access import VisibleEntry
from app.domain.paths import ArtifactPath


def checksum_line(digest: str, visible: VisibleEntry, root: ArtifactPath) -> bytes:
    """`<hex>  <path>` with its line feed; a path with a backslash is escaped, which a backslash in front tells.

    Args:
        digest: in lower-case hex.
        root: the folder below which the path is given.
    """
    path = _below(visible, root)
    if path == b"-":
        path = b"./-"  # which would be the standard input
    escaped = path.replace(b"\\", b"\\\\")
    return (b"\\" if escaped != path else b"") + digest.encode("ascii") + b"  " + escaped + b"\n"


def left_out_line(reason: str, visible: VisibleEntry, root: ArtifactPath) -> bytes:
    """A comment, which `sha256sum` passes over, in the place of a file that has no line."""
    return b"# " + reason.encode("ascii") + b": " + _below(visible, root) + b"\n"


def left_out_total(count: int) -> bytes:
    """The last line of a list that lacks files.

    It is no comment: `sha256sum --check` warns of it, and with `--strict` fails, so that nobody takes for whole
    what has been checked in part.
    """
    return b"%d %s not in this list, see the comments\n" % (count, b"file is" if count == 1 else b"files are")


def _below(visible: VisibleEntry, root: ArtifactPath) -> bytes:
    return "/".join(visible.path.segments[len(root.segments) :]).encode("utf-8", "surrogateescape")
