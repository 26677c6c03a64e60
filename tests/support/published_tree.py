"""The tree that programs and browsers are let loose on: every tier, nested folders, odd names, a big file."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Final
from urllib.parse import quote

from app.domain.access import Licence
from app.pages.templates_dir import templates_directory
from scripts.sample_tree.names import ODD_NAMES

BIG: Final = random.Random(20170120).randbytes(9 * 1024 * 1024 + 321)
"""Content of `public/big.img`: enough for eight connections of a download manager to get a part each."""

LICENCE: Final = Licence("You may use this file to try out a publishing server.", "try-out")
SECOND_LICENCE: Final = Licence("You may keep one copy on each board that you own.", "one-copy")

MODIFIED: Final = 1_484_913_600
"""When every file was changed last, where the storage keeps that: 2017-01-20 12:00 UTC."""

UNFIT_FOR_MIRRORS: Final = tuple(name for name in ODD_NAMES if name == "a%20b" or len(name.encode()) > 200)
"""wget decodes names twice, and cannot store one of 255 bytes, since it adds an ending while it writes."""

FIT_NAMES: Final = tuple(name for name in ODD_NAMES if name not in UNFIT_FOR_MIRRORS)

MARKUP: Final = "<img src=x onerror=alert(1)>"
"""A name that would run if any page took it for HTML."""

MEMBERS: Final = "staff"

POLICY: Final = f"""\
[[rule]]
path = "tree/members/**"
tier = "private"
groups = ["{MEMBERS}"]

[[licence]]
name = "{SECOND_LICENCE.name}"
title = "Keep one copy"
logo = "{templates_directory() / "static" / "favicon.svg"}"
accent = "#7b1538"
background = "#fdf1f4"
"""

_BUILD_INFO = f"""\
Format-Version: 0.5

Files-Pattern: *.img, both.img
Theme: {LICENCE.name}
License-Type: protected
License-Text: {LICENCE.text}

Files-Pattern: both.img
Theme: {SECOND_LICENCE.name}
License-Type: protected
License-Text: {SECOND_LICENCE.text}

Files-Pattern: *.txt
License-Type: open
"""

PUBLIC: Final[dict[str, bytes]] = {
    "tree/big.img": BIG,
    "tree/notes.txt": b"Notes on the tree.\n" * 200,
    "tree/empty.txt": b"",
    "tree/nested/one/two/three.txt": b"three\n",
    "tree/nested/one/two/README.md": b"# Two\n\n[Back to the top](#two)\n",
    "tree/nested/one/first.bin": bytes(range(256)),
    "tree/nested/a folder? yes & 100%/\u00fc + b.txt": b"deep\n",
    f"tree/nested/{MARKUP}/inside.txt": b"inside\n",
    "tree/licensed/notes.txt": b"Free notes beside licensed files.\n",
    **{f"tree/odd/{name}": f"content of {name}\n".encode() for name in FIT_NAMES},
    **{f"odd/{name}": f"content of {name}\n".encode() for name in UNFIT_FOR_MIRRORS},
}
"""Content by path of what everybody may have."""

ODD: Final = {path: content for path, content in PUBLIC.items() if "odd/" in path}

RESTRICTED: Final[dict[str, bytes]] = {
    "tree/licensed/board.img": random.Random(1).randbytes(40_000),
    "tree/licensed/both.img": random.Random(2).randbytes(30_000),
    f"tree/licensed/{MARKUP}.img": b"image with an odd name\n",
    "tree/members/plan.txt": b"What comes next is for members.\n",
    "tree/members/preview.img": random.Random(3).randbytes(2 * 1024 * 1024),
}

CONTROL: Final[dict[str, bytes]] = {"tree/licensed/BUILD-INFO.txt": _BUILD_INFO.encode()}

EVERYTHING: Final = PUBLIC | RESTRICTED | CONTROL


def url_path(path: str) -> str:
    """A path of the tree as a URL has it."""
    return "/" + quote(path)


def write_tree(root: Path) -> None:
    """Make the tree in a directory."""
    for path, content in EVERYTHING.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        os.utime(file, (MODIFIED, MODIFIED))
