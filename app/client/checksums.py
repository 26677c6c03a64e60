"""Lists of checksums as `sha256sum` writes them (GNU coreutils manual, "cksum output modes")."""

from __future__ import annotations

import re
from typing import Final

from app.client.errors import NotAsPromised
from app.domain.errors import RequestError
from app.domain.paths import ArtifactPath
from app.domain.texts import text_of

_PLAIN: Final = re.compile(rb"(\\?)([0-9a-fA-F]{64}) [ *](.+)")
_TAGGED: Final = re.compile(rb"(\\?)SHA256 \((.+)\) = ([0-9a-fA-F]{64})")
_ESCAPES: Final = {b"\\\\": b"\\", b"\\n": b"\n", b"\\r": b"\r"}


def parse_checksums(content: bytes) -> dict[ArtifactPath, bytes]:
    """The SHA-256 of each file, by its path below the folder of the list. Comments (`#`) and empty lines are skipped.

    Raises:
        NotAsPromised: a line is neither, such as the last line of a list with gaps, or names a path that leads
            elsewhere: then the list does not say what the files should be.
    """
    found: dict[ArtifactPath, bytes] = {}
    text = text_of(content, "surrogateescape").encode("utf-8", "surrogateescape")
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith(b"#"):
            continue
        path, digest = _parsed(line, number)
        if found.setdefault(path, digest) != digest:
            raise NotAsPromised(
                f"line {number} of the checksums contradicts an earlier one about {path.text}"
            )
    return found


def _parsed(line: bytes, number: int) -> tuple[ArtifactPath, bytes]:
    if plain := _PLAIN.fullmatch(line):
        escape, digest, name = plain.groups()
    elif tagged := _TAGGED.fullmatch(line):
        escape, name, digest = tagged.groups()
    else:
        raise NotAsPromised(f"line {number} of the checksums is not 'SHA-256  PATH': {_shown(line)}")
    if escape:
        name = re.sub(rb"\\[\\nr]", lambda found: _ESCAPES[found[0]], name)
    try:
        path = ArtifactPath.from_text(name.decode("utf-8", "surrogateescape").removeprefix("./"))
    except RequestError as error:
        raise NotAsPromised(f"line {number} of the checksums has an impossible path: {error}") from error
    if path.is_folder or name.startswith(b"/"):
        raise NotAsPromised(
            f"line {number} of the checksums has no path of a file below the folder: {_shown(line)}"
        )
    return path, bytes.fromhex(digest.decode("ascii"))


def _shown(line: bytes) -> str:
    return ascii(line[:100].decode("utf-8", "replace"))
