"""The icon of a file, by its name."""

from __future__ import annotations

_SUFFIXES = {
    "archive": "7z apk bz2 cpio deb gz jar lz4 rpm snap tar tbz tgz txz udeb whl xz zip zst",
    "disk": "bin dtb efi elf fd hwpack img iso qcow2 raw ubi uimage vmdk wic",
    "seal": "asc b2sum md5 minisig sha1 sha256 sha512 sig",
    "text": "c cfg conf config csv dts h html ini json log manifest md pdf py rst sh textile toml txt xml yaml yml",
}
_KINDS = {suffix: kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_WRAPPERS = frozenset(("bz2", "gz", "lz4", "xz", "zst"))


def kind_of(name: str) -> str:
    """`archive`, `disk` (image), `seal` (checksum or signature), `text` or `file`.

    A compressed file counts as the file in it: `boot.img.gz` is a disk image.
    """
    lower = name.lower()
    if lower.endswith(("sums", "sums.txt")):
        return "seal"
    stem, _, suffix = lower.rpartition(".")
    if not stem:
        return "file"
    kind = _KINDS.get(suffix, "file")
    if suffix in _WRAPPERS:
        return _KINDS.get(stem.rpartition(".")[2], kind)
    return kind
