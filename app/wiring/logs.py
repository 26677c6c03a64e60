"""Makes the logs that the settings name."""

from __future__ import annotations

import sys
from collections.abc import Callable

from app.config import Settings
from app.telemetry import (
    AccessLog,
    Audit,
    AuditFile,
    ConsoleAccessLog,
    JsonAccessLog,
    is_json,
    writer_to,
    writer_to_file,
)


def build_access_log(settings: Settings, note_dropped: Callable[[int], None]) -> AccessLog | None:
    """The log of requests; None where the level leaves them out.

    Args:
        note_dropped: called with the number of lines that could not be written to a file of their own.
    """
    if settings.access_log_file is not None:
        writer = writer_to_file(settings.access_log_file)
        writer.note_dropped = note_dropped
        return JsonAccessLog(writer)
    if settings.log_level not in ("debug", "info"):
        return None
    return JsonAccessLog(writer_to(sys.stderr)) if is_json(settings.log_format) else ConsoleAccessLog()


def build_audit(settings: Settings, clock: Callable[[], float]) -> Audit:
    """The audit log.

    Args:
        clock: seconds since the epoch, UTC.
    """
    file = AuditFile(settings.audit_file) if settings.audit_file else None
    return Audit(file, settings.replica_id, clock)
