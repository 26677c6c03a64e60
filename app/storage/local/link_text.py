"""Finds the path that the text of a symbolic link names: one hop, without reading the target."""

from __future__ import annotations

import os


def named_by_link(text: str, root: str, above: tuple[str, ...]) -> tuple[str, ...]:
    """The path that a link names, which may be a link again, or absent.

    Args:
        text: content of the link.
        root: the real path of the served directory.
        above: the folder of the link, below the root; no part of it is a link.

    Returns:
        Segments below the root.

    Raises:
        ValueError: it leads out of the root; or back up, with `..`, from behind another link, so that nothing could
            judge where that one leads.
    """
    inside, outside = list(above), root
    is_inside = not text.startswith("/")
    if not is_inside:
        inside, outside, is_inside = [], "/", root == "/"
    for part in text.split("/"):
        if part in ("", "."):
            continue
        if is_inside and part != "..":
            inside.append(part)
        elif is_inside and inside:
            if os.path.islink(os.path.join(root, *inside)):  # noqa: PTH114, PTH118
                raise ValueError("a link that leads back up from behind another")
            inside.pop()
        else:
            # No rules apply outside the root.
            outside = os.path.realpath(os.path.join(root if is_inside else outside, part))  # noqa: PTH118
            is_inside = outside == root
    if not is_inside:
        raise ValueError("a link out of the tree")
    return tuple(inside)
