"""Certificates for the loopback, made by openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple


class Certificate(NamedTuple):
    """Its files, in PEM: itself, and its key."""

    chain: Path
    key: Path


def make_certificate(directory: Path, name: str, days: int = 90) -> Certificate:
    """A certificate for 127.0.0.1 that nobody else has signed.

    Args:
        name: whose it says to be; also of its files.
    """
    made = Certificate(directory / f"{name}.pem", directory / f"{name}.key")
    command = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-keyout", str(made.key), "-out", str(made.chain), "-days", str(days)),
        *("-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return made
