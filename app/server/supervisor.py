"""Several worker processes that share the listening sockets: started, watched, replaced and stopped together."""

from __future__ import annotations

import logging
import math
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from types import FrameType
from typing import Final, Generic, Protocol, TypeVar

import structlog
from uvicorn.config import STARTUP_FAILURE

from app.server.heartbeat import BEAT_SECONDS, END_AT_ONCE, LEAVE_SECONDS, STUCK
from app.server.service_manager import ServiceManager

READY: Final = b"!"
"""What a worker sends when it goes by the last plan it was given."""
WORKER_SECONDS: Final = 120
"""How long a worker may be silent before it is replaced. A starting worker is silent, and starting takes long on a
busy host. With less time, workers would be restarted for ever."""
RESTART_SECONDS: Final = 1.0
"""Between two starts in one place, so that a worker that dies at once does not keep the host busy."""
_FORKING: Final = multiprocessing.get_context("forkserver")
"""Workers are forks of a process of one thread that has imported what they need, and does nothing else."""
_HELD: Final = frozenset({signal.SIGTERM, signal.SIGHUP})
"""Signals that a service manager or terminal may send to all processes. The one that is forked must not end by them."""

_log = structlog.get_logger(__name__)


Plan = TypeVar("Plan")
GivenPlan = TypeVar("GivenPlan", contravariant=True)


class WorkerMain(Protocol[GivenPlan]):
    """What a worker process runs."""

    def __call__(self, plan: GivenPlan, sockets: list[list[socket.socket]], link: Connection) -> None:
        """Serve until told to stop.

        Args:
            plan: what to serve.
            sockets: as `Supervisor` was given them.
            link: to the supervisor: for `keep_beating`, and where other plans come from.
        """
        ...


class Supervisor(Generic[Plan]):
    """Runs workers until it is told to stop.

    SIGTERM and SIGINT stop all of them, each by its own drain; a second one ends them at once. At SIGHUP, all are sent
    the plan as it then is.

    Args:
        main: what each runs; a function of a module, for it is called in another process.
        plan: what each serves; passed to another process too.
        modules: what `main` imports, so that workers start with it.
        sockets: listening; passed to each worker. Closed here at once when it is told to stop, so that no connection
            waits for a process that takes none.
        read_again: makes another plan of the former one.
        note_death: called with the process id of each worker that is gone.
        manager: told how all of them are doing.
    """

    def __init__(
        self,
        main: WorkerMain[Plan],
        plan: Plan,
        sockets: list[list[socket.socket]],
        *,
        modules: Sequence[str],
        read_again: Callable[[Plan], Plan],
        note_death: Callable[[int], object],
        manager: ServiceManager,
    ) -> None:
        _FORKING.set_forkserver_preload([*modules])
        self._main = main
        self._plan = plan
        self._sockets = sockets
        self._read_again = read_again
        self._note_death = note_death
        self._manager = manager
        self._is_changing = True
        self._workers: list[_Worker] = []
        self._signals = 0
        self._is_outdated = False
        self._wake, self._waker = _FORKING.Pipe(duplex=False)
        self._has_failed = False

    def run(self, count: int) -> bool:
        """Run so many workers until told to stop. Returns whether they could be started."""
        with self._listening_to_signals():
            for _ in range(count):
                self._workers.append(self._start())
            while not (self._signals or self._has_failed):
                self._wait()
                if self._is_outdated:
                    self._replace_plan()
                for place, worker in enumerate(self._workers):
                    self._tend(place, worker)
                self._report()
            self._manager.stopping()
            for listening in self._sockets:
                for one in listening:
                    one.close()
            self._stop_all()
        return not self._has_failed

    def _start(self) -> _Worker:
        return _Worker(self._main, self._plan, self._sockets)

    def _report(self) -> None:
        """Tell the service manager how the workers are doing."""
        self._manager.beat()
        if self._is_changing and all(worker.is_ready for worker in self._workers):
            self._is_changing = False
            self._manager.ready()

    def _replace_plan(self) -> None:
        self._is_outdated, self._is_changing = False, True
        self._manager.reloading()
        self._plan = self._read_again(self._plan)
        for worker in self._workers:
            worker.send(self._plan)

    def _tend(self, place: int, worker: _Worker) -> None:
        """Replace a worker that is gone."""
        worker.listen()
        if worker.is_silent():
            _log.error("worker_is_silent", pid=worker.pid, seconds=WORKER_SECONDS)
            worker.process.kill()
            worker.process.join()
        if self._signals or self._has_failed or worker.process.exitcode is None:
            return
        self._note_death(worker.pid)
        if worker.process.exitcode == STARTUP_FAILURE:
            _log.error("worker_cannot_start", pid=worker.pid)
            self._has_failed = True
        elif time.monotonic() >= worker.started + RESTART_SECONDS:
            _log.error("worker_died", pid=worker.pid, status=worker.process.exitcode)
            self._workers[place] = self._start()

    def _stop_all(self) -> None:
        for worker in self._workers:
            worker.tell(signal.SIGTERM)
        kill_at = math.inf
        while any(worker.process.exitcode is None for worker in self._workers):
            if self._signals > 1 and kill_at == math.inf:
                kill_at = time.monotonic() + LEAVE_SECONDS
                for worker in self._workers:
                    worker.tell(END_AT_ONCE)
            if time.monotonic() > kill_at:
                for worker in self._workers:
                    worker.tell(signal.SIGKILL)
            self._wait()
            if self._is_outdated:
                self._is_outdated = False
                _log.warning("reload_ignored", why="the server is stopping")
            for worker in self._workers:
                worker.listen()

    def _wait(self) -> None:
        """Wait for a beat, a death, a signal, or a second."""
        gone = any(worker.process.exitcode is not None for worker in self._workers)
        sources = [source for worker in self._workers for source in worker.sources()]
        if self._wake in wait([self._wake, *sources], timeout=BEAT_SECONDS if gone else 1.0):
            self._wake.recv_bytes()

    @contextmanager
    def _listening_to_signals(self) -> Iterator[None]:
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = {number: signal.signal(number, self._note_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        if number == signal.SIGHUP:
            self._is_outdated = True
        else:
            self._signals += 1
        self._waker.send_bytes(b".")


class _Worker:
    """One process, as its parent sees it."""

    def __init__(self, main: WorkerMain[Plan], plan: Plan, sockets: list[list[socket.socket]]) -> None:
        self._link, theirs = _FORKING.Pipe()
        self.process = _FORKING.Process(target=run_logged, args=(main, plan, sockets, theirs))
        resource_tracker.ensure_running()  # which would unblock them again
        signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)  # inherited
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
        theirs.close()
        self.started = self._heard = time.monotonic()
        self.is_ready = False

    @property
    def pid(self) -> int:
        """Of the process, which was started."""
        assert self.process.pid is not None
        return self.process.pid

    def sources(self) -> Iterable[Connection | int]:
        """What becomes ready when there is something to do."""
        sentinel = () if self.process.exitcode is not None else (self.process.sentinel,)
        return sentinel if self._link.closed else (*sentinel, self._link)

    def listen(self) -> None:
        """Note the beats that have come."""
        try:
            while not self._link.closed and self._link.poll():
                said = self._link.recv_bytes()
                self.is_ready |= said == READY
                if said != STUCK:
                    self._heard = time.monotonic()
        except (EOFError, OSError):
            self._link.close()

    def is_silent(self) -> bool:
        """Whether it runs, and has not been heard of for too long."""
        return self.process.exitcode is None and time.monotonic() - self._heard > WORKER_SECONDS

    def send(self, plan: object) -> None:
        """Send another plan, without waiting for a worker that does not read it."""
        self.is_ready = False
        threading.Thread(target=self._send, args=(plan,), daemon=True, name="plan").start()

    def _send(self, plan: object) -> None:
        with suppress(OSError):  # it is gone; the next one begins with this plan
            self._link.send(plan)

    def tell(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        with suppress(ProcessLookupError):
            if self.process.exitcode is None:
                os.kill(self.pid, number)


def run_logged(
    main: WorkerMain[Plan], plan: Plan, sockets: list[list[socket.socket]], link: Connection
) -> None:
    """Run a worker. Why it fails is a line of the log; `multiprocessing` would print it in a form of its own."""
    try:
        main(plan, sockets, link)
    except Exception:  # noqa: BLE001 - whatever it is, the parent starts another worker
        _log.exception("worker_failed", pid=os.getpid())
        sys.exit(1)
    finally:
        for handler in logging.root.handlers:
            handler.flush()  # a thread writes, and a worker ends without waiting for it


def release_signals() -> None:
    """Take the signals that a worker has been sent since it was started; for when it has its own handlers."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
