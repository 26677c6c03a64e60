"""Breadcrumbs: the way from the root down to a path."""

from __future__ import annotations

from typing import Final, NamedTuple

from app.domain.mounts import AT_ROOT, Mount
from app.domain.paths import ROOT, ArtifactPath, display_name

ROOT_HREF: Final = "/./"
"""The root as a link, behind the root path. Scrapers (fsspec) take a lone `/` for a name in the folder that they read."""


class Crumb(NamedTuple):
    """One step of the way.

    Attributes:
        label: for people; not yet escaped.
        href: absolute, percent-encoded URL path, fit for an attribute.
    """

    label: str
    href: str


def breadcrumbs(path: ArtifactPath, root_label: str, mount: Mount = AT_ROOT) -> tuple[Crumb, ...]:
    """One crumb for the root, one for every folder on the way, the last one for the path itself.

    Args:
        path: where the way ends; a file's own crumb has no slash at its end.
        root_label: what the root is called.
        mount: where these are.
    """
    crumbs = [Crumb(root_label, mount.href(ROOT) if mount.prefix else mount.root_path + ROOT_HREF)]
    for depth, name in enumerate(path.segments, start=1):
        is_last = depth == len(path.segments)
        step = path if is_last else ArtifactPath(path.segments[:depth], True)
        crumbs.append(Crumb(display_name(name), mount.href(step)))
    return tuple(crumbs)
