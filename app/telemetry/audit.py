"""The audit log: one line for each event, in a file of its own or beside all others."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Final

import orjson
import structlog

from app.domain.errors import AuditUnavailable
from app.telemetry.audit_events import AuditEvent
from app.telemetry.audit_file import AuditFile

LOGGER: Final = "pierhead.audit"
COMMON_FIELDS: Final = ("timestamp", "event", "replica", "client", "subject")
"""What every line begins with."""
MAX_NAME_LENGTH: Final = 256


class Audit:
    """Writes the audit log.

    Args:
        file: where lines go; None for standard error, like all other events.
        replica_id: named in every line.
        clock: seconds since the epoch, UTC.
        site: named in every line; empty where there is only one.
    """

    def __init__(
        self,
        file: AuditFile | None,
        replica_id: str,
        clock: Callable[[], float] = time.time,
        site: str = "",
    ) -> None:
        self._file = file
        self._here = _here(replica_id, site)
        self._clock = clock
        self._log = structlog.get_logger(LOGGER)

    async def note(self, event: AuditEvent, *, client: str | None, subject: str | None) -> None:
        """Write an event down, before it takes effect: who is answered has it written.

        Args:
            client: the address that it came from; None if that is not known.
            subject: user or robot name; None if that is not known.

        Raises:
            AuditUnavailable: it cannot be written down, so it must not happen.
        """
        fields = _fields(event, self._here, client, subject)
        if self._file is None:
            self._log.info(event.event, **fields)
            return
        try:
            await self._file.append(_line(event, fields, self._clock()))
        except AuditUnavailable as error:
            reason = type(error.__cause__).__name__ if error.__cause__ else "too many lines wait"
            self._log.error("audit_failed", of=event.event, reason=reason)
            raise


def line_of_command(
    event: AuditEvent, *, replica_id: str, subject: str | None, now: float, site: str = ""
) -> bytes:
    """The line for an event of a command, which no client has sent.

    Args:
        site: that it is about; empty where there is only one.
        subject: user or robot that it is about; None if that is not known.
        now: seconds since the epoch, UTC.
    """
    return _line(event, _fields(event, _here(replica_id, site), None, subject), now)


def _here(replica_id: str, site: str) -> dict[str, object]:
    return {"replica": replica_id, "site": site} if site else {"replica": replica_id}


def _fields(
    event: AuditEvent, here: Mapping[str, object], client: str | None, subject: str | None
) -> dict[str, object]:
    return {**here, "client": client, "subject": _readable(subject), **asdict(event)}


def _line(event: AuditEvent, fields: Mapping[str, object], now: float) -> bytes:
    whole = {"timestamp": _text_of(now), "event": event.event, **fields}
    return orjson.dumps(whole, option=orjson.OPT_APPEND_NEWLINE)


def _readable(name: str | None) -> str | None:
    """A name from a request, in a form that can be written."""
    return None if name is None else name[:MAX_NAME_LENGTH].encode("utf-8", "replace").decode("utf-8")


def _text_of(now: float) -> str:
    whole = int(now)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{int((now - whole) * 1e6):06d}Z"
