"""To install the project into an empty environment gives all that a site in a directory needs, and nothing of the checkout.

uv does it in a quarter of the processor time of pip, which `test_setup.py` runs. Costs 10 seconds of a processor.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.sample_tree.licensing import EULA_FILES
from tests.support.waiting import PATIENCE, answers, fetch, free_port, wait_until

PROJECT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
INSTALLED_FROM = ("app", "templates", "pyproject.toml", "README.md", "LICENSE")
OWN_VARIABLES = ("PIERHEAD_", "PYTHON", "VIRTUAL_ENV", "COV", "PYTEST")

MOST_BYTES = 60_000_000

pytestmark = pytest.mark.timeout(1800)  # a dozen packages are fetched


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints. It must succeed."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(OWN_VARIABLES)}
    result = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def uv_pip(what: str, bin_directory: Path, *arguments: str | Path) -> str:
    """What uv prints when it does one of pip's tasks for an environment. It must succeed."""
    return run(UV, "pip", what, "--python", bin_directory / "python", *arguments, cwd=Path("/"))


@pytest.fixture(scope="module")
def bin_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment into which a copy of the project was installed; the copy is gone."""
    directory = tmp_path_factory.mktemp("install")
    source = directory / "source"
    source.mkdir()
    for name in INSTALLED_FROM:
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        copy(PROJECT / name, source / name)
    run(UV, "venv", "--quiet", "--python", sys.executable, directory / "venv", cwd=directory)
    # With byte code, as pip does: it is part of the size.
    uv_pip("install", directory / "venv/bin", "--quiet", "--compile-bytecode", source)
    shutil.rmtree(source)
    return directory / "venv/bin"


@pytest.fixture(scope="module")
def url(bin_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("elsewhere")
    for name, content in EULA_FILES.items():
        (directory / "tree" / name).parent.mkdir(parents=True)
        (directory / "tree" / name).write_text(content)
        (directory / "tree" / name).with_name("firmware.bin").write_bytes(b"firmware")
    port = free_port()
    command = [str(bin_directory / "pierhead"), "serve", "--storage", "tree", "--port", str(port)]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=directory, env={"PATH": os.environ["PATH"]}, stdout=log, stderr=log
        )
    try:
        address = f"http://127.0.0.1:{port}"
        assert wait_until(lambda: process.poll() is not None or answers(f"{address}/readyz"))
        assert process.poll() is None, (directory / "log").read_text()
        yield address
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def test_it_stands_on_its_own(bin_directory: Path) -> None:
    where = "import app, app.main; print(app.__file__)"
    printed = run(bin_directory / "python", "-P", "-c", where, cwd=Path("/"))
    assert Path(printed.strip()).is_relative_to(bin_directory.parent)
    uv_pip("check", bin_directory)


def test_nothing_of_the_tests_is_installed(bin_directory: Path) -> None:
    site = next((bin_directory.parent / "lib").glob("python*/site-packages"))
    assert (site / "app/templates/folder.html").is_file()
    assert not {"tests", "scripts", "templates", "moto"} & {path.name for path in site.iterdir()}


def test_a_page_comes_with_its_style_sheet(url: str) -> None:
    page = fetch(f"{url}/").decode()
    assert 'href="eula/"' in page
    sheet = re.search(r'<link rel="stylesheet" href="([^"]+)"', page)
    assert sheet
    assert b"{" in fetch(url + sheet[1])


def test_the_default_licence_is_there(url: str) -> None:
    assert b'"text":"' in fetch(f"{url}/api/license/eula-default/firmware.bin")


def test_a_file_is_served(url: str) -> None:
    assert fetch(f"{url}/open-eula/firmware.bin") == b"firmware"


def test_the_commands_know_themselves(bin_directory: Path) -> None:
    version = run(bin_directory / "pierhead", "--version", cwd=Path("/")).split()[1]
    assert f"Version: {version}\n" in uv_pip("show", bin_directory, "pierhead")


def test_a_file_is_fetched(url: str, bin_directory: Path, tmp_path: Path) -> None:
    run(bin_directory / "pierhead", "get", f"{url}/open-eula/", cwd=tmp_path)
    assert (tmp_path / "firmware.bin").read_bytes() == b"firmware"


def test_a_bucket_needs_a_part_that_is_named(bin_directory: Path) -> None:
    command = [str(bin_directory / "pierhead"), "serve", "s3://bucket"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env={})
    assert ended.returncode == 2
    assert "pip install 'pierhead[s3]'" in ended.stderr


def test_it_is_as_small_as_the_readme_says(bin_directory: Path) -> None:
    site = next((bin_directory.parent / "lib").glob("python*/site-packages"))
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    said = re.search(r"in about (\d+) MB", (PROJECT / "README.md").read_text())
    assert said
    assert size < MOST_BYTES
    assert size == pytest.approx(int(said[1]) * 1_000_000, rel=0.05)
