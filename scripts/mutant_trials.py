"""Try mutants in forks of one process that has imported and collected everything.

A fork gets the changed function by `__code__`, which costs nothing. What is no part of a function, such as a constant,
and what no test noticed that way is tried in a process of its own.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import Final, NoReturn

import coverage
import hypothesis
import pytest

from scripts.mutant_changes import Mutant

SURVIVED: Final = "SURVIVED"
LATE: Final = "TOO LATE"
"""It hangs, or the machine is busy: look, and try again."""
_LEAST_SECONDS: Final = 15.0
"""What the tests of one mutant may take however quick they are: a busy machine can make them wait."""
_LOOK_SECONDS: Final = 3600.0
_POLL_SECONDS: Final = 0.01


class Reach:
    """Which tests reach which lines, and how long each takes. Shared by no two processes: it is sent as lines."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.tests: dict[tuple[str, int], set[str]] = defaultdict(set)

    def of(self, mutant: Mutant, nearest: Sequence[str], most: float) -> list[str]:
        """The tests that are to notice a mutant, in the order in which they are to run.

        Args:
            mutant: a change of one of the files that were looked at.
            nearest: the test files of its very module.
            most: seconds that the tests may take together.
        """
        if mutant.reached is None:
            reached = set(self.seconds)
        else:
            path = str(mutant.file.resolve())
            reached = {test for line in mutant.reached for test in self.tests[path, line]}

        def rank(test: str) -> tuple[bool, bool, float]:
            return not test.startswith(tuple(nearest)), not test.startswith("tests/unit"), self.seconds[test]

        chosen, total = [], 0.0
        for test in sorted(reached & self.seconds.keys(), key=rank):
            if total + self.seconds[test] <= most:
                chosen.append(test)
                total += self.seconds[test]
        return chosen

    def bound(self, tests: Iterable[str]) -> float:
        """Seconds after which tests hang: unchanged they took a fifth of what they get."""
        return _LEAST_SECONDS + 5 * sum(self.seconds[test] for test in tests)


class Trials:
    """A plugin of pytest that tries mutants where the tests would run.

    Args:
        mutants: tried in this order.
        nearest: the test files of a module.
        most: seconds that the tests of one mutant may take together.
        tell: takes each mutant with the test that fails with it, `SURVIVED` or `LATE`.
    """

    def __init__(
        self,
        mutants: Sequence[Mutant],
        nearest: Callable[[Path], Sequence[str]],
        most: float,
        tell: Callable[[Mutant, str], None],
    ) -> None:
        self._mutants, self._nearest, self._most, self._tell = mutants, nearest, most, tell
        self._is_child = False
        self._functions: list[FunctionType] = []
        self._coverage: coverage.Coverage | None = None
        self._seconds: dict[str, float] = {}
        self._failed: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Let hypothesis stop at the first failure, not look for the simplest, and repeat itself."""
        phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
        hypothesis.settings.register_profile(
            "mutants", hypothesis.settings.default, phases=phases, database=None, derandomize=True
        )
        hypothesis.settings.load_profile("mutants")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Try every mutant in a fork, or, in the fork, leave it to pytest to run the tests."""
        if self._is_child:
            return None
        self._functions = functions_in_memory()
        reach = self._look(session)
        print(f"{len(reach.seconds)} of {len(session.items)} tests pass unchanged", flush=True)
        for mutant in self._mutants:
            self._tell(mutant, self._noticed_by(session, mutant, reach))
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """See which lines a test reaches and how long it takes."""
        if self._coverage:
            self._coverage.switch_context(item.nodeid)
        began = time.monotonic()
        try:
            return (yield)
        finally:
            self._seconds[item.nodeid] = time.monotonic() - began

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember what failed."""
        if report.failed:
            self._failed.append(report.nodeid)

    def _look(self, session: pytest.Session) -> Reach:
        """Run all tests once without a change."""

        def look() -> Iterator[str]:
            self._coverage = coverage.Coverage(data_file=None, config_file=False, source=["app"])
            self._coverage.start()
            session.config.hook.pytest_runtestloop(session=session)
            self._coverage.stop()
            for test in self._seconds.keys() - set(self._failed):
                yield f"{self._seconds[test]}\t{test}"
            data = self._coverage.get_data()
            for path in data.measured_files():
                for line, tests in data.contexts_by_lineno(path).items():
                    yield from (f"{path}\t{line}\t{test}" for test in tests)

        reach = Reach()
        for line in self._fork(look, _LOOK_SECONDS) or ():
            match line.split("\t"):
                case seconds, test:
                    reach.seconds[test] = float(seconds)
                case path, number, test:
                    reach.tests[path, int(number)].add(test)
        return reach

    def _noticed_by(self, session: pytest.Session, mutant: Mutant, reach: Reach) -> str:
        """The test that fails with a mutant, or what became of it otherwise."""
        tests = reach.of(mutant, self._nearest(mutant.file), self._most)
        if not tests:
            return SURVIVED
        items = {item.nodeid: item for item in session.items}

        def attempt() -> Iterator[str]:
            if put_in(mutant, self._functions):
                session.items = [items[test] for test in tests]
                session.config.option.maxfail = 1
                with contextlib.suppress(session.Failed, session.Interrupted):
                    session.config.hook.pytest_runtestloop(session=session)
            yield from self._failed[:1]

        bound = reach.bound(tests)
        failed = self._fork(attempt, bound) if mutant.reached else []
        if failed is None:
            return LATE
        return failed[0] if failed else noticed_alone(mutant, tests, bound)

    def _fork(self, work: Callable[[], Iterator[str]], seconds: float) -> list[str] | None:
        """The lines that some work in a fork gives, or None if it does not end in time."""
        end = time.monotonic() + seconds
        with tempfile.NamedTemporaryFile("r") as lines:
            child = os.fork()
            if not child:
                self._work_as_child(work, lines.name)
            while os.waitpid(child, os.WNOHANG) == (0, 0):
                if time.monotonic() > end:
                    os.killpg(child, signal.SIGKILL)
                    os.waitpid(child, 0)
                    return None
                time.sleep(_POLL_SECONDS)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            return lines.read().splitlines()

    def _work_as_child(self, work: Callable[[], Iterator[str]], path: str) -> NoReturn:
        try:
            os.setsid()
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(nowhere, stream)
            self._is_child = True
            Path(path).write_text("".join(f"{line}\n" for line in work()), "utf-8")
        finally:
            os._exit(0)


def functions_in_memory() -> list[FunctionType]:
    """All functions that there are. They are left to the garbage collector's permanent generation, which forks share."""
    gc.unfreeze()  # what is in it already would not be found
    found = [each for each in gc.get_objects() if isinstance(each, FunctionType)]
    gc.freeze()
    return found


def put_in(mutant: Mutant, functions: Iterable[FunctionType]) -> bool:
    """Give the functions of a module the changed code. Returns whether there are any, and all could have it."""
    path = str(mutant.file.resolve())
    codes = {
        (code.co_qualname, code.co_firstlineno): code for code in _codes(compile(mutant.tree(), path, "exec"))
    }
    ours = [function for function in functions if function.__code__.co_filename == path]
    try:
        for function in ours:
            old = function.__code__
            function.__code__ = codes[old.co_qualname, old.co_firstlineno]
    except (KeyError, ValueError):  # another function, or one that needs other names of the one around it
        return False
    return bool(ours)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def noticed_alone(mutant: Mutant, tests: Sequence[str], seconds: float) -> str:
    """The test that fails in a process that imports a mutant as any other module, or what became of it otherwise."""
    original = mutant.file.read_text("utf-8")
    mutant.file.write_text(ast.unparse(mutant.tree()), "utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=no", *tests]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return LATE
    finally:
        mutant.file.write_text(original, "utf-8")
    return _what_failed(done.stdout) if done.returncode else SURVIVED


def _what_failed(report: str) -> str:
    """The test that the short summary of pytest names, or its last line."""
    lines = report.strip().splitlines() or [""]
    named = (line.split(maxsplit=2)[1] for line in lines if line.startswith(("FAILED ", "ERROR ")))
    return next(named, lines[-1])
