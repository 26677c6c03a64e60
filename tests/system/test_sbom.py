"""The bill of materials, held against the schema of CycloneDX. Costs 3 seconds."""

from __future__ import annotations

import subprocess
import sys

from tests.support.deployment import PROJECT

VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read())
print(fault or "", end="")
"""


def run(*arguments: str, given: str = "") -> str:
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return ended.stdout


def test_it_follows_the_schema() -> None:
    bill = run("-m", "scripts.sbom")
    assert run("-c", VALIDATE, given=bill) == ""
    assert "bom-reference" in run("-c", VALIDATE, given=bill.replace('"bom-ref"', '"bom-reference"'))
