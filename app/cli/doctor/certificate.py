"""The certificate of the site: its days, its chain, its key."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from app.cli.checks import EXPIRY_WARNING_SECONDS, read_tls
from app.cli.doctor.finding import Finding, error, warning, well
from app.config import ConfigError, LoadedSettings
from app.server.certificate_fields import fields_of

AREA: Final = "certificate"
_DAY: Final = 86400


def look_at_certificate(loaded: LoadedSettings, now: float | None = None) -> Iterator[Finding]:
    """Look at the certificate, if there is one. That its key belongs to it is part of reading it.

    Args:
        now: seconds since the epoch; None for the time it is.
    """
    try:
        files = read_tls(loaded)
    except ConfigError as failure:
        for fault in failure.faults:
            yield error(AREA, fault, "put a certificate and its own key in place, both in PEM")
        return
    if files is None:
        yield well(AREA, "none: the proxy in front must provide TLS")
        return
    seconds = files.expires() - (time.time() if now is None else now)
    text = f"{loaded.settings.tls_certificate}: {int(seconds // _DAY)} days left"
    renew = "renew it, then send SIGHUP"
    if seconds <= 0:
        yield error(AREA, f"{loaded.settings.tls_certificate}: has expired", renew)
    elif seconds < EXPIRY_WARNING_SECONDS:
        yield warning(AREA, text, renew)
    else:
        yield well(AREA, f"{text}; its key belongs to it")
    yield _chain(files.chain)


def _chain(pem: bytes) -> Finding:
    names = fields_of(pem)
    if names[0].subject == names[0].issuer:
        return warning(
            AREA,
            "it is self-signed",
            "get one from an authority that the clients trust, or add this one to what they trust",
        )
    for place, (lower, upper) in enumerate(pairwise(names), 1):
        if lower.issuer != upper.subject:
            return error(
                AREA, f"certificate {place} of the chain was not issued by number {place + 1}",
                "order the file: the site's own certificate first, each followed by that of its issuer",
            )  # fmt: skip
    if len(names) == 1:
        return warning(
            AREA, "the file lacks the intermediate certificates",
            "use the whole chain (`fullchain.pem` of certbot): browsers may find the missing ones, curl and "
            "wget do not",
        )  # fmt: skip
    return well(AREA, f"a chain of {len(names)} certificates")
