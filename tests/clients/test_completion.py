"""zsh and fish complete the commands by the scripts that `pierhead completion` prints."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.forked_command import PIERHEAD
from tests.support.serve_command import environment


def script(shell: str, directory: Path) -> Path:
    path = directory / f"_pierhead.{shell}"
    path.write_bytes(
        subprocess.run(
            [PIERHEAD, "completion", shell], env=environment({}), capture_output=True, check=True
        ).stdout
    )
    return path


def test_fish_completes_commands_and_choices(tmp_path: Path) -> None:
    source = script("fish", tmp_path)

    def completed(line: str) -> set[str]:
        call = f"source {source}; complete --do-complete '{line}'"
        shell = subprocess.run(
            ["fish", "--no-config", "-c", call], capture_output=True, text=True, check=True
        )
        return {found.split("\t")[0] for found in shell.stdout.splitlines()}

    assert completed("pierhead ") >= {"serve", "get", "explain"}
    assert completed("pierhead serve --de") == {"--default-tier", "--demo"}
    assert completed("pierhead serve --default-tier ") >= {"public", "closed"}


def test_zsh_takes_the_script(tmp_path: Path) -> None:
    script("zsh", tmp_path).rename(tmp_path / "_pierhead")
    call = f"fpath=({tmp_path} $fpath); autoload -U compinit; compinit -u -d {tmp_path}/dump; print $_comps[pierhead]"
    shell = subprocess.run(["zsh", "-f", "-c", call], capture_output=True, text=True, check=True)
    assert shell.stdout.strip() == "_pierhead"
    assert shell.stderr == ""
    subprocess.run(["zsh", "-n", str(tmp_path / "_pierhead")], check=True)
