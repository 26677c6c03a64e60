"""Files that say the digests of files beside them: `SHA256SUMS`, `checksums.txt`, `boot.img.sha256`. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from app.domain.entries import Digest
from app.domain.texts import text_of

MARKS: Final = ("sum", "SUM", "Sum", ".sha", ".SHA", ".md5", ".MD5")
"""Every name of such a file has one of these in it."""

_ALGORITHMS: Final = {"md5": "md5", "sha1": "sha", "sha256": "sha-256", "sha512": "sha-512"}
"""Names of programs, and in the registry "Hash Algorithms for HTTP Digest Fields" (RFC 9530 section 5)."""
_BY_LENGTH: Final = {32: "md5", 40: "sha", 64: "sha-256", 128: "sha-512"}
"""By the number of hex digits, for files whose names leave it open."""

_LIST_NAME: Final = re.compile(r"(md5|sha1|sha256|sha512)[-_]?sums?(?:\.txt)?", re.IGNORECASE)
_OPEN_LIST_NAME: Final = re.compile(r"(?:.+[-_.])?checksums?(?:\.txt)?", re.IGNORECASE)
_NAME_OF_ONE: Final = re.compile(r"(.+)\.(md5|sha1|sha256|sha512)(?:sums?)?(?:\.txt)?", re.IGNORECASE)

_GNU: Final = re.compile(r"\\?([0-9A-Fa-f]{32,128}) [ *](.+)")
_BSD: Final = re.compile(
    r"\\?(MD5|SHA-?1|SHA-?(?:2-)?256|SHA-?(?:2-)?512) ?\((.+)\) ?= ?([0-9A-Fa-f]{32,128})"
)
_BARE: Final = re.compile(r"[0-9A-Fa-f]{32,128}")
_ESCAPES: Final = re.compile(r"\\([\\nr])")
_ESCAPED: Final = {"\\": "\\", "n": "\n", "r": "\r"}


class ChecksumFile(NamedTuple):
    """A file that says digests of others.

    Attributes:
        name: its own.
        algorithm: the one that its name says; None if the lengths of the digests say it.
        of: the only file that it is about; None for a list.
    """

    name: str
    algorithm: str | None
    of: str | None = None


def checksum_files_among(names: Iterable[str]) -> list[ChecksumFile]:
    """Those of some files, lists first, else sorted by name.

    Args:
        names: of the files of one folder.
    """
    found = [file for name in names if (file := _checksum_file(name)) is not None]
    return sorted(found, key=lambda file: (file.of is not None, file.name))


def _checksum_file(name: str) -> ChecksumFile | None:
    if match := _LIST_NAME.fullmatch(name):
        return ChecksumFile(name, _ALGORITHMS[match[1].lower()])
    if _OPEN_LIST_NAME.fullmatch(name):
        return ChecksumFile(name, None)
    if match := _NAME_OF_ONE.fullmatch(name):
        return ChecksumFile(name, _ALGORITHMS[match[2].lower()], match[1])
    return None


def digests_in(file: ChecksumFile, content: bytes) -> Iterator[tuple[str, Digest]]:
    """What a file says: names of files in its own folder, each with a digest.

    Understands what `sha256sum` and its like print (GNU coreutils manual, "md5sum invocation"), with and without `--tag`,
    what `openssl dgst` prints, and a bare digest in a file about one. Other lines, such as those of a signature around the
    list, say nothing; neither do paths that lead to other folders.
    """
    for line in text_of(content, "surrogateescape").split("\n"):
        if (said := _said_by(line.removesuffix("\r"), file)) is None:
            continue
        named, algorithm, digits = said
        if (
            algorithm is not None
            and algorithm == _BY_LENGTH.get(len(digits))
            and file.algorithm in (None, algorithm)
        ):
            yield named, Digest(algorithm, bytes.fromhex(digits), file.name)


def _said_by(line: str, file: ChecksumFile) -> tuple[str, str | None, str] | None:
    """The name, the algorithm and the hex digits of a line."""
    if match := _GNU.fullmatch(line):
        path, digits, algorithm = match[2], match[1], file.algorithm or _BY_LENGTH.get(len(match[1]))
    elif match := _BSD.fullmatch(line):
        path, digits = match[2], match[3]
        algorithm = _ALGORITHMS[match[1].lower().replace("sha2-", "sha").replace("-", "")]
    elif file.of is not None and _BARE.fullmatch(line.strip()):
        return file.of, file.algorithm, line.strip()
    else:
        return None
    if line.startswith("\\"):
        path = _ESCAPES.sub(lambda escape: _ESCAPED[escape[1]], path)
    if file.of is not None:
        # Often made in another directory: only the last name counts, and it must be right.
        path = path.rpartition("/")[2]
        return (path, algorithm, digits) if path == file.of else None
    path = path.removeprefix("./")
    return None if "/" in path else (path, algorithm, digits)


def agreed(found: Iterable[tuple[str, Digest]]) -> Mapping[str, tuple[Digest, ...]]:
    """The digests of each file, at most one for each algorithm: that of the first file that says it.

    Where two files disagree, nobody knows which is right: then there is none.
    """
    by_name: dict[str, dict[str, Digest]] = {}
    disputed: set[tuple[str, str]] = set()
    for name, digest in found:
        first = by_name.setdefault(name, {}).setdefault(digest.algorithm, digest)
        if first.value != digest.value:
            disputed.add((name, digest.algorithm))
    for name, algorithm in disputed:
        del by_name[name][algorithm]
    return {name: tuple(digests.values()) for name, digests in by_name.items() if digests}


def both(stored: Sequence[Digest], listed: Sequence[Digest]) -> tuple[Digest, ...]:
    """The digests that are stored with a file, and those of other algorithms that files beside it say."""
    algorithms = {digest.algorithm for digest in stored}
    return (*stored, *(digest for digest in listed if digest.algorithm not in algorithms))
