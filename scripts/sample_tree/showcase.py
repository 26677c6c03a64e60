"""A folder as today's releases look, for the pictures in the documentation. Its files are holes: only names, sizes and times count."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from scripts.sample_tree.items import day
from scripts.sample_tree.licensing import EVALUATION_LICENCE, build_info, open_block, protected_block

FOLDER: Final = "releases/2026.09"
LICENSED: Final = "gpu-firmware-4.12.bin"
"""A file of it that is behind a licence."""
_MIB: Final = 1024 * 1024
_FILES: Final = {
    "boards/aurora-x2/boot.img": 32 * _MIB,
    "sdk/toolchain-aarch64.tar.zst": 412 * _MIB,
    "sbom/images.spdx.json": 3 * _MIB,
    "aurora-x2-2026.09.1.wic.zst": 486_213_120,
    "aurora-x2-2026.09.1.wic.bmap": 7_312,
    "aurora-x2-2026.09.0.wic.zst": 485_901_312,
    "aurora-x2-2026.09.0-rc2.wic.zst": 484_118_016,
    LICENSED: 11_534_336,
    "kernel-6.12.47-aurora.deb": 68_419_584,
    "rootfs-minimal.tar.zst": 96_206_848,
    "container-base.oci.tar": 148_897_792,
    "SHA256SUMS": 912,
    "SHA256SUMS.asc": 488,
    "build.log": 2_418_112,
}
_README: Final = """\
# Aurora X2, release 2026.09

Images for the boards of the second series. Write one to a card of 8 GB or more:

    zstd -dc aurora-x2-2026.09.1.wic.zst | sudo dd of=/dev/sdX bs=4M

Kernel 6.12 with long-term support; fixes until 2028.
"""
_LOGO: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">
<path fill="{colour}" d="M12 1 23 20H1zm0 7-5 9h10z"/>
</svg>
"""
_COLOURS: Final = """\
:root { --link: #8a1c3b; --folder: #b3325a; --ground: #fdf7f5; --hover: #faeeee; --line: #ecd9d7; }
"""
_HEADER: Final = """\
<p><strong>Aurora boards</strong>: images, tools and sources</p>
"""
_LOOK: Final = """\
[[licence]]
name = "linaro"
title = "Lumen firmware terms"
logo = "lumen.svg"
accent = "#7a3b00"
background = "#fff1dc"
"""


def make_showcase(tree: Path) -> None:
    """Write the folder into an empty directory."""
    folder = tree / FOLDER
    for number, (name, size) in enumerate(_FILES.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(size)
        _date(path, number)
    (folder / "README.md").write_text(_README)
    rules = build_info(protected_block("gpu-firmware-*", EVALUATION_LICENCE), open_block("*"))
    (folder / "BUILD-INFO.txt").write_text(rules)
    for number, path in enumerate(sorted(folder.iterdir())):
        _date(path, number)


def make_theme(directory: Path) -> tuple[Path, Path]:
    """Write a theme of the site, and a site policy with a look of the licence, into a directory.

    Returns:
        the theme, and the policy.
    """
    theme, policy = directory / "theme", directory / "policy.toml"
    theme.mkdir()
    (theme / "logo.svg").write_text(_LOGO.format(colour="#b3325a"))
    (theme / "theme.css").write_text(_COLOURS)
    (theme / "header.html").write_text(_HEADER)
    (directory / "lumen.svg").write_text(_LOGO.format(colour="#7a3b00"))
    policy.write_text(_LOOK)
    return theme, policy


def _date(path: Path, number: int) -> None:
    moment = day(2026, 9, 3 + number % 20) + 4_980 * number
    os.utime(path, (moment, moment))
