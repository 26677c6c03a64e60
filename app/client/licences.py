"""The licences that were accepted, and the texts of those that must be."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from app.client.errors import NotAsPromised, RequiredLicence

_HEX: Final = frozenset("0123456789abcdef")


def state_directory(environ: Mapping[str, str]) -> Path:
    """Where accepted licences are kept (XDG Base Directory Specification: a relative path counts as unset)."""
    named = Path(environ.get("XDG_STATE_HOME") or "")
    base = named if named.is_absolute() else Path("~/.local/state").expanduser()
    return base / "pierhead" / "licences"


class LicenceBook:
    """Knows which licences are accepted: those named now, and those of earlier runs.

    A licence is its text. It is known by its digest, on every site and for every file.

    Args:
        directory: holds one file for each licence that was accepted.
        named: digests that are accepted now, MD5 or SHA-256, in hex.
    """

    def __init__(self, directory: Path, named: Iterable[str]) -> None:
        self._directory = directory
        self._named = {digest.lower() for digest in named}
        self._remembered: dict[str, bool] = {}

    def is_accepted(self, licence: RequiredLicence) -> bool:
        """Whether a licence was accepted, now or earlier."""
        return not self._named.isdisjoint((licence.digest, licence.sha256)) or self._is_remembered(licence)

    def remembered(self, licences: Iterable[RequiredLicence]) -> str:
        """The value of `License-Accepted` for those of some licences that are remembered; empty for none."""
        return " ".join(
            licence.sha256 or licence.digest for licence in licences if self._is_remembered(licence)
        )

    def remember(self, licences: Iterable[RequiredLicence], url: str) -> None:
        """Keep accepted licences for later runs.

        Args:
            url: for which they were accepted.

        Raises:
            OSError: they cannot be kept.
        """
        for licence in licences:
            key = _key(licence)
            if key is None or self._is_remembered(licence):
                continue
            self._remembered[key] = True  # for this run, whether it can be kept or not
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            note = {**licence._asdict(), "url": url, "accepted": int(time.time())}
            draft = self._directory / f"{key}.{os.getpid()}.draft"
            draft.write_text(json.dumps(note) + "\n", encoding="utf-8")
            draft.replace(self._directory / f"{key}.json")

    def _is_remembered(self, licence: RequiredLicence) -> bool:
        key = _key(licence)
        if key is None:
            return False
        if key not in self._remembered:
            self._remembered[key] = (self._directory / f"{key}.json").is_file()
        return self._remembered[key]


def text_of(licence: RequiredLicence, document: bytes) -> str:
    """The text of a licence, from the answer of `/api/license/PATH`.

    Raises:
        NotAsPromised: no text there has the digest of the licence: accepting the digest would accept another text.
    """
    try:
        described = json.loads(document)["licenses"]
        texts = [str(entry["text"]) for entry in described if isinstance(entry, dict)]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotAsPromised(f"the server does not show the text of licence {licence.digest}") from error
    for text in texts:
        content = text.encode("utf-8", "surrogatepass")
        found = hashlib.sha256(content).hexdigest(), hashlib.md5(content, usedforsecurity=False).hexdigest()
        if found[0] == licence.sha256 or (not licence.sha256 and found[1] == licence.digest):
            return text
    raise NotAsPromised(f"the server shows no text with the digest of licence {licence.digest}")


def _key(licence: RequiredLicence) -> str | None:
    """The name of its file: its SHA-256, or where an older server has none, the MD5; None for what is no digest."""
    key = (licence.sha256 or licence.digest).lower()
    return key if len(key) in (32, 64) and _HEX.issuperset(key) else None
