"""Writes down what operators do by commands, where the audit log is a file."""

from __future__ import annotations

import asyncio
import os
import pwd
import time

from app.config import ConfigError, LoadedSettings
from app.domain.errors import AuditUnavailable
from app.telemetry import AuditEvent, AuditFile, line_of_command


def note_command(
    site: LoadedSettings, event: AuditEvent, subject: str | None = None, *, so: str = ""
) -> None:
    """Note an event.

    Args:
        site: that it is about.
        subject: whom it is about; None if that is not known.
        so: what becomes of the command if it cannot be noted, for the error.

    Raises:
        ConfigError: it cannot be written down.
    """
    settings = site.settings
    if settings.audit_file is None:
        return
    line = line_of_command(
        event, replica_id=settings.replica_id, subject=subject, now=time.time(), site=site.site
    )
    try:
        asyncio.run(AuditFile(settings.audit_file).append(line))
    except AuditUnavailable as error:
        reason = getattr(error.__cause__, "strerror", None) or "it takes too long"
        raise ConfigError((f"audit_file: {settings.audit_file} cannot be written: {reason}{so}",)) from error


def operator() -> str:
    """The account that runs this command."""
    number = os.geteuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # in a container, a number may be all there is
        return str(number)
