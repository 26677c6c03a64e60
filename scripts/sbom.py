"""Writes what the image has in it beside its base, as a CycloneDX 1.6 document on standard output: `make sbom`.

Packages, versions, hashes and dependencies are those of the lock; licences are what the installed packages say of themselves. The same
lock gives the same bytes.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageMetadata, metadata
from pathlib import Path
from typing import Any, NamedTuple

from packaging.markers import Marker

PROJECT = Path(__file__).parents[1]
LOCK = PROJECT / "requirements/runtime.txt"
IMAGE = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.11.0",
    "python_version": "3.11",
    "sys_platform": "linux",
}
"""What the markers of the lock mean in the image."""

_PINNED = re.compile(r"^([a-z0-9-]+)==(\S+)(?: ; (.*?))? \\$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_NEEDED_BY = re.compile(r"# +(?:via +)?(?!via$)([a-z0-9-]+)(?: \(pyproject\.toml\))?$", re.MULTILINE)


class Locked(NamedTuple):
    """One package of the lock.

    Attributes:
        sha256: of each file that may be installed, in hexadecimal.
        needed_by: the names of those that need it.
    """

    name: str
    version: str
    sha256: tuple[str, ...]
    needed_by: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Its package URL, by which documents name it."""
        return f"pkg:pypi/{self.name}@{self.version}"


def read_lock(text: str) -> Iterator[Locked]:
    """The packages that a lock has for the image.

    Raises:
        ValueError: a line that begins a package is not as `uv pip compile --generate-hashes` writes it.
    """
    for block in re.split(r"\n(?=\S)", text.strip()):
        head, _, rest = block.partition("\n")
        pinned = _PINNED.match(head)
        if pinned is None:
            raise ValueError(f"not a pinned package: {head}")
        name, version, marker = pinned.groups()
        if marker is None or Marker(marker).evaluate(IMAGE):
            yield Locked(name, version, tuple(_HASH.findall(rest)), tuple(_NEEDED_BY.findall(rest)))


def licences_of(about: PackageMetadata) -> list[dict[str, Any]]:
    """What a package says of its licence: an SPDX expression, or a name."""
    if "License-Expression" in about:
        return [{"expression": about["License-Expression"]}]
    classifiers = [
        text.rpartition(" :: ")[2] for text in about.get_all("Classifier") or () if text.startswith("License")
    ]
    said = about["License"].partition("\n")[0].strip() if "License" in about else ""
    return [{"license": {"name": name}} for name in ([said] if said else classifiers)]


def document(
    lock: Sequence[Locked], version: str, licences: dict[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """The whole document.

    Args:
        version: of Pierhead.
        licences: by the name of a package.
    """
    own = f"pkg:pypi/pierhead@{version}"
    refs = {"pierhead": own} | {package.name: package.purl for package in lock}
    needs: dict[str, list[str]] = {ref: [] for ref in refs.values()}
    for package in lock:
        for name in package.needed_by:
            needs[refs[name]].append(package.purl)
    root = {"type": "application", "bom-ref": own, "name": "pierhead", "version": version, "purl": own}
    whole: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": root | {"licenses": [{"license": {"id": "Apache-2.0"}}]}},
        "components": [_component(package, licences[package.name]) for package in lock],
        "dependencies": [{"ref": ref, "dependsOn": sorted(needed)} for ref, needed in sorted(needs.items())],
    }
    content = json.dumps(whole, sort_keys=True)
    return whole | {"serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}"}


def _component(package: Locked, licences: list[dict[str, Any]]) -> dict[str, Any]:
    # The field `hashes` is for those of one file, and the lock admits several.
    return {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        "licenses": licences,
        "properties": [{"name": "pierhead:locked:sha256", "value": digest} for digest in package.sha256],
    }


def main() -> int:
    """Write the document. Returns the exit status."""
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    lock = list(read_lock(LOCK.read_text()))
    licences = {package.name: licences_of(metadata(package.name)) for package in lock}
    json.dump(document(lock, version, licences), sys.stdout, indent=1)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
