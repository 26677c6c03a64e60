"""Maps paths to S3 keys, and back. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.paths import ArtifactPath, is_possible_name

MAX_KEY_BYTES = 1024
"""Longest key S3 can hold (Amazon S3 User Guide, "Naming Amazon S3 objects")."""

LEGACY_TILDE = "%7E"
"""The spelling of `~` in keys by the publishing API of the original server. Its trees are still served."""


@dataclass(frozen=True)
class KeySpace:
    """The keys of one site's tree.

    A `~` is stored as itself, or throughout the key in the legacy spelling. Both are one path, the one with
    `~`, so that an object never has two names: a rule might cover only one of them.

    Attributes:
        prefix: what every key begins with; empty, or ends in `/`.
    """

    prefix: str = ""

    def keys(self, path: ArtifactPath) -> tuple[str, ...]:
        """The keys under which a path may be stored, the preferred one first; none if S3 cannot hold it.

        For a folder these are the prefixes of its entries' keys.
        """
        text = path.text
        if LEGACY_TILDE in text:
            return ()
        texts = (text, text.replace("~", LEGACY_TILDE)) if "~" in text else (text,)
        return tuple(key for key in (self.prefix + text for text in texts) if _is_possible_key(key))

    def entry_path(self, folder: ArtifactPath, key: str, folder_key: str) -> ArtifactPath | None:
        """The path of an entry in a listing, or None if no path leads to its key.

        Args:
            folder: the folder that is listed.
            key: the object's key, or the common prefix with its trailing `/`.
            folder_key: the prefix that was listed, one of `keys(folder)`.
        """
        name = key.removeprefix(folder_key).removesuffix("/").replace(LEGACY_TILDE, "~")
        if not is_possible_name(name):
            return None
        path = folder.child(name, is_folder=key.endswith("/"))
        return path if key in self.keys(path) else None


def _is_possible_key(key: str) -> bool:
    try:
        return len(key.encode("utf-8")) <= MAX_KEY_BYTES
    except UnicodeEncodeError:  # bytes that are not UTF-8, which S3 cannot store
        return False
