"""What the kernel is asked for, and where, to make a part of this machine smaller: control groups of both versions.

A machine has one of the versions. The other one is a tree of files here, made by the kernel's documentation (cgroup-v1, cgroup-v2).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.small_machine import machine_in

GIB = 1024**3


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


def plant(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_version_1_has_a_group_for_each_controller(root: Path) -> None:
    machine = machine_in(root, "small")
    assert machine.groups == (root / "cpu/small", root / "cpuacct/small", root / "memory/small")
    assert machine.preparation == {}
    assert machine.limits(0.5, 2 * GIB) == {
        root / "cpu/small/cpu.cfs_period_us": "100000",
        root / "cpu/small/cpu.cfs_quota_us": "50000",
        root / "memory/small/memory.limit_in_bytes": "2147483648",
    }
    plant(
        root,
        {
            "memory/small/memory.stat": "cache 1\nrss 2\ntotal_cache 3\ntotal_rss 4096\n",
            "memory/small/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
            "cpuacct/small/cpuacct.usage": "2500000000\n",
        },
    )
    assert (machine.memory(), machine.killed(), machine.seconds_used()) == (4096, 3, 2.5)


def test_version_2_has_one_group_whose_parent_passes_the_controllers_on(root: Path) -> None:
    plant(root, {"cgroup.controllers": "cpuset cpu io memory pids\n"})
    machine = machine_in(root, "small")
    assert machine.groups == (root / "small",)
    assert machine.preparation == {root / "cgroup.subtree_control": "+cpu +memory"}
    assert machine.limits(2, GIB) == {
        root / "small/cpu.max": "200000 100000",
        root / "small/memory.max": "1073741824",
    }
    plant(
        root,
        {
            "small/memory.stat": "anon 4096\nfile 1\nkernel 2\n",
            "small/memory.events": "low 0\nhigh 0\nmax 7\noom 1\noom_kill 3\noom_group_kill 0\n",
            "small/cpu.stat": "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n",
        },
    )
    assert (machine.memory(), machine.killed(), machine.seconds_used()) == (4096, 3, 2.5)


@pytest.mark.parametrize("version", [1, 2])
def test_a_program_joins_all_groups_before_it_begins(root: Path, version: int) -> None:
    if version == 2:
        plant(root, {"cgroup.controllers": ""})
    machine = machine_in(root, "small")
    shell, option, script, name, *command = machine.program("pierhead", "serve")
    assert (shell, option, name, command) == ("sh", "-c", "sh", ["pierhead", "serve"])
    for group in machine.groups:
        assert f"{group} " in f"{script} ".replace(";", " ")
