"""What holds for every test."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import CodeType
from typing import Any

import pytest
from botocore.loaders import create_loader
from hypothesis import HealthCheck, settings
from jinja2 import Environment

# A busy machine is no fault of the code: no example, and no drawing of one, has to be done in a given time.
settings.register_profile("pierhead", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pierhead")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tables that tests make be written anew (`make engine-table`, `make fault-table`)."""
    parser.addoption("--write-tables", action="store_true", help="write docs/operations.md anew")


@pytest.fixture(scope="session", autouse=True)
def s3_model_read_once() -> Iterator[None]:
    """Let all sessions of botocore share what they read from its files, which takes longer than most tests of S3."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", functools.cache(create_loader))
        yield


@pytest.fixture(scope="session", autouse=True)
def templates_compiled_once() -> Iterator[None]:
    """Let all servers share what the templates compile to, which takes longer than the rest of their start."""
    compiled: dict[tuple[str, Any], CodeType] = {}
    compile_template = Environment.compile

    def compile_once(environment: Environment, source: str, *names: Any) -> CodeType:
        key = (source, names)
        if key not in compiled:
            compiled[key] = compile_template(environment, source, *names)
        return compiled[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Environment, "compile", compile_once)
        yield
