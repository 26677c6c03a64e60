"""Validators of files, packed: of an MD5 in hexadecimal only its 16 bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from app.domain.entries import File

_HEX_DIGITS: Final = 32
_PACKED: Final = b"h"
_AS_IT_IS: Final = b"t"
_STAMPED: Final = b"s"
CLASSED: Final = b"c"
"""Before the validator there is the file's storage class, its stamp, or that before this: texts that begin with their length."""
_LENGTH_BYTES: Final = 2


def packed(e_tag: str | None, stamp: str | None = None, storage_class: str | None = None) -> bytes:
    """What tells a file from others of its name. See `File` for the arguments."""
    if e_tag is None:
        validator = b""
    elif len(e_tag) < _HEX_DIGITS:
        validator = _AS_IT_IS + e_tag.encode("utf-8", "surrogateescape")
    else:
        validator = _packed_digest(e_tag)
    for mark, text in ((_STAMPED, stamp), (CLASSED, storage_class)):
        if text is not None:
            raw = text.encode("utf-8", "surrogateescape")
            validator = b"%b%b%b%b" % (mark, len(raw).to_bytes(_LENGTH_BYTES), raw, validator)
    return validator


def packed_all(files: Sequence[File]) -> list[bytes]:
    """What `packed` makes of the validators of each of some files: at once where all are as a directory gives them."""
    texts = [
        f"s\0{chr(len(stamp))}{stamp}t{e_tag}"
        for _, _, _, e_tag, stamp, storage_class in files
        if stamp is not None and e_tag is not None and storage_class is None and len(e_tag) < _HEX_DIGITS
    ]
    if len(texts) == len(files) and "".join(texts).isascii():
        return [text.encode("ascii") for text in texts]
    return [packed(*file[3:]) for file in files]


def unpacked(validator: bytes) -> tuple[str | None, str | None, str | None]:
    """The arguments that `packed` was given."""
    stamp = storage_class = None
    if validator[:1] == CLASSED:
        storage_class, validator = _taken_off(validator)
    if validator[:1] == _STAMPED:
        stamp, validator = _taken_off(validator)
    if validator[:1] != _PACKED:
        return validator[1:].decode("utf-8", "surrogateescape") if validator else None, stamp, storage_class
    digest_end = 1 + _HEX_DIGITS // 2
    suffix = validator[digest_end:].decode("utf-8", "surrogateescape")
    return validator[1:digest_end].hex() + suffix, stamp, storage_class


def _packed_digest(e_tag: str) -> bytes:
    """An MD5 in hexadecimal as its 16 bytes, with its suffix (`-12` for 12 parts); anything else as it is."""
    digits = e_tag[:_HEX_DIGITS]
    try:
        digest = bytes.fromhex(digits)
    except ValueError:
        digest = b""
    if len(digest) * 2 == _HEX_DIGITS and digest.hex() == digits:
        return _PACKED + digest + _raw(e_tag[_HEX_DIGITS:])
    return _AS_IT_IS + _raw(e_tag)


def _taken_off(validator: bytes) -> tuple[str, bytes]:
    """The text that is there behind a mark, and what follows it."""
    begin = 1 + _LENGTH_BYTES
    end = begin + int.from_bytes(validator[1:begin])
    return validator[begin:end].decode("utf-8", "surrogateescape"), validator[end:]


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
