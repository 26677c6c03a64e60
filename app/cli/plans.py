"""Where a server gets its plan: from files at the start, and from the same files whenever it gets SIGHUP."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any, Final

import structlog
from pydantic import SecretStr

from app.cli.checks import Calls, check_all, read_tls
from app.cli.places import identity_of, places_of
from app.config import ConfigError, LoadedSettings, Settings
from app.plan import Plan
from app.server.service_manager import ServiceManager
from app.server.supervisor import READY

FIXED: Final = (
    "host", "port", "unix_socket", "workers", "admin_listen", "drain_delay", "drain_timeout", "tracing",
)  # fmt: skip
"""Settings of the process, which stay as they are until it is started anew."""

_log = structlog.get_logger(__name__)


class PlanReader:
    """Reads the settings, and all files that they name.

    Args:
        load: reads the settings; called with those that count before all others.
    """

    def __init__(self, load: Callable[[Mapping[str, Any]], LoadedSettings]) -> None:
        self._load = load
        self._spare_key = secrets.token_hex(32)

    def read(self, calls: Calls) -> Plan:
        """Read everything, and check it.

        Args:
            calls: to make to the storage.

        Raises:
            ConfigError: with all errors, not only the first.
        """
        return self._checked(self._load({}), calls)

    def read_again(self, plan: Plan) -> Plan:
        """Read everything again. If it cannot be used, the plan stays, and says why."""
        reload = plan.next_reload(time.time())
        try:
            new = self._checked(self._load_beside(plan), "none")
        except ConfigError as error:
            _log.error("reload_failed", faults=error.faults)
            return plan._replace(reload=reload._replace(faults=error.faults))
        return new._replace(reload=reload)

    def _load_beside(self, plan: Plan) -> LoadedSettings:
        """The settings for a running process. Those that are fixed count as they are, also for what depends on them."""
        loaded = self._load({})
        if (loaded.settings.tls_certificate is None) != (plan.tls is None):
            raise ConfigError(("tls_certificate: TLS cannot be switched on or off without a restart",))
        fixed = {name: getattr(plan.settings, name) for name in FIXED}
        changed = [name for name, value in fixed.items() if getattr(loaded.settings, name) != value]
        if not changed:
            return loaded
        _log.warning("restart_needed", settings=changed)
        loaded = self._load({name: fixed[name] for name in changed})
        loaded.sources.update({name: plan.sources[name] for name in changed})
        return loaded

    def _checked(self, loaded: LoadedSettings, calls: Calls) -> Plan:
        for notice in loaded.notices:
            _log.warning("setting_renamed", notice=notice)
        sites = asyncio.run(check_all(loaded, calls=calls, opens_logs=True))
        sites = tuple(
            site._replace(identity=identity_of(places_of(one), os.environ))
            for one, site in zip(loaded.served, sites, strict=True)
        )
        tls = read_tls(loaded)
        plan = Plan(loaded.settings, sites, loaded.sources, tls)
        return plan if loaded.settings.secret_keys else self._with_spare_key(plan)

    def _with_spare_key(self, plan: Plan) -> Plan:
        """The same with a key that ends with this process."""
        _log.warning("no_secret_keys", effect="tokens and licence acceptances end with this process")

        def given_key(settings: Settings) -> Settings:
            return settings.model_copy(update={"secret_keys": (SecretStr(self._spare_key),)})

        said = {"secret_keys": "generated at start"}
        sites = tuple(
            site._replace(settings=given_key(site.settings), sources={**site.sources, **said})
            for site in plan.sites
        )
        return plan._replace(settings=given_key(plan.settings), sites=sites, sources={**plan.sources, **said})


class Hangups:
    """SIGHUP, from when this is made, so that none is lost while the server starts."""

    def __init__(self) -> None:
        self._have_come = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        signal.signal(signal.SIGHUP, self._note)

    async def plans(self, reader: PlanReader, plan: Plan, manager: ServiceManager) -> AsyncIterator[Plan]:
        """A plan for each. Whoever asks for the next one goes by the last.

        Args:
            manager: told how far that is.
        """
        self._loop = asyncio.get_running_loop()
        while True:
            manager.ready()
            await self._have_come.wait()
            self._have_come.clear()
            manager.reloading()
            plan = await asyncio.to_thread(reader.read_again, plan)
            yield plan

    def _note(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._loop is None:
            self._have_come.set()
        else:
            self._loop.call_soon_threadsafe(self._have_come.set)


async def plans_from(link: Connection) -> AsyncIterator[Plan]:
    """The plans that a supervisor sends, until it is gone; of several that wait, the last.

    Whoever asks for the next one goes by the last, and the supervisor is told so.
    """
    loop = asyncio.get_running_loop()
    is_there = asyncio.Event()
    loop.add_reader(link.fileno(), is_there.set)
    try:
        while True:
            link.send_bytes(READY)
            plan: Plan | None = None
            while plan is None:
                await is_there.wait()
                is_there.clear()
                while link.poll():
                    plan = link.recv()
            yield plan
    except (EOFError, OSError):
        return
    finally:
        loop.remove_reader(link.fileno())
