"""The whole sample tree."""

from __future__ import annotations

from scripts.sample_tree.items import Item, day, text
from scripts.sample_tree.licensing import licensing, restricted
from scripts.sample_tree.names import odd_names
from scripts.sample_tree.releases import releases, snapshots


def plan() -> tuple[Item, ...]:
    """Everything in the tree. The same on every machine and every day."""
    return (
        *_front(),
        *releases(),
        *snapshots(),
        *licensing(),
        *restricted(),
        *odd_names(),
    )


def _front() -> list[Item]:
    modified = day(2026, 10, 9)
    welcome = "A sample tree: releases, snapshots, one folder for each kind of licensing, and odd names.\n"
    return [
        text("README.txt", welcome, modified),
        text("docs/guide.txt", "Fetch SHA256SUMS first, the image second, and compare.\n", modified),
        text("docs/page.html", "<!doctype html><title>Page</title><p>A page of the tree itself.\n", modified),
        text("docs/data.json", '{"sample": true}\n', modified),
    ]
