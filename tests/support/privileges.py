"""Running a test's code as somebody to whom file permissions apply, though root runs the test."""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

_Result = TypeVar("_Result")

_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def run_without_privileges(make: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
    """Run a coroutine in a new thread that has no capability, nor have the threads which it starts.

    Capabilities belong to threads on Linux (capabilities(7)); the rest of the test session keeps its own.
    """

    def run() -> _Result:
        _drop_capabilities()
        return asyncio.run(make())

    with ThreadPoolExecutor(1) as one:
        return one.submit(run).result()


def _drop_capabilities() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    nothing = (_Data * 2)()
    if libc.capset(ctypes.byref(_Header(_VERSION_3, 0)), ctypes.byref(nothing)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
