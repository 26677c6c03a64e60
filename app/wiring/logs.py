"""Makes the logs that the settings name, and what makes the spans."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from app.telemetry.tracing import Tracing


def build_access_log(
    settings: Settings, note_dropped: Callable[[int], None], site: str = ""
) -> AccessLog | None:
    """The log of requests; None where the level leaves them out.

    Args:
        note_dropped: called with the number of lines that could not be written to a file of their own.
        site: named in every line; empty where there is only one.
    """
    if settings.access_log_file is not None:
        writer = writer_to_file(settings.access_log_file)
        writer.note_dropped = note_dropped
        return JsonAccessLog(writer, site)
    if settings.log_level not in ("debug", "info"):
        return None
    is_for_machines = is_json(settings.log_format)
    return JsonAccessLog(writer_to(sys.stderr), site) if is_for_machines else ConsoleAccessLog(site)


def build_audit(settings: Settings, clock: Callable[[], float], site: str = "") -> Audit:
    """The audit log.

    Args:
        clock: seconds since the epoch, UTC.
        site: named in every line; empty where there is only one.
    """
    file = AuditFile(settings.audit_file) if settings.audit_file else None
    return Audit(file, settings.replica_id, clock, site)


def build_tracing(settings: Settings) -> Tracing | None:
    """What makes spans, if the settings ask for them."""
    if settings.tracing == "off":
        return None
    from app.telemetry.tracing import open_tracing  # here, since its libraries are an extra

    return open_tracing(settings.replica_id)
