"""Lists of checksums in the format of `sha256sum` (GNU coreutils manual, "cksum output modes")."""

from __future__ import annotations

from app.domain.access import VisibleEntry
from app.domain.paths import ArtifactPath


def checksum_line(digest: str, visible: VisibleEntry, root: ArtifactPath) -> bytes:
    """`<hex>  <path>` with its line feed. A path with a backslash is escaped, and marked by a backslash in front.

    Args:
        digest: in lower-case hex.
        root: the folder below which the path is given.
    """
    path = _below(visible, root)
    if path == b"-":
        path = b"./-"  # `-` would be the standard input
    escaped = path.replace(b"\\", b"\\\\")
    return (b"\\" if escaped != path else b"") + digest.encode("ascii") + b"  " + escaped + b"\n"


def left_out_line(reason: str, visible: VisibleEntry, root: ArtifactPath) -> bytes:
    """A comment, which `sha256sum` ignores, in place of a file or folder without a line."""
    return b"# " + reason.encode("ascii") + b": " + _below(visible, root) + b"\n"


def left_out_total(files: int, folders: int) -> bytes:
    """The last line of a list that lacks files, or whole folders.

    It is not a comment: `sha256sum --check` warns about it, and with `--strict` fails, so that nobody takes a
    partial check for a complete one.
    """
    counts = ((files, "file"), (folders, "folder"))
    said = " and ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counts if count)
    verb = "is" if files + folders == 1 else "are"
    return f"{said} {verb} not in this list, see the comments\n".encode("ascii")


def _below(visible: VisibleEntry, root: ArtifactPath) -> bytes:
    path = "/".join(visible.path.segments[len(root.segments) :])
    return (path + "/" if visible.path.is_folder else path).encode("utf-8", "surrogateescape")
