"""Releases with a folder for each board, and snapshots with a folder for each build."""

from __future__ import annotations

from scripts.sample_tree.items import Checksums, Content, Item, Link, Sparse, day, gzipped, noise, text
from scripts.sample_tree.licensing import EVALUATION_LICENCE, build_info, open_block, protected_block

RELEASES = {
    "2025.12": day(2025, 12, 18),
    "2026.03": day(2026, 3, 26),
    "2026.06": day(2026, 6, 25),
    "2026.09": day(2026, 9, 24),
}
KERNEL_BUILDS = (*range(1, 13), 100)
ROOTFS_BUILDS = (1, 2, 10, 11)
OTHER_BUILDS = range(1, 8)
LARGE_SIZE = 210 * 1024 * 1024


def releases() -> list[Item]:
    """Every release, on every board, under a different kind of rules on each."""
    items: list[Item] = []
    for version, modified in RELEASES.items():
        for board in ("board", "devkit", "server"):
            items += _board(version, board, modified)
        items.append(text(f"releases/{version}/README.txt", f"Release {version}.\n", modified))
    return [*items, *_images(RELEASES["2026.03"])]


def snapshots() -> list[Item]:
    """Numbered builds, and `latest` in both its forms."""
    items: list[Item] = []
    for job, builds in (("kernel", KERNEL_BUILDS), ("rootfs", ROOTFS_BUILDS), ("other", OTHER_BUILDS)):
        for number in builds:
            items += _build(job, number)
    return [
        *items,
        _link("kernel", KERNEL_BUILDS[-1]),
        _link("rootfs", ROOTFS_BUILDS[-1]),
        _linked_from("other"),
    ]


def _link(job: str, number: int) -> Item:
    return Link(f"snapshots/{job}/latest", str(number), _built(number))


def _linked_from(job: str) -> Item:
    """The same by the file that stands for a link where the store has none."""
    number = OTHER_BUILDS[-1]
    return text(f"snapshots/{job}/latest/.s3_linked_from", f"snapshots/{job}/{number}", _built(number))


def _built(number: int) -> int:
    return day(2026, 6, 1) + number * 86_400


def _board(version: str, board: str, modified: int) -> list[Item]:
    folder = f"releases/{version}/{board}"
    images: list[Content] = [
        noise(f"{folder}/boot.img", 65_536, modified),
        gzipped(f"{folder}/kernel-{version}.img.gz", 40_000, modified),
        gzipped(f"{folder}/rootfs.img.gz", 150_000, modified),
    ]
    papers: list[Item] = [
        text(f"{folder}/MANIFEST.txt", "boot.img\nrootfs.img.gz\n", modified),
        text(f"{folder}/README.txt", f"Images of release {version} for {board}.\n", modified),
        Checksums(f"{folder}/SHA256SUMS", tuple(images), modified),
        Checksums(f"{folder}/MD5SUMS", tuple(images), modified),
    ]
    return [*images, *papers, *_rules(folder, board, modified)]


def _rules(folder: str, board: str, modified: int) -> list[Item]:
    if board == "board":
        papers = open_block("MANIFEST.txt, README.txt, SHA256SUMS, MD5SUMS")
        rules = build_info(protected_block("*.img, *.img.gz", EVALUATION_LICENCE), papers)
    elif board == "devkit":
        rules = build_info(open_block("*"))
    else:
        return []
    return [text(f"{folder}/BUILD-INFO.txt", rules, modified)]


def _images(modified: int) -> list[Item]:
    folder = "releases/2026.03/images"
    marks = ((0, b"begin\n"), (LARGE_SIZE // 2, b"middle\n"), (LARGE_SIZE - 4, b"end\n"))
    large = Sparse(f"{folder}/large.img", LARGE_SIZE, marks, modified)
    return [
        large,
        Checksums(f"{folder}/SHA256SUMS", (large,), modified),
        Checksums(f"{folder}/MD5SUMS", (large,), modified),
        text(f"{folder}/README.txt", "A large image, nearly all of it zeros.\n", modified),
    ]


def _build(job: str, number: int) -> list[Item]:
    modified = _built(number)
    folder = f"snapshots/{job}/{number}"
    files: list[Content] = [
        gzipped(f"{folder}/{job}-{number}.img.gz", 20_000 + number, modified),
        text(f"{folder}/config.txt", f"job={job}\nbuild={number}\n", modified),
    ]
    return [*files, Checksums(f"{folder}/SHA256SUMS", tuple(files), modified)]
