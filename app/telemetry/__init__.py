"""Metrics and logs: what is measured and how a line looks. Nothing here decides anything."""

from app.telemetry.access_log import AccessLine, AccessLog, ConsoleAccessLog, JsonAccessLog
from app.telemetry.audit import Audit
from app.telemetry.audit_events import (
    AccessRefused,
    AuditEvent,
    LicenceAccepted,
    LinkMade,
    LinkUsed,
    LoggedIn,
    LoggedOut,
    LoginRejected,
    RevokedUsed,
    TokenMinted,
)
from app.telemetry.audit_file import AuditFile
from app.telemetry.descriptors import watched_descriptors
from app.telemetry.line_writer import LineWriter, writer_to
from app.telemetry.logs import LogFormat, configure_logging, is_json
from app.telemetry.metrics import Metrics
from app.telemetry.worker_states import WorkerStates

__all__ = [
    "AccessLine",
    "AccessLog",
    "AccessRefused",
    "Audit",
    "AuditEvent",
    "AuditFile",
    "ConsoleAccessLog",
    "JsonAccessLog",
    "LicenceAccepted",
    "LineWriter",
    "LinkMade",
    "LinkUsed",
    "LogFormat",
    "LoggedIn",
    "LoggedOut",
    "LoginRejected",
    "Metrics",
    "RevokedUsed",
    "TokenMinted",
    "WorkerStates",
    "configure_logging",
    "is_json",
    "watched_descriptors",
    "writer_to",
]
