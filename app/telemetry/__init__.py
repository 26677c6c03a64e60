"""Metrics and logs: what is measured and how a line looks. Nothing here decides anything."""

from app.telemetry.access_log import AccessLine, AccessLog, ConsoleAccessLog, JsonAccessLog
from app.telemetry.audit import Audit, line_of_command
from app.telemetry.audit_events import (
    AccessRefused,
    AuditEvent,
    LicenceAccepted,
    LinkCreated,
    LinkMade,
    LinkUsed,
    LoggedIn,
    LoggedOut,
    LoginRejected,
    Revoked,
    RevokedUsed,
    TokenCreated,
    TokenMinted,
)
from app.telemetry.audit_file import AuditFile
from app.telemetry.descriptors import watched_descriptors
from app.telemetry.followed_file import FollowedFile
from app.telemetry.line_writer import LineWriter, writer_to, writer_to_file
from app.telemetry.logs import LogFormat, configure_logging, is_json, log_what_python_reports
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
    "FollowedFile",
    "JsonAccessLog",
    "LicenceAccepted",
    "LineWriter",
    "LinkCreated",
    "LinkMade",
    "LinkUsed",
    "LogFormat",
    "LoggedIn",
    "LoggedOut",
    "LoginRejected",
    "Metrics",
    "Revoked",
    "RevokedUsed",
    "TokenCreated",
    "TokenMinted",
    "WorkerStates",
    "configure_logging",
    "is_json",
    "line_of_command",
    "log_what_python_reports",
    "watched_descriptors",
    "writer_to",
    "writer_to_file",
]
