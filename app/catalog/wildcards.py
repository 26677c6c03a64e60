"""A wildcard in the last name of a path: `.../latest/*.img.gz`."""

from __future__ import annotations

from itertools import islice
from typing import Final

from app.catalog.views import FolderView
from app.domain.entries import File
from app.domain.errors import AmbiguousPattern, Moved, NotFound
from app.domain.paths import ArtifactPath, display_name
from app.policy.name_patterns import MAX_PATTERN_BYTES, NamePattern, is_wild

MAX_MATCHES_NAMED: Final = 20


def is_wildcard(name: str) -> bool:
    """Whether a name is a wildcard. One that is longer than any file name is not."""
    return is_wild(name) and len(name.encode("utf-8", "surrogateescape")) <= MAX_PATTERN_BYTES


def only_match(view: FolderView, pattern: str) -> tuple[ArtifactPath, File]:
    """The one entry that a wildcard stands for, among those the principal may see.

    It stops at the number of matches that the error names.

    Raises:
        NotFound: none matches. AmbiguousPattern: several do. Moved: it is a folder.
    """
    unlocked = (visible for visible in view.matching(NamePattern.compile(pattern)) if not visible.locked)
    matches = list(islice(unlocked, MAX_MATCHES_NAMED + 1))
    if not matches:
        raise NotFound
    if len(matches) > 1:
        names = tuple(display_name(visible.entry.name) for visible in matches[:MAX_MATCHES_NAMED])
        raise AmbiguousPattern(names if len(matches) <= MAX_MATCHES_NAMED else (*names, "..."))
    path, entry = matches[0].path, matches[0].entry
    if not isinstance(entry, File):
        raise Moved(path.as_folder)
    return path, entry
