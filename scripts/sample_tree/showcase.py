"""A folder as today's releases look, for the pictures in the documentation. Its files are holes: only names, sizes and times count."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from scripts.sample_tree.items import day
from scripts.sample_tree.licensing import EVALUATION_LICENCE, build_info, open_block, protected_block

FOLDER: Final = "releases/2026.09"
_MIB: Final = 1024 * 1024
_FILES: Final = {
    "boards/aurora-x2/boot.img": 32 * _MIB,
    "sdk/toolchain-aarch64.tar.zst": 412 * _MIB,
    "sbom/images.spdx.json": 3 * _MIB,
    "aurora-x2-2026.09.1.wic.zst": 486_213_120,
    "aurora-x2-2026.09.1.wic.bmap": 7_312,
    "aurora-x2-2026.09.0.wic.zst": 485_901_312,
    "aurora-x2-2026.09.0-rc2.wic.zst": 484_118_016,
    "gpu-firmware-4.12.bin": 11_534_336,
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


def _date(path: Path, number: int) -> None:
    moment = day(2026, 9, 3 + number % 20) + 4_980 * number
    os.utime(path, (moment, moment))
