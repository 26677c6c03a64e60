"""Turns values into JSON. All JSON is made here."""

from __future__ import annotations

import json

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def json_bytes(value: object) -> bytes:
    """Compact UTF-8 JSON (RFC 8259).

    A lone surrogate has no UTF-8 form; one that a caller let through goes out as its `\\udcXX` escape, so that
    no text can fail here.

    Raises:
        TypeError, ValueError: not a JSON value (NaN and infinities are none).
    """
    return _ENCODER.encode(value).encode("utf-8", "backslashreplace")
