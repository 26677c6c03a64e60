"""The bill of materials has what the lock has."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import metadata

import pytest

from scripts.sbom import LOCK, PROJECT, document, licences_of, read_lock

TEXT = LOCK.read_text()
PACKAGES = list(read_lock(TEXT))
BILL = document(
    PACKAGES, "1.2.3", {package.name: licences_of(metadata(package.name)) for package in PACKAGES}
)


def test_it_has_every_package_with_its_version_and_hashes() -> None:
    assert [(package.name, package.version) for package in PACKAGES] == re.findall(
        r"^([\w-]+)==(\S+)", TEXT, re.MULTILINE
    )
    hashes = [entry["value"] for component in BILL["components"] for entry in component["properties"]]
    assert hashes == re.findall(r"sha256:([0-9a-f]{64})", TEXT)


def test_what_the_image_does_not_get_is_not_in_it() -> None:
    text = TEXT.replace("implementation_name != 'pypy'", "sys_platform == 'win32'")
    assert {package.name for package in PACKAGES} - {package.name for package in read_lock(text)} == {"regex"}


def test_it_says_what_needs_what() -> None:
    needs = {entry["ref"]: entry["dependsOn"] for entry in BILL["dependencies"]}
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    own = {ref.removeprefix("pkg:pypi/").partition("@")[0] for ref in needs["pkg:pypi/pierhead@1.2.3"]}
    extras = project["optional-dependencies"]
    named = ("brotli", "documents", "ldap", "login", "otel", "progress", "s3")
    assert extras["all"] == [f"pierhead[{','.join(named)}]"]
    parts = [*project["dependencies"], *(part for name in named for part in extras[name])]
    assert own == {re.split(r"[>=\[]", text)[0] for text in parts}
    assert set(needs) == {"pkg:pypi/pierhead@1.2.3"} | {package.purl for package in PACKAGES}
    assert all(package.needed_by for package in PACKAGES)


def test_every_package_has_a_licence() -> None:
    assert [component["name"] for component in BILL["components"] if not component["licenses"]] == []


def test_the_same_lock_gives_the_same_bytes_and_another_one_another_serial_number() -> None:
    licences = {component["name"]: component["licenses"] for component in BILL["components"]}
    assert json.dumps(document(PACKAGES, "1.2.3", licences)) == json.dumps(BILL)
    other = document(PACKAGES, "1.2.4", licences)
    assert other["serialNumber"] != BILL["serialNumber"]


def test_a_lock_that_is_not_understood_is_refused() -> None:
    with pytest.raises(ValueError, match="not a pinned package: flask>=3"):
        list(read_lock(TEXT + "\nflask>=3 \\\n    --hash=sha256:" + "0" * 64))
