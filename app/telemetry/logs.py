"""Sets up the log, for our lines and those of libraries."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import Literal

import structlog

from app.telemetry.audit import LOGGER as AUDIT_LOGGER
from app.telemetry.line_writer import LineWriter, writer_to
from app.telemetry.seldom import Seldom, SeldomEvents
from app.telemetry.trace import name_request

LogFormat = Literal["auto", "json", "console"]

_log = structlog.get_logger("pierhead.telemetry")


def configure_logging(level: str, form: LogFormat) -> None:
    """Send every log line of the process, ours and the libraries', to standard error in one form.

    Args:
        level: least level shown: debug, info, warning or error.
        form: `json` for one object a line, `console` for people, `auto` by whether stderr is a terminal.
    """
    as_json = is_json(form)
    shared: list[structlog.typing.Processor] = [
        SeldomEvents(Seldom()),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        name_request,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _put_first,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty() and not os.environ.get("NO_COLOR"),  # no-color.org
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    handler = LineHandler(writer_to(sys.stderr))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=shared,
        )
    )
    _replace_handlers(handler)
    logging.getLogger().setLevel(level.upper())
    for noisy in ("botocore", "aiobotocore", "aioboto3", "urllib3", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger(AUDIT_LOGGER).setLevel(logging.INFO)  # these lines are wanted at every level
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def log_what_python_reports() -> None:
    """Log warnings of the interpreter and exceptions that end a thread, which it would print in a form of its own."""
    logging.captureWarnings(True)
    threading.excepthook = _log_end_of_thread


def _log_end_of_thread(end: threading.ExceptHookArgs) -> None:
    if issubclass(end.exc_type, SystemExit):  # as Python does
        return
    value = end.exc_value or end.exc_type()
    _log.error("thread_failed", thread=end.thread and end.thread.name, exc_info=value)


def _replace_handlers(handler: logging.Handler) -> None:
    """Have this one alone write the log, from one moment to the next.

    When the settings are read again, other threads log meanwhile. Without any handler, `logging` would print their
    warnings bare and drop the rest.
    """
    root = logging.getLogger()
    former, root.handlers = root.handlers, [handler]
    for one in former:
        one.close()


class LineHandler(logging.Handler):
    """Passes log lines to the writer, without waiting for a reader.

    Args:
        writer: where they go.
    """

    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler.emit`."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - as in every handler of the standard library: logging fails nobody
            self.handleError(record)
        else:
            self._writer.write(f"{line}\n".encode("utf-8", "backslashreplace"))

    def flush(self) -> None:
        """Wait a moment for lines that are being written. Called when the process ends."""
        self._writer.flush()


def is_json(form: LogFormat) -> bool:
    """Whether lines are JSON: if requested, or if `auto` and the output is no terminal."""
    return form == "json" or (form == "auto" and not sys.stderr.isatty())


def _put_first(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Put time, level and event before the details: the order in which people read a line."""
    first = {name: event[name] for name in ("timestamp", "level", "logger", "event") if name in event}
    return first | {name: value for name, value in event.items() if name not in first}
