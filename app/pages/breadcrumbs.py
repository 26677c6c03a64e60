"""The way from the root down to a path."""

from __future__ import annotations

from typing import NamedTuple

from app.domain.paths import ROOT, ArtifactPath, display_name


class Crumb(NamedTuple):
    """One step of the way.

    Attributes:
        label: for people; not yet escaped.
        href: absolute, percent-encoded URL path.
    """

    label: str
    href: str


def breadcrumbs(path: ArtifactPath, root_label: str) -> tuple[Crumb, ...]:
    """One crumb for the root, one for every folder on the way, the last one for the path itself.

    Args:
        path: where the way ends; a file's own crumb has no slash at its end.
        root_label: what the root is called.
    """
    crumbs = [Crumb(root_label, ROOT.url)]
    for depth, name in enumerate(path.segments, start=1):
        is_last = depth == len(path.segments)
        step = path if is_last else ArtifactPath(path.segments[:depth], True)
        crumbs.append(Crumb(display_name(name), step.url))
    return tuple(crumbs)
