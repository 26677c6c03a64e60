"""The installed command, and forks that run it for most tests: nothing that a program can see sets them apart."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import forked_command
from tests.support.forked_command import PIERHEAD, Fork, Process, preloaded, process_of, start_pierhead
from tests.support.pierhead_process import run_pierhead
from tests.support.preloaded import Command
from tests.support.serve_command import environment, run_serve
from tests.support.waiting import PATIENCE, fetch, wait_until

FACTS_OF_ALL = """
    "arguments": sys.argv,
    "directory": os.getcwd(),
    "environment": dict(os.environ),
    "descriptors": sorted(os.listdir("/proc/self/fd")),
    "handlers": [str(signal.getsignal(number)) for number in sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})],
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    "threads": len(os.listdir("/proc/self/task")),
    "path": sys.path,
"""

FACTS = """
import __main__, asyncio, atexit, gc, json, multiprocessing.spawn, os, signal, sys, threading, time
print(json.dumps({FACTS_OF_ALL
    "input": sys.stdin.read(),
    "is at terminal": [sys.stdout.isatty(), sys.stderr.isatty()],
    "texts": [(one.encoding, one.errors, one.line_buffering) for one in (sys.stdout, sys.stderr)],
    "is leader": os.getsid(0) == os.getpid(),
    "flags": str(sys.flags),
    "main": [__main__.__file__, str(__main__.__spec__), __name__],
    "main of children": multiprocessing.spawn.get_preparation_data("x")["init_main_from_path"],
    "collects garbage": [gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()],
    "switches": sys.getswitchinterval(),
    "time zone": time.tzname,
    "loop": str(asyncio._get_running_loop()),
    "mask": os.umask(0),
}))
atexit.register(print, "at exit")
print("to stderr", file=sys.stderr)
sys.exit(3)
""".replace("FACTS_OF_ALL", FACTS_OF_ALL)

FACTS_OF_WORKERS = """
import gc, json, multiprocessing, os, signal, sys

def facts():
    from prometheus_client import values
    print(json.dumps({FACTS_OF_ALL
        "threads of parent": len(os.listdir(f"/proc/{os.getppid()}/task")),
        "descriptors of parent": sorted(os.listdir(f"/proc/{os.getppid()}/fd")),
        "main": [vars(sys.modules[name]).get("__file__") for name in ("__main__", "__mp_main__")],
        "collects garbage": [gc.isenabled(), gc.get_threshold()],
        "counts": values.ValueClass.__qualname__,
    }), flush=True)

def start():
    worker = context.Process(target=facts)
    worker.start()
    worker.join()
    return open(f"/proc/{server._forkserver_pid}/stat").read().split()[3] == str(os.getpid())

if __name__ == "__main__":
    from multiprocessing import resource_tracker
    from multiprocessing.forkserver import _forkserver as server
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["prometheus_client"])
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = os.getcwd()
    resource_tracker.ensure_running()  # which would unblock it again
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    signal.signal(signal.SIGHUP, lambda *_: None)
    print("is parent" if start() else "is not", flush=True)
    os.kill(server._forkserver_pid, signal.SIGKILL)
    os.waitid(os.P_PID, server._forkserver_pid, os.WEXITED | os.WNOWAIT)
    print("is parent" if start() else "is not", flush=True)
""".replace("FACTS_OF_ALL", FACTS_OF_ALL)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return tmp_path / "bin" / "script"


def run_both(
    script: Path, text: str, *arguments: str, in_new_session: bool = False, **environ: str
) -> list[tuple[int, bytes, bytes]]:
    """Status, output and errors of a script: of a process of its own, and of a fork."""
    script.parent.mkdir(exist_ok=True)
    script.write_text(text)
    directory = script.parent.parent
    command = Command(str(script), [*arguments], str(directory), environment(environ), in_new_session)
    ran = []
    for name in ("process", "fork"):
        outputs = [directory / f"{name}.{kind}" for kind in ("out", "err")]
        with outputs[0].open("wb") as stdout, outputs[1].open("wb") as stderr:
            process = (
                Fork(preloaded(), command, stdout, stderr)
                if name == "fork"
                else process_of(command, stdout, stderr, by=[sys.executable])
            )
            status = process.wait(PATIENCE)
        ran.append((status, outputs[0].read_bytes(), outputs[1].read_bytes()))
    return ran


@pytest.mark.parametrize("in_new_session", [False, True])
def test_a_fork_has_all_that_a_process_of_its_own_has(script: Path, in_new_session: bool) -> None:
    real, fork = run_both(
        script, FACTS, "serve", "--port", "0", in_new_session=in_new_session, TZ="Asia/Tokyo", X="\u00fc"
    )
    facts: list[dict[str, Any]] = []
    for status, output, errors in (real, fork):
        shown, last = output.decode().splitlines()
        assert (status, last, errors) == (3, "at exit", b"to stderr\n")
        facts.append(json.loads(shown))
    assert facts[0]["is leader"] == in_new_session
    assert facts[0]["time zone"] == ["JST", "JST"]
    assert facts[1] == facts[0]


def test_the_workers_of_a_fork_have_all_that_those_of_a_process_have(script: Path) -> None:
    real, fork = run_both(script, FACTS_OF_WORKERS, "--workers", "2")
    assert (real[0], real[2]) == (0, b"")
    assert real[1].count(b'"blocked": [15]') == real[1].count(b'"counts": "MultiProcessValue') == 2
    assert real[1].count(b"is parent") == 2  # the second is of one that was started anew
    assert fork == real


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("pass", 0),
        ("import sys; sys.exit('said')", 1),
        ("1 / 0", 1),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        ("import os, signal; os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT),
        ("import os; os.abort()", -signal.SIGABRT),
        (
            "import threading as t; t.Thread(target=lambda: t.main_thread().join() or print('late')).start()",
            0,
        ),
    ],
)
def test_a_fork_ends_as_a_process_of_its_own(script: Path, text: str, status: int) -> None:
    real, fork = run_both(script, text)
    assert (real[0], fork[0]) == (status, status)
    assert real[1] == fork[1]
    # Where an exception came from is known to the process that forks as well.
    assert real[2].splitlines()[-1:] == fork[2].splitlines()[-1:]


def test_a_fork_is_waited_for_and_told_as_a_process(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("import signal; signal.pause()")
    with (tmp_path / "output").open("wb") as output:
        fork = Fork(preloaded(), Command(str(script), [], str(tmp_path), {}, False), output, output)
    assert [fork.poll(), fork.returncode] == [None, None]
    with pytest.raises(subprocess.TimeoutExpired):
        fork.wait(0.01)
    os.kill(fork.pid, signal.SIGTERM)
    assert wait_until(
        lambda: Path(f"/proc/{fork.pid}/stat").read_text().split()[2] == "Z"
    )  # until it is asked for
    assert fork.wait() == fork.poll() == fork.returncode == -signal.SIGTERM
    assert not Path(f"/proc/{fork.pid}").exists()
    fork.kill()


def test_only_what_would_be_the_same_is_forked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kind(**environ: str) -> type[Process]:
        with (tmp_path / "output").open("wb") as output:
            started = start_pierhead(
                ["--version"], cwd=tmp_path, env=environment(environ), stdout=output, stderr=output
            )
        assert started.wait(PATIENCE) == 0
        return type(started)

    assert kind(HOME="/", PIERHEAD_WORKERS="2", AWS_CA_BUNDLE="x") is Fork
    # Read as modules are loaded: by Python, by a library, by OpenSSL for one.
    for name in ("PYTHONUTF8", "PROMETHEUS_MULTIPROC_DIR", "SSL_CERT_FILE"):
        assert kind(**{name: "1"}) is subprocess.Popen
    monkeypatch.setattr(forked_command, "_OUR_NETWORK", -1)
    # It would be started in the other network, and so would all forks after this one.
    monkeypatch.setattr(forked_command, "preloaded", lambda: pytest.fail("started in another network"))
    assert kind() is subprocess.Popen


def downloads(metrics: str) -> float:
    """How many are counted."""
    pattern = r'^pierhead_download_duration_seconds_count\{.*status="200".*\} (\S+)$'
    return sum(float(count) for count in re.findall(pattern, metrics, re.MULTILINE))


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("program", [(), (PIERHEAD,)])
def test_both_serve_and_count(tmp_path: Path, program: tuple[str, ...], workers: str) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/a.txt").write_text("text")
    with run_pierhead(str(tmp_path / "tree"), tmp_path, "--workers", workers, program=program) as server:
        for _ in range(8):  # each over a connection of its own, so that all workers get some
            assert fetch(f"{server.url}/a.txt") == b"text"
        assert wait_until(lambda: downloads(server.metrics()) == 8)
        command = Path(f"/proc/{server.pid}/cmdline").read_bytes()
    assert (b"tests.support.preloaded" in command) == (not program)
    assert "Traceback" not in server.log.read_text()


def test_a_fork_says_what_is_wrong(tmp_path: Path) -> None:
    refused = run_serve(tmp_path, "--port", "x")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "port" in refused.stderr
