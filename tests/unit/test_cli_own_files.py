"""What the server reads for itself is never in a directory that it publishes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli.checks import check_all
from app.cli.own_files import OwnFile, directory_around, faults_of_place, own_files
from app.config import ConfigError, LoadedSettings, Settings, allowed, load_settings

POLICY = '[[rule]]\npath = "a"\ntier = "eula"\nlicence_file = "{}"\n'
AWS_VARIABLES = [
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CA_BUNDLE",
    "BOTO_CONFIG",
]


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is published, in one that is not and that the server runs in."""
    directory = tmp_path / "site"
    directory.mkdir()
    (tmp_path / "own").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in AWS_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    return directory


def faults(**environ: str) -> tuple[str, ...]:
    """What is wrong with settings by which `site` is published."""
    loaded = load_settings(environ={"PIERHEAD_STORAGE": "site"} | environ)
    try:
        asyncio.run(check_all(loaded))
    except ConfigError as error:
        return error.faults
    return ()


def configuration(directory: Path) -> dict[str, str]:
    (directory / "any.toml").write_text("")
    return {"PIERHEAD_CONFIG_FILE": f"{directory}/any.toml"}


def policy(directory: Path) -> dict[str, str]:
    (directory / "policy.toml").write_text("")
    return {"PIERHEAD_POLICY_FILE": f"{directory}/policy.toml"}


def licence(directory: Path) -> dict[str, str]:
    (directory / "licence.txt").write_text("text")
    Path("policy.toml").write_text(POLICY.format(directory / "licence.txt"))
    return {"PIERHEAD_POLICY_FILE": "policy.toml"}


CASES: list[tuple[Callable[[Path], dict[str, str]], str]] = [
    (configuration, "the configuration file: "),
    (policy, "PIERHEAD_POLICY_FILE (environment): "),
    (licence, "a licence_file of the site policy: "),
]


@pytest.mark.parametrize(("make", "named"), CASES)
def test_a_file_in_what_is_published_is_refused_and_named(
    site: Path, make: Callable[[Path], dict[str, str]], named: str
) -> None:
    below = site / "a" / "b"
    below.mkdir(parents=True)
    (fault,) = faults(**make(below))
    assert fault.startswith(named)
    assert f"{below}/" in fault
    assert fault.endswith("is in site, which is published: move it elsewhere")


@pytest.mark.parametrize(("make", "named"), CASES)
def test_a_file_elsewhere_is_not(tmp_path: Path, make: Callable[[Path], dict[str, str]], named: str) -> None:
    assert faults(**make(tmp_path / "own")) == (), named


@pytest.mark.parametrize(("make", "named"), CASES)
def test_links_hide_nothing(site: Path, make: Callable[[Path], dict[str, str]], named: str) -> None:
    Path("seems-elsewhere").symlink_to(site)
    Path("seems-another").symlink_to(site)
    environ = make(Path("seems-elsewhere"))
    assert len(faults(**environ)) == 1, named
    assert len(faults(**environ, PIERHEAD_STORAGE="file://" + str(Path("seems-another").absolute()))) == 1
    assert len(faults(**environ, PIERHEAD_STORAGE="own", PIERHEAD_OVERLAY="seems-another")) == 1
    assert faults(**environ, PIERHEAD_STORAGE="own") == ()


def test_a_file_that_the_server_makes_is_not_made_where_it_would_be_published(site: Path) -> None:
    (fault,) = faults(PIERHEAD_AUDIT_FILE="site/audit")
    assert fault.startswith("PIERHEAD_AUDIT_FILE (environment): site/audit is in site")
    assert faults(PIERHEAD_AUDIT_FILE="own/audit") == ()
    assert not list(site.iterdir())


def test_a_link_to_the_file_counts_as_the_file(site: Path) -> None:
    environ = policy(site)
    Path("policy-link").symlink_to(site / "policy.toml")
    assert len(faults(**environ | {"PIERHEAD_POLICY_FILE": "policy-link"})) == 1
    (site / "link-out").symlink_to(Path("pierhead.toml").absolute())
    Path("pierhead.toml").write_text("")
    assert faults(PIERHEAD_CONFIG_FILE="site/link-out") == ()  # the store serves no link that leads out


@pytest.mark.parametrize("name", ["pierhead.toml", ".env"])
def test_the_working_directory_is_not_published_with_what_is_read_from_it(name: str) -> None:
    Path(name).write_text("")
    (fault,) = faults(PIERHEAD_STORAGE=".")
    assert f" {name} is in ., which is published" in fault


@pytest.mark.parametrize("variable", AWS_VARIABLES)
def test_what_the_aws_conventions_read_is_not_published(
    site: Path, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site / "aws").write_text("")
    monkeypatch.setenv(variable, str(site / "aws"))
    (fault,) = faults()
    assert fault.startswith(f"{variable}: {site}/aws is in site")


def test_a_home_directory_with_credentials_is_not_published(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text("")
    (fault,) = faults(PIERHEAD_STORAGE=str(tmp_path))
    assert fault.startswith("AWS_SHARED_CREDENTIALS_FILE: ")


def test_the_environment_file_of_the_documented_service_is_in_the_table() -> None:
    unit = (Path(__file__).parents[2] / "containers/systemd/pierhead.service").read_text()
    (documented,) = re.findall(r"^EnvironmentFile=-(.*)$", unit, re.MULTILINE)
    table = own_files(load_settings(environ={}), (), {})
    assert OwnFile("the environment file", Path(documented)) in list(table)


def test_every_fault_is_named_with_the_others(site: Path) -> None:
    environ = policy(site) | configuration(site) | {"PIERHEAD_OVERLAY": "absent"}
    told = " ".join(faults(**environ))
    assert "there is no directory 'absent'" in told
    assert "any.toml is in site" in told
    assert "policy.toml is in site" in told


SEEMS_A_FILE = re.compile(
    r"_file$|_files$|(?<!root)_path$|_key$|_certificate$|_socket$|\bpath of|\bfile with"
)


def test_every_setting_that_names_a_file_is_in_the_table() -> None:
    """A new one joins by its type, so it must have that type."""
    for name, field in Settings.model_fields.items():
        if SEEMS_A_FILE.search(name) or SEEMS_A_FILE.search(allowed(name)):
            assert "Path" in repr(field.annotation), f"{name} must be a Path, so that it is never published"


class MoreSettings(Settings):
    """With such settings as later versions may have."""

    signing_key: Path
    ldap_ca_file: Path | None = None
    key_files: tuple[Path, ...] = ()


def test_a_new_setting_that_is_a_path_is_in_the_table(site: Path) -> None:
    names = ("tls.pem", "first", "second")
    for name in names:
        (site / name).write_text("")
    given = {"signing_key": site / "tls.pem", "key_files": (site / "first", site / "second")}
    settings = MoreSettings.model_validate(given)
    loaded = LoadedSettings(settings, dict.fromkeys(MoreSettings.model_fields, "default"), None)
    told = faults_of_place(own_files(loaded, (), {}), (site,))
    assert len(told) == len(names)
    assert told[0].startswith(f"signing_key (default): {site}/tls.pem is in {site}")


@pytest.mark.parametrize("spelling", ["site", "./site/", "site/../site", "own/../site"])
def test_a_directory_is_one_by_all_its_spellings(site: Path, spelling: str) -> None:
    assert directory_around(Path("site/a/b"), [Path("own"), Path(spelling)]) == Path(spelling)
    assert directory_around(Path("site2"), [Path(spelling)]) is None
    assert directory_around(site, [Path(spelling)]) is None
    assert directory_around(Path("site/a"), [Path("absent"), Path("/")]) == Path("/")
