"""The parts that are installed on demand: what works without them, and what is said where one is missing."""

from __future__ import annotations

import asyncio
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from app.cli.checks import check_all
from app.config import ConfigError, load_settings
from app.domain import extras
from app.domain.extras import Extra
from app.responses import compression

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
LDAP = {"PIERHEAD_LDAP_URL": "ldaps://d.example", "PIERHEAD_LDAP_USER_BASE": "dc=example"}


@pytest.fixture(autouse=True)
def _nothing_but_the_base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)


@pytest.mark.parametrize(
    ("extra", "setting", "environ"),
    [
        ("s3", "storage", {"PIERHEAD_STORAGE": "s3://bucket"}),
        ("login", "oidc_issuer", {"PIERHEAD_OIDC_ISSUER": "https://i.example", "PIERHEAD_OIDC_CLIENT_ID": "c"}),
        ("login", "demo_login_groups", {"PIERHEAD_DEMO_LOGIN_GROUPS": "members"}),
        ("ldap", "ldap_url", LDAP),
        ("otel", "tracing", {"PIERHEAD_TRACING": "on"}),
    ],
)  # fmt: skip
def test_a_setting_that_needs_a_part_names_it(
    extra: Extra, setting: str, environ: dict[str, str], tmp_path: Path
) -> None:
    loaded = load_settings(environ={"PIERHEAD_STORAGE": str(tmp_path)} | environ)
    with pytest.raises(ConfigError) as raised:
        asyncio.run(check_all(loaded))
    (fault,) = raised.value.faults
    assert setting.upper() in fault.upper()
    assert fault.endswith(f"is not installed: pip install 'pierhead[{extra}]'")


def test_a_plain_site_needs_none(tmp_path: Path) -> None:
    asyncio.run(check_all(load_settings(environ={"PIERHEAD_STORAGE": str(tmp_path)})))


def test_br_is_offered_where_it_is_installed() -> None:
    assert compression.ENCODINGS == ("zstd", "br", "gzip")
    spec = spec_from_file_location("compression_without_brotli", compression.__file__)
    assert spec
    assert spec.loader
    without = module_from_spec(spec)
    spec.loader.exec_module(without)
    assert without.ENCODINGS == ("zstd", "gzip")


def test_the_parts_are_those_of_the_project() -> None:
    parts = PROJECT["optional-dependencies"]
    for extra, libraries in extras._LIBRARIES.items():
        assert {requirement.partition(">")[0] for requirement in parts[extra]} == {
            library.replace(".", "-") for library in libraries
        }
    assert parts["all"] == [f"pierhead[{','.join(sorted(set(parts) - {'all', 'dev'}))}]"]
