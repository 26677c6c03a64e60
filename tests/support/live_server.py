"""The real server on a real socket, in a thread of the test process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple

import uvicorn
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from app.auth.keys import KeyRing
from app.auth.tokens import TokenGrant, issue_token
from app.cli.serve import server_options
from app.config import Settings
from app.domain.drain import Drain
from app.main import Application, create_app
from app.policy.site_policy import SitePolicy
from app.server.draining import AdminListener, DrainingServer
from app.storage.store import ObjectStore
from app.telemetry import AccessLog, Metrics
from app.wiring import SiteWiring
from tests.support.policy import site_policy
from tests.support.waiting import PATIENCE, fetch

SECRET = "a key for tests that has at least thirty-two characters"


class LiveServer(NamedTuple):
    """Where it listens, without a slash at its end; its port; and where its operator's listener is."""

    url: str
    port: int
    admin: str

    def metrics(self) -> str:
        """What the operator is shown."""
        return metrics_at(self.admin)


def metrics_at(admin: str) -> str:
    """The metrics of the server whose operator's listener is at this URL, without a slash at its end."""
    return fetch(f"{admin}/metrics").decode()


def settings_for(**values: Any) -> Settings:
    """Settings with a key that `token` signs with, and without a cache: what a test changes is seen at once."""
    uncached = {"cache_ttl": 0, "cache_grace": 0, "cache_max_stale": 0}
    return Settings(**({"secret_keys": (SECRET,), "replica_id": "test"} | uncached | values))


def policy_from(text: str) -> SitePolicy:
    """A site policy from TOML."""
    return site_policy(text)


def app_over(
    store: ObjectStore,
    *,
    policy: str = "",
    metrics: Metrics | None = None,
    clock: Callable[[], float] = time.monotonic,
    wall_clock: Callable[[], float] = time.time,
    **values: Any,
) -> WiredApp:
    """The application over a store that is open already.

    Args:
        clock: seconds, by which the age of folders and of issuers' keys is told.
        wall_clock: seconds since the epoch, by which what was signed holds.
        values: settings.
    """
    measured = metrics or Metrics()
    wiring = SiteWiring(settings_for(**values), policy_from(policy), clock)
    site = wiring.open(store, measured, age_clock=clock, clock=wall_clock)
    return WiredApp(site.front_door, site.operator.admin, site.access_log)


def app_for(storage: str | tuple[str, ...], *, policy: str = "", **values: Any) -> ASGIApp:
    """The application as `pierhead serve` runs it: it opens the storage itself."""
    return create_app(settings_for(storage=storage, **values), policy_from(policy))


def token(*groups: str, now: float, life: float = 3600, **grant: Any) -> str:
    """A member's token for a server made with `settings_for`."""
    values: dict[str, Any] = {"subject": "robot", "issued": now, "expires": now + life, "id": "t1"} | grant
    return issue_token(KeyRing([SECRET]), TokenGrant(groups=frozenset(groups), **values))


@contextmanager
def live_server(app: ASGIApp, **options: Any) -> Iterator[LiveServer]:
    """Serve an application on a free port of the loopback until the block ends.

    Args:
        options: of uvicorn, over those the server itself runs with.
    """
    listening, admin = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    port, admin_port = (opened.getsockname()[1] for opened in (listening, admin))
    ours = server_options(settings_for())
    served = app if isinstance(app, Application | WiredApp) else WiredApp(app, app)
    server = _Server(
        uvicorn.Config(served, **(ours | options)),
        Drain(),
        admin=AdminListener(served.answer_operator, [admin], ours),
    )
    thread = threading.Thread(target=server.run, args=([listening],), name="live-server")
    thread.start()
    started = threading.Event()
    try:
        for _ in range(int(PATIENCE) * 1000):
            if server.started or not thread.is_alive() or started.wait(0.001):
                break
        assert server.started, "the server did not start"
        yield LiveServer(f"http://127.0.0.1:{port}", port, f"http://127.0.0.1:{admin_port}")
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listening.close()
        admin.close()
    assert not thread.is_alive(), "the server did not stop"


class _Server(DrainingServer):
    """Stops when the test says so: a thread gets no signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class WiredApp:
    """An application that is wired already. At the end of its lifespan it writes the lines of its log that still wait."""

    def __init__(self, app: ASGIApp, admin: ASGIApp, access_log: AccessLog | None = None) -> None:
        self._app = app
        self._access_log = access_log
        self._lifespan = Router(lifespan=self._open)
        self.answer_operator = admin
        self.fast_path = getattr(app, "fast_path", None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._lifespan if scope["type"] == "lifespan" else self._app)(scope, receive, send)

    @asynccontextmanager
    async def _open(self, _: Router) -> AsyncIterator[None]:
        yield
        if self._access_log is not None:
            self._access_log.close()
