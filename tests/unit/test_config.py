"""Settings: four layers, every fault at once, no secret told."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from app.config import MASK, ConfigError, Settings, allowed, load_settings, masked

KEY = "a-key-of-more-than-thirty-two-characters"
OTHER_KEY = "another-key-of-more-than-32-characters"


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(text: str, name: str = "pierhead.toml") -> Path:
    path = Path(name)
    path.write_text(text)
    return path


def settings_of(**values: Any) -> Settings:
    return Settings(**values)


def faults_of(**sources: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load_settings(**({"environ": {}} | sources))
    return caught.value.faults


def test_the_defaults_suffice() -> None:
    loaded = load_settings(environ={})
    assert loaded.settings == settings_of()
    assert set(loaded.sources.values()) == {"default"}
    assert loaded.file is None


def test_nobody_else_is_listened_to_by_default() -> None:
    assert settings_of().host == "127.0.0.1"


@pytest.mark.parametrize(
    ("layers", "port", "source"),
    [
        (0, 8000, "default"),
        (1, 1001, "pierhead.toml"),
        (2, 1002, "environment"),
        (3, 1003, "command line"),
    ],
)
def test_each_layer_wins_over_the_one_below(layers: int, port: int, source: str) -> None:
    if layers >= 1:
        write("port = 1001")
    loaded = load_settings(
        environ={"PIERHEAD_PORT": "1002"} if layers >= 2 else {},
        overrides={"port": "1003"} if layers >= 3 else {"port": None},
    )
    assert (loaded.settings.port, loaded.sources["port"]) == (port, source)


def test_a_layer_that_says_nothing_of_a_setting_leaves_it_alone() -> None:
    write('port = 1001\nsite_title = "From the file"')
    loaded = load_settings(environ={"PIERHEAD_PORT": "1002"}, overrides={"host": "::1"})
    assert (loaded.settings.site_title, loaded.settings.port, loaded.settings.host) == (
        "From the file",
        1002,
        "::1",
    )


def test_an_option_comes_before_the_variable_that_names_the_file() -> None:
    write("port = 1")
    write("port = 2", "named.toml")
    write("port = 3", "option.toml")
    environ = {"PIERHEAD_CONFIG_FILE": "named.toml"}
    assert load_settings(environ={}).settings.port == 1
    assert load_settings(environ=environ).settings.port == 2
    assert load_settings(environ=environ, file=Path("option.toml")).settings.port == 3


def test_an_empty_variable_counts_as_not_given() -> None:
    write("port = 1001")
    loaded = load_settings(environ={"PIERHEAD_PORT": "", "PIERHEAD_CONFIG_FILE": "", "PIERHEAD_NO_SUCH": ""})
    assert loaded.settings.port == 1001


def test_other_programs_variables_are_left_alone() -> None:
    assert load_settings(environ={"PORT": "1", "AWS_REGION": "x"}).settings.port == 8000


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("10.0.0.0/8", ("10.0.0.0/8",)),
        ("10.0.0.0/8,192.0.2.1", ("10.0.0.0/8", "192.0.2.1")),
        (" 10.0.0.0/8  2001:db8::/32 ", ("10.0.0.0/8", "2001:db8::/32")),
    ],
)
def test_lists_in_the_environment_are_separated_by_commas_or_spaces(
    written: str, meant: tuple[str, ...]
) -> None:
    loaded = load_settings(environ={"PIERHEAD_TRUSTED_NETWORKS": written})
    assert loaded.settings.trusted_networks == meant


@pytest.mark.parametrize(
    ("name", "written", "meant"),
    [
        ("login_groups", '["Domain Users=staff", "CN=Board, all,DC=example=board"]', None),
        ("login_groups", "[staff] *=corp-*", ("[staff]", "*=corp-*")),
        ("site_hosts", "[2001:db8::1] a.example", ("[2001:db8::1]", "a.example")),
        ("site_hosts", "[]", ()),
    ],
)
def test_an_array_of_json_may_have_items_with_spaces_and_commas(
    name: str, written: str, meant: tuple[str, ...] | None
) -> None:
    settings = load_settings(environ={f"PIERHEAD_{name.upper()}": written}).settings
    assert getattr(settings, name) == (tuple(json.loads(written)) if meant is None else meant)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("/srv/my releases, old", ("/srv/my releases, old",)),
        ("s3://bucket/some prefix", ("s3://bucket/some prefix",)),
        ("s3://a/x s3://b", ("s3://a/x", "s3://b")),
        ("/srv/a,\ts3://b?region=eu-west-1", ("/srv/a", "s3://b?region=eu-west-1")),
        ('["/srv/my releases", "file:///srv/a%20b"]', ("/srv/my releases", "file:///srv/a%20b")),
        ("[x", ("[x",)),
    ],
)
def test_several_stores_are_told_from_one_whose_name_has_spaces(written: str, meant: tuple[str, ...]) -> None:
    assert load_settings(environ={"PIERHEAD_STORAGE": written}).settings.storage == meant


def test_stores_in_the_file_are_an_array_of_anything() -> None:
    write('storage = ["/srv/my releases", "s3://b"]')
    assert load_settings(environ={}).settings.storage == ("/srv/my releases", "s3://b")


def test_lists_in_the_file_are_those_of_toml() -> None:
    write('trusted_proxies = ["10.0.0.0/8", "192.0.2.1"]')
    assert load_settings(environ={}).settings.trusted_proxies == ("10.0.0.0/8", "192.0.2.1")


def test_every_wrong_setting_is_named_at_once_with_its_source_and_what_is_allowed() -> None:
    write('log_level = "loud"\ntrusted_proxies = ["10.0.0.1/8"]')
    faults = faults_of(
        environ={"PIERHEAD_WORKERS": "0", "PIERHEAD_DEFAULT_TIER": "open", "PIERHEAD_STORAG": "x"},
        overrides={"port": "abc", "storage": "gopher://x"},
    )
    assert set(faults) == {
        "log_level (pierhead.toml): must be one of debug, info, warning, error, but got 'loud'",
        "trusted_proxies (pierhead.toml): must be networks such as 10.0.0.0/8 or 2001:db8::/32, or unix:, "
        "separated by commas or spaces, but 10.0.0.1/8 has host bits set",
        "PIERHEAD_WORKERS (environment): must be a whole number from 1 to 64, but got '0'",
        "PIERHEAD_DEFAULT_TIER (environment): must be one of public, closed, but got 'open'",
        "PIERHEAD_STORAG: is not a setting; did you mean PIERHEAD_STORAGE?",
        "--port (command line): must be a whole number from 0 to 65535, but got 'abc'",
        "--storage (command line): must be a directory, file:///dir or s3://bucket/prefix, or several of these, "
        "separated by commas or spaces, but got a URL of the scheme 'gopher'",
    }


WRONG: list[tuple[str, str]] = [
    ("archives", '"zip"'),
    ("tracing", '"yes"'),
    ("storage", '""'),
    ("storage", '"http://bucket"'),
    ("storage", '"s3://"'),
    ("storage", "5"),
    ("storage", "[]"),
    ("storage", '["s3://bucket", "http://bucket"]'),
    ("overlay", '"http://bucket"'),
    ("overlay", "5"),
    ("secret_keys", '["short"]'),
    ("secret_keys", "[5]"),
    ("policy_file", "5"),
    ("default_tier", '"eula"'),
    ("delivery", '"mail"'),
    ("presign_seconds", "9"),
    ("presign_seconds", "604801"),
    ("cache_ttl", "-1"),
    ("cache_grace", "86401"),
    ("cache_max_stale", "2592001"),
    ("cache_bytes", "-1"),
    ("trusted_networks", '["10.0.0.0/33"]'),
    ("trusted_networks", "5"),
    ("trusted_proxies", '["localhost"]'),
    ("root_path", '"downloads"'),
    ("root_path", '"/down loads"'),
    ("root_path", '"/a//b"'),
    ("root_path", '"/a/../b"'),
    ("root_path", '"//elsewhere.example"'),
    ("root_path", '"/%61"'),
    ("root_path", '"/api/x"'),
    ("root_path", '"/-"'),
    ("root_path", "5"),
    ("cors_origins", '"flash.example.org"'),
    ("cors_origins", '"https://flash.example.org/"'),
    ("cors_origins", '"https://Flash.example.org"'),
    ("cors_origins", '"https://flash.example.org:443"'),
    ("cors_origins", '"https://*.example.org"'),
    ("cors_origins", '"null"'),
    ("cors_origins", '["*", "https://flash.example.org"]'),
    ("cors_origins", "5"),
    ("site_title", '""'),
    ("site_title", f'"{"x" * 101}"'),
    ("host", '""'),
    ("port", "-1"),
    ("port", "65536"),
    ("port", "1.5"),
    ("port", "true"),
    ("workers", "65"),
    ("admin_listen", '"8001"'),
    ("admin_listen", '"::1:8001"'),
    ("admin_listen", '"127.0.0.1:65536"'),
    ("drain_delay", "3601"),
    ("drain_timeout", "-1"),
    ("replica_id", '"two words"'),
    ("replica_id", f'"{"x" * 65}"'),
    ("log_level", '"INFO"'),
    ("log_format", '"xml"'),
    ("audit_file", "5"),
    ("access_log_file", "5"),
    ("prewarm", '"releases"'),
    ("prewarm", "-1"),
    ("unix_socket", "5"),
    ("tls_certificate", "5"),
    ("tls_key", '"key.pem"'),
    ("site_hosts", '["https://releases.example.org"]'),
    ("site_hosts", '["releases.example.org:443"]'),
    ("theme_dir", '"no-such-directory"'),
    ("contact", '"the help desk"'),
    ("contact", '"javascript:alert(1)"'),
    ("session_seconds", "59"),
    ("session_idle_seconds", "59"),
    ("session_refresh_seconds", "7200"),
    ("user_token_seconds", "-1"),
    ("session_epoch", "-1"),
    ("revoked_file", "5"),
    ("revoked_file", '"s3://bucket"'),
    ("revoked_file", '"s3://bucket/folder/"'),
    ("link_seconds", "2592001"),
    ("login_groups", '["a=b*"]'),
    ("login_groups", '["=a"]'),
    ("oidc_issuer", '"http://idp.example.org"'),
    ("oidc_issuer", '"idp.example.org"'),
    ("oidc_client_id", '""'),
    ("oidc_client_secret", '""'),
    ("oidc_client_secret", "5"),
    ("oidc_scopes", '["profile"]'),
    ("oidc_user_claim", '""'),
    ("oidc_groups_claim", '""'),
    ("links", '"symbolic"'),
    ("ldap_url", '"https://directory.example.org"'),
    ("ldap_url", '"ldap://"'),
    ("ldap_user_base", "5"),
    ("ldap_user_filter", '"(uid=*)"'),
    ("ldap_user_filter", '"uid={user}"'),
    ("ldap_user_filter", '"(&(uid={user})(gidNumber={gid}))"'),
    ("ldap_group_base", "5"),
    ("ldap_group_filter", '"(member=*)"'),
    ("ldap_bind_dn", "5"),
    ("ldap_bind_password", '""'),
    ("ldap_ca_file", "5"),
    ("demo_login_groups", "5"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_refused_and_told_what_is_allowed(name: str, value: str) -> None:
    write(f"{name} = {value}")
    (fault,) = faults_of()
    assert fault.startswith(f"{name} (pierhead.toml): must be {allowed(name).replace('`', '')}, but ")


def test_no_setting_takes_just_anything() -> None:
    assert {name for name, _ in WRONG} == set(Settings.model_fields)


def test_what_is_allowed_is_what_is_accepted() -> None:
    for name, field in Settings.model_fields.items():
        for choice in get_args(field.annotation) if allowed(name).startswith("one of") else ():
            assert settings_of(**{"storage": "s3://bucket", "trusted_proxies": "192.0.2.1", name: choice})
    assert settings_of(port=0, workers=64, drain_timeout=0, presign_seconds=604800)


@pytest.mark.parametrize(
    ("settings", "listener"),
    [
        ({}, "127.0.0.1:8001"),
        ({"port": "9000"}, "127.0.0.1:9001"),
        ({"port": "0"}, "127.0.0.1:0"),
        ({"port": "65535"}, "127.0.0.1:0"),
        ({"port": "9000", "admin_listen": "[::]:7"}, "[::]:7"),
    ],
)
def test_the_port_of_the_admin_listener_follows_the_public_one(
    settings: dict[str, str], listener: str
) -> None:
    assert settings_of(**settings).admin_listen == listener


class TestFormerNames:
    def test_they_are_understood_and_said(self) -> None:
        write("drain_seconds = 5")
        loaded = load_settings(environ={})
        assert loaded.settings.drain_timeout == 5
        assert loaded.sources["drain_timeout"] == "pierhead.toml"
        assert loaded.notices == ("drain_seconds (pierhead.toml): is now called drain_timeout",)

    def test_within_one_source_the_new_name_counts(self) -> None:
        environ = {"PIERHEAD_DRAIN_TIMEOUT": "3", "PIERHEAD_DRAIN_SECONDS": "5"}
        assert load_settings(environ=environ).settings.drain_timeout == 3

    def test_the_order_of_the_sources_stays(self) -> None:
        write("drain_timeout = 3")
        loaded = load_settings(environ={"PIERHEAD_DRAIN_SECONDS": "5"})
        assert (loaded.settings.drain_timeout, loaded.sources["drain_timeout"]) == (5, "environment")

    def test_what_is_wrong_with_them_is_said_of_the_new_name(self) -> None:
        write("drain_seconds = -1")
        (fault,) = faults_of()
        assert fault.startswith("drain_timeout (pierhead.toml): must be a whole number from 0 to 3600")


def test_an_issuer_needs_a_client() -> None:
    (fault,) = faults_of(environ={"PIERHEAD_OIDC_ISSUER": "https://idp.example.org"})
    assert fault.startswith("oidc_client_id (default): must be ")


def test_a_directory_needs_people() -> None:
    (fault,) = faults_of(environ={"PIERHEAD_LDAP_URL": "ldaps://directory.example.org"})
    assert fault.startswith("ldap_user_base (default): must be ")


def test_the_demonstration_is_for_this_machine_alone() -> None:
    (fault,) = faults_of(environ={"PIERHEAD_DEMO_LOGIN_GROUPS": "staff", "PIERHEAD_HOST": "0.0.0.0"})
    assert fault.endswith("but host is 0.0.0.0")


@pytest.mark.parametrize(
    ("wrong", "value", "others"),
    [
        ("oidc_issuer", "https://u:p@idp.example.org", {}),
        ("oidc_issuer", "gopher://idp.example.org", {}),
        ("ldap_url", "ldaps://u:p@directory.example.org", {}),
        ("ldap_url", "ldaps://u:p@directory.example.org", {"demo_login_groups": "staff"}),
        ("host", "", {"demo_login_groups": "staff"}),
        ("host", "s3://u:p@bucket", {"demo_login_groups": "staff"}),
        ("storage", "s3://u:p@bucket", {"delivery": "redirect"}),
        ("delivery", "acel", {"trusted_proxies": ""}),
        ("session_idle_seconds", "-1", {"session_refresh_seconds": "60"}),
    ],
)
def test_a_wrong_setting_is_no_fault_of_those_that_go_with_it(
    wrong: str, value: str, others: dict[str, str]
) -> None:
    (fault,) = faults_of(overrides={wrong: value, **others})
    assert fault.startswith(f"--{wrong.replace('_', '-')} (command line): must ")


def test_a_secret_is_never_shown() -> None:
    (fault,) = faults_of(environ={"PIERHEAD_OIDC_CLIENT_ID": "x"}, overrides={"oidc_client_secret": ["hush"]})
    assert "hush" not in fault
    shown = masked(settings_of(oidc_client_secret="hush"))
    assert shown["oidc_client_secret"] == MASK


def test_redirects_need_a_storage_that_clients_can_be_sent_to() -> None:
    (fault,) = faults_of(overrides={"storage": "/srv"}, environ={"PIERHEAD_DELIVERY": "redirect"})
    assert fault.startswith(
        "PIERHEAD_DELIVERY (environment): must be one of auto, redirect, proxy, accel, but redirect"
    )
    assert settings_of(storage="s3://bucket", delivery="redirect").delivery == "redirect"


def test_files_can_be_left_only_to_a_proxy_that_is_named() -> None:
    (fault,) = faults_of(environ={"PIERHEAD_DELIVERY": "accel"})
    assert fault.startswith("trusted_proxies (default): must be networks such as ")
    assert fault.endswith("but there are none, and delivery accel needs one")
    assert settings_of(delivery="accel", trusted_proxies="192.0.2.1").delivery == "accel"


@pytest.mark.parametrize(
    ("variable", "suggested"),
    [
        ("PIERHEAD_PORTS", "PIERHEAD_PORT"),
        ("PIERHEAD_port", "PIERHEAD_PORT"),
        ("PIERHEAD_SECRET_KEY", "PIERHEAD_SECRET_KEYS"),
        ("PIERHEAD_CONFIG", "PIERHEAD_CONFIG_FILE"),
    ],
)
def test_an_unknown_variable_brings_the_nearest_name(variable: str, suggested: str) -> None:
    assert faults_of(environ={variable: "1"}) == (f"{variable}: is not a setting; did you mean {suggested}?",)


def test_an_unknown_name_in_the_file_brings_the_nearest_name() -> None:
    write("prot = 1\n[[tenants]]\n")
    near, far = faults_of()
    assert near == "pierhead.toml: prot: is not a setting; did you mean port?"
    assert far.startswith(
        "pierhead.toml: tenants: is not a setting; must be one of access_log_file, admin_listen, "
    )


def test_the_file_is_named_that_is_no_toml() -> None:
    write("workers = 2\nport = = 1\n")
    (fault,) = faults_of()
    assert fault.startswith("pierhead.toml: is not TOML: ")
    assert "line 2" in fault


def test_the_file_is_named_that_is_no_text() -> None:
    Path("pierhead.toml").write_bytes(b"port = \xff")
    (fault,) = faults_of()
    assert fault.startswith("pierhead.toml: is not TOML: ")


def test_a_file_that_was_asked_for_must_be_there() -> None:
    assert faults_of(file=Path("gone.toml")) == ("gone.toml: cannot be read (No such file or directory)",)
    assert faults_of(environ={"PIERHEAD_CONFIG_FILE": "."}) == (".: cannot be read (Is a directory)",)


def test_a_broken_file_does_not_keep_other_faults_from_being_told() -> None:
    write("port = ")
    assert len(faults_of(environ={"PIERHEAD_WORKERS": "x"})) == 2


SECRET_FAULTS: list[dict[str, Any]] = [
    {"environ": {"PIERHEAD_SECRET_KEYS": f"{KEY} tooshort"}},
    {"environ": {"PIERHEAD_SECRET_KEYS": f"{KEY},tooshort", "PIERHEAD_PORT": "x"}},
    {"overrides": {"secret_keys": 5}},
    {"overrides": {"secret_keys": [KEY, 5]}},
    {"overrides": {"secret_keys": {KEY: "tooshort"}}},
]


@pytest.mark.parametrize("sources", SECRET_FAULTS)
def test_a_fault_tells_nothing_of_a_secret(sources: dict[str, Any]) -> None:
    told = " ".join(faults_of(**sources))
    assert "at least 32 characters" in told
    assert KEY not in told
    assert "tooshort" not in told


def test_secrets_are_masked_wherever_settings_are_shown() -> None:
    settings = load_settings(environ={"PIERHEAD_SECRET_KEYS": f"{KEY} {OTHER_KEY}"}).settings
    assert masked(settings)["secret_keys"] == f"{MASK} {MASK}"
    for shown in (repr(settings), str(settings), str(masked(settings)), settings.model_dump_json()):
        assert KEY not in shown
        assert OTHER_KEY not in shown


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        settings_of().port = 1


def test_a_replica_is_named_after_its_host() -> None:
    assert settings_of().replica_id == socket.gethostname()
