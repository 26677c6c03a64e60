"""What holds for every test."""

from __future__ import annotations

import asyncio
import functools
import gc
import importlib
import os
import ssl
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import certifi
import pytest
from botocore.endpoint_provider import RuleSet
from botocore.hooks import EventAliaser
from botocore.loaders import create_loader
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from hypothesis import HealthCheck, settings
from jinja2 import Environment

from tests.support.forked_command import close_preloaded
from tests.support.templates import compiling_once
from tests.support.waiting import PATIENCE

# A busy machine is no fault of the code: no example, and no drawing of one, has to be done in a given time.
settings.register_profile("pierhead", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pierhead")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tables that tests make be written anew (`make engine-table`, `make fault-table`)."""
    parser.addoption("--write-tables", action="store_true", help="write docs/operations.md anew")


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Let the garbage collector pass over the tests, which live to the end: a third of the collection goes there.

    And let it look seldom at what comes later.
    """
    gc.disable()
    try:
        load_own_share(session.config)
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(100_000)
        gc.enable()


def load_own_share(config: pytest.Config) -> None:
    """Let each of several workers begin with other files, and find those of the rest compiled.

    All of them load all files. In a fresh checkout half of the collection goes into the rewriting of assertions.
    """
    worker: dict[str, Any] | None = getattr(config, "workerinput", None)
    if worker is None:
        return
    files = [file for place in config.args for file in sorted(Path(place).rglob("test_*.py"))]
    own = int(worker["workerid"].removeprefix("gw"))
    for file in files[own :: worker["workercount"]]:
        with suppress(Exception):  # which the collection reports
            importlib.import_module(".".join(file.with_suffix("").parts))


@pytest.fixture(scope="session", autouse=True)
def s3_model_read_once() -> Iterator[None]:
    """Let all sessions of botocore share what they read from its files, and what depends on that alone.

    Without this, half of most tests of S3 would be the opening of a store.
    """
    rule_sets: dict[int, tuple[Any, RuleSet]] = {}  # by the id of the rules, which live as long

    def rule_set(**data: Any) -> RuleSet:
        rules = data["rules"]  # one object for all, from the loader that they share
        if id(rules) not in rule_sets:
            rule_sets[id(rules)] = (rules, RuleSet(**data))
        return rule_sets[id(rules)][1]

    aliaser: Any = EventAliaser
    alias = functools.cache(aliaser(None)._alias_event_name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", functools.cache(create_loader))
        patch.setattr("botocore.endpoint_provider.RuleSet", rule_set)
        patch.setattr(aliaser, "_alias_event_name", lambda self, name: alias(name))
        yield


@pytest.fixture(scope="session", autouse=True)
def answers_may_take_long() -> Iterator[None]:
    """Let clients that say nothing else wait for an answer as long as it takes, and servers for a sign of life of the storage."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.storage.health.LOOK_TIMEOUT", PATIENCE)
        for name in ("connect", "read", "write", "pool"):
            patch.setattr(DEFAULT_TIMEOUT_CONFIG, name, PATIENCE)
        yield


@pytest.fixture(scope="session", autouse=True)
def templates_compiled_once() -> Iterator[None]:
    """Let all servers share what the templates compile to, which takes longer than the rest of their start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Environment, "compile", compiling_once())
        yield


@pytest.fixture(scope="session", autouse=True)
def forks_end() -> Iterator[None]:
    """End the process that runs `pierhead` by forks, if a test has used it."""
    yield
    close_preloaded()


@pytest.fixture(scope="session", autouse=True)
def public_authorities_left_out() -> Iterator[None]:
    """Leave out the certificates of public authorities, which take a client longer to read than most tests.

    Nothing here has one of theirs.
    """
    named_by_machine = (
        os.environ.get(name) for name in ("SSL_CERT_FILE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
    )
    bundles = {certifi.where(), *filter(None, named_by_machine)}
    load = ssl.SSLContext.load_verify_locations

    def load_others(
        context: ssl.SSLContext, cafile: Any = None, capath: Any = None, cadata: Any = None
    ) -> None:
        if cafile not in bundles:
            load(context, cafile, capath, cadata)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl.SSLContext, "load_verify_locations", load_others)
        yield


@pytest.fixture(scope="session", autouse=True)
def servers_end_soon() -> Iterator[None]:
    """Let uvicorn look ten times as often as it does whether it is time to end, and whether all have gone."""
    quick = SimpleNamespace(**(vars(asyncio) | {"sleep": lambda seconds: asyncio.sleep(seconds / 10)}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("uvicorn.server.asyncio", quick)
        yield
