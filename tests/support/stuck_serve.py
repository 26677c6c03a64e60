"""`pierhead serve` as a program whose workers can be made stuck, and whose parent waits for them for seconds only.

A worker that is sent SIGUSR2 goes on beating, but its event loop does not turn.
"""

from __future__ import annotations

import signal
import socket
import sys
import time
from multiprocessing.connection import Connection
from typing import Final

from app.cli import main, serve
from app.plan import Plan
from app.server import heartbeat, supervisor

PATIENCE_SECONDS: Final = 4
MAKE_STUCK: Final = signal.SIGUSR2
PROGRAM: Final = (sys.executable, "-m", __name__)

_run_worker = serve.run_worker


def run_worker(plan: Plan, sockets: list[list[socket.socket]], link: Connection) -> None:
    """What each worker process runs."""
    vars(heartbeat)["STUCK_SECONDS"] = 1
    signal.signal(MAKE_STUCK, lambda *_: time.sleep(3600))
    _run_worker(plan, sockets, link)


if __name__ == "__main__":
    from tests.support import stuck_serve  # the functions of this module, by a name that workers know

    vars(supervisor)["WORKER_SECONDS"] = PATIENCE_SECONDS
    serve.run_worker = stuck_serve.run_worker
    sys.exit(main())
