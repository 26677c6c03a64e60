"""Compiles each template once for all servers of a process, which takes longer than the rest of their start."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any

from jinja2 import Environment


def compiling_once() -> Callable[..., CodeType]:
    """What takes the place of `Environment.compile`. It keeps what a source and its names compile to."""
    compiled: dict[tuple[str, Any], CodeType] = {}
    compile_template = Environment.compile

    def compile_once(environment: Environment, source: str, *names: Any) -> CodeType:
        key = (source, names)
        if key not in compiled:
            compiled[key] = compile_template(environment, source, *names)
        return compiled[key]

    return compile_once
