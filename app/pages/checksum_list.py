"""Lists of checksums in the format of `sha256sum` (GNU coreutils manual, "cksum output modes")."""

from __future__ import annotations

from typing import Final

from app.domain.access import VisibleEntry
from app.domain.paths import ArtifactPath


def checksum_line(digest: str, visible: VisibleEntry, root: ArtifactPath) -> bytes:
    """`<hex>  <path>` with its line feed. A path with a backslash is escaped, and marked by a backslash in front.

    Args:
        digest: in lower-case hex.
        root: the folder below which the path is given.
    """
    path = _below(visible.path, root)
    if path == b"-":
        path = b"./-"  # `-` would be the standard input
    escaped = path.replace(b"\\", b"\\\\")
    return (b"\\" if escaped != path else b"") + digest.encode("ascii") + b"  " + escaped + b"\n"


def left_out_line(reason: str, visible: VisibleEntry, root: ArtifactPath) -> bytes:
    """A comment, which `sha256sum` ignores, in place of a file or folder without a line."""
    return b"# " + reason.encode("ascii") + b": " + _below(visible.path, root) + b"\n"


STORED: Final = b"# stored with the files\n"
"""Says that the checksums of the next lines are: what a list without such comments has are, too."""


def source_line(source: ArtifactPath, root: ArtifactPath) -> bytes:
    """A comment that says which file the checksums of the next lines are from."""
    return b"# from " + _below(source, root) + b"\n"


def left_out_total(files: int, folders: int) -> bytes:
    """The last line of a list that lacks files, or whole folders.

    It is not a comment: `sha256sum --check` warns about it, and with `--strict` fails, so that nobody takes a
    partial check for a complete one.
    """
    counts = ((files, "file"), (folders, "folder"))
    said = " and ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counts if count)
    verb = "is" if files + folders == 1 else "are"
    return f"{said} {verb} not in this list, see the comments\n".encode("ascii")


def _below(path: ArtifactPath, root: ArtifactPath) -> bytes:
    below = "/".join(path.segments[len(root.segments) :])
    return (below + "/" if path.is_folder else below).encode("utf-8", "surrogateescape")
