"""The commands of `pierhead`, in this process: what they print, and with which status they leave."""

from __future__ import annotations

import gc
import logging
import re
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
import structlog

from app import __version__
from app.auth.keys import KeyRing
from app.auth.tokens import TokenGrant, verify_token
from app.cli import main
from app.config import MASK, Settings
from app.domain.access import Permission
from app.domain.errors import AuthenticationFailed
from scripts.make_sample_tree import make_sample
from tests.support.aws import S3Endpoint, point_aws_at
from tests.support.certificates import make_certificate

SECRET = "one-key-for-all-the-tests-of-this-file"
POLICY_FILE = "policy.toml"
TRUSTED = "10.0.0.0/8"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that holds the sample tree and its policy."""
    directory = tmp_path_factory.mktemp("sample")
    make_sample(directory / "tree", directory / POLICY_FILE)
    return directory


@pytest.fixture(autouse=True)
def _settings(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(sample)
    monkeypatch.setenv("PIERHEAD_STORAGE", "tree")
    monkeypatch.setenv("PIERHEAD_POLICY_FILE", POLICY_FILE)
    monkeypatch.setenv("PIERHEAD_TRUSTED_NETWORKS", TRUSTED)
    monkeypatch.setenv("PIERHEAD_SECRET_KEYS", SECRET)


@pytest.fixture(autouse=True)
def _process_as_before() -> Iterator[None]:
    """A command has the process to itself, so it sets up what belongs to all of it."""
    handlers, level, log = logging.root.handlers[:], logging.root.level, structlog.get_config()
    at_end, thresholds, interval = (
        signal.getsignal(signal.SIGTERM),
        gc.get_threshold(),
        sys.getswitchinterval(),
    )
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*thresholds)
    signal.signal(signal.SIGTERM, at_end)
    structlog.configure(**log)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    return Run(capfd)


class Run:
    """Runs commands and keeps what they wrote."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self.errors = ""

    def __call__(self, *arguments: str, status: int = 0) -> str:
        """What a command prints.

        Args:
            status: that it must leave with.
        """
        try:
            left_with: object = main(arguments)
        except SystemExit as leaving:
            left_with = leaving.code
        output, self.errors = self._capture.readouterr()
        assert left_with == status, self.errors
        assert "Traceback" not in self.errors
        return output


# --- in general ----------------------------------------------------------------------------------------


def test_it_tells_its_version(run: Run) -> None:
    assert run("--version") == f"pierhead {__version__}\n"


@pytest.mark.parametrize("command", [[], ["serve"], ["token", "create"], ["explain"], ["config"]])
def test_every_command_explains_itself_and_each_of_its_options(run: Run, command: list[str]) -> None:
    text = run(*command, "--help").partition("\nexamples:\n")[0]
    options = re.findall(r"^ {2}(?:-h, )?(--[a-z-]+|[a-z]+)(.*(?:\n {4,}.*)*)", text, re.MULTILINE)
    assert options
    for name, rest in options:
        assert re.search(r" {2,}\w", rest), f"{name} is not explained"


@pytest.mark.parametrize("command", [[], ["token"], ["token", "create"], ["explain"], ["publish"]])
def test_half_a_command_is_answered_by_its_usage(run: Run, command: list[str]) -> None:
    run(*command, status=2)
    assert run.errors.startswith("usage: pierhead")


@pytest.mark.parametrize(
    "command",
    [
        ["config"],
        ["explain", "/"],
        ["serve", "--port", "0"],
        ["token", "create", "--subject", "s", "--group", "g", "--expires", "1d"],
    ],
)
def test_every_command_tells_all_wrong_settings(
    run: Run, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIERHEAD_WORKERS", "many")
    monkeypatch.setenv("PIERHEAD_SECRET_KEYS", "tooshort")
    run(*command, status=2)
    assert run.errors.splitlines() == [
        "pierhead: invalid settings:",
        "  PIERHEAD_SECRET_KEYS (environment): must be keys of at least 32 characters, separated by commas "
        "or spaces, but one is shorter",
        "  PIERHEAD_WORKERS (environment): must be a whole number from 1 to 64, but got 'many'",
    ]


# --- config --------------------------------------------------------------------------------------------


def test_config_shows_each_setting_once_with_its_source(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "site.toml"
    file.write_text("port = 8080")
    lines = run("config", "--config", str(file)).splitlines()
    assert [line.split()[0] for line in lines] == list(Settings.model_fields)
    shown = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines}
    assert shown["port"] == f"8080  ({file})"
    assert shown["storage"] == "tree  (environment)"
    assert shown["host"] == "127.0.0.1  (default)"
    assert shown["trusted_proxies"] == "-  (default)"


def test_config_masks_secrets(run: Run) -> None:
    text = run("config")
    assert re.search(rf"^secret_keys +{re.escape(MASK)}  \(environment\)$", text, re.MULTILINE)
    assert SECRET not in text


@pytest.mark.parametrize("name", ["STORAGE", "OVERLAY"])
@pytest.mark.parametrize(
    "url", ["s3://KEY:HUSH@bucket", "s3://bucket?secret_key=HUSH", "s3://bucket?x=HUSH", "s3://KEY:80/HUSH"]
)
@pytest.mark.parametrize("command", [["config"], ["explain", "/"], ["serve", "--port", "0"]])
def test_no_command_repeats_credentials_of_a_storage_url(
    run: Run, command: list[str], name: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"PIERHEAD_{name}", url)
    assert not run(*command, status=2)
    assert f"PIERHEAD_{name} (environment): must " in run.errors
    assert "HUSH" not in run.errors


# --- token create --------------------------------------------------------------------------------------

CREATE = ("token", "create", "--subject", "ci", "--group", "members")


def grant_of(text: str, client: str = "10.1.2.3", now: float | None = None) -> TokenGrant:
    return verify_token(
        KeyRing([SECRET]), text, client=ip_address(client), now=time.time() if now is None else now
    )


def test_a_token_is_all_that_is_printed(run: Run) -> None:
    output = run(*CREATE, "--expires", "1d")
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", output)
    assert not run.errors


def test_a_token_says_what_it_was_made_for(run: Run) -> None:
    before = int(time.time())
    arguments = ("--group", "a", "b", "--group", "c", "--expires", "2h")
    grant = grant_of(run("token", "create", "--subject", "ci", *arguments).strip())
    after = int(time.time())
    assert (grant.subject, grant.groups) == ("ci", frozenset("abc"))
    assert (grant.paths, grant.networks, grant.not_before) == ((), (), None)
    assert before <= grant.issued <= after
    assert grant.expires == grant.issued + 7200


def test_a_token_can_have_permissions_beside_or_without_groups(run: Run) -> None:
    arguments = ("--subject", "events", "--expires", "1d", "--scope", "invalidate", "refresh")
    grant = grant_of(run("token", "create", *arguments).strip())
    assert grant.groups == frozenset()
    assert grant.permissions == frozenset(Permission)


def test_two_tokens_are_never_the_same(run: Run) -> None:
    first, second = (grant_of(run(*CREATE, "--expires", "1d").strip()) for _ in range(2))
    assert first.id != second.id


def test_a_token_can_be_bound_to_paths_and_networks(run: Run) -> None:
    limits = ("--path", "members/**", "--path", "a/*", "b", "--network", "192.0.2.0/24", "2001:db8::/32")
    text = run(*CREATE, "--expires", "1d", *limits).strip()
    grant = grant_of(text, client="192.0.2.7")
    assert grant.paths == ("members/**", "a/*", "b")
    assert [str(network) for network in grant.networks] == ["192.0.2.0/24", "2001:db8::/32"]
    with pytest.raises(AuthenticationFailed, match="this address"):
        grant_of(text, client="198.51.100.1")


def test_the_life_of_a_token_begins_when_it_begins_to_hold(run: Run) -> None:
    text = run(*CREATE, "--expires", "1h", "--not-before", "2d").strip()
    with pytest.raises(AuthenticationFailed, match="not valid yet"):
        grant_of(text)
    grant = grant_of(text, now=time.time() + 2 * 86400)
    assert grant.not_before == grant.issued + 2 * 86400
    assert grant.expires == grant.not_before + 3600


def test_the_first_key_signs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIERHEAD_SECRET_KEYS", f"{'new' * 12},{SECRET}")
    text = run(*CREATE, "--expires", "1d").strip()
    with pytest.raises(AuthenticationFailed):
        grant_of(text)
    assert verify_token(KeyRing(["new" * 12]), text, client=None, now=time.time()).subject == "ci"


def test_a_token_needs_the_servers_keys(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIERHEAD_SECRET_KEYS")
    assert not run(*CREATE, "--expires", "1d", status=2)
    assert "secret_keys: must be set to create tokens" in run.errors


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--expires", "30"], "--expires: must be a positive whole number followed by s, m, h, d or w"),
        (["--expires", "0d"], "but got '0d'"),
        (["--expires", "1d", "--not-before", "soon"], "--not-before: must be a positive whole number"),
        (["--expires", "1d", "--path", "a//b"], "--path: "),
        (["--expires", "1d", "--path", "a/../b"], "--path: "),
        (["--expires", "1d", "--network", "10.0.0.1/8"], "--network: must be a network such as 10.0.0.0/8"),
        (["--expires", "1d", "--network", "example.org"], "--network: must be a network such as"),
        (["--expires", "1d", "--scope", "write"], "--scope: invalid choice: 'write' (choose from "),
        (["--expires", "1d", "--group", ""], "--group: must not be blank"),
        (["--expires", "1d", "--subject", "\udcff"], "--subject: must be UTF-8"),
        (["--expires", "1d", "--subject", " "], "--subject: must not be blank"),
        (["--expires", "1d", "--path", "x" * 256], "no segment of more than 255 bytes"),
        (
            ["--expires", "1d", "--path", "/".join(["x" * 200] * 20), "/".join(["y" * 200] * 20)],
            "a token has at most 8192 bytes",
        ),
    ],
)
def test_a_wrong_argument_is_told_what_is_allowed(run: Run, arguments: list[str], told: str) -> None:
    assert not run(*CREATE, *arguments, status=2)
    assert told in run.errors


# --- explain -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "tier", "decision", "rules"),
    [
        ("README.txt", "public", "allow", ["DEFAULT_TIER"]),
        ("/README.txt", "public", "allow", ["DEFAULT_TIER"]),
        (
            "members/roadmap.txt",
            "private",
            "login needed (401)",
            ["policy.toml, line 3", "members/BUILD-INFO.txt, line 3"],
        ),
        (
            "members/",
            "private",
            "login needed (401)",
            ["policy.toml, line 3", "members/BUILD-INFO.txt, line 3"],
        ),
        ("embargo/notes.txt", "private", "hidden (404)", ["policy.toml, line 14"]),
        ("vendor/firmware.bin", "eula", "licence needed (403): licence ", ["policy.toml, line 20"]),
        ("vendor/open/firmware.bin", "public", "allow", ["policy.toml, line 27"]),
        ("licensing/overridden/firmware.bin", "public", "allow", ["policy.toml, line 31"]),
        (
            "licensing/protected/firmware.bin",
            "eula",
            "licence needed (403): linaro ",
            ["licensing/protected/BUILD-INFO.txt, line 3"],
        ),
        (
            "licensing/several-licences/firmware.bin",
            "eula",
            "licence needed (403): linaro ",
            [
                "licensing/several-licences/BUILD-INFO.txt, line 3",
                "licensing/several-licences/BUILD-INFO.txt, line 10",
            ],
        ),
        (
            "licensing/groups/firmware.bin",
            "private",
            "login needed (401)",
            ["licensing/groups/BUILD-INFO.txt, line 3"],
        ),
        (
            "licensing/malformed/notes.txt",
            "closed",
            "forbidden (403): the access rules of this folder cannot be parsed",
            ["licensing/malformed/BUILD-INFO.txt, line 6"],
        ),
        (
            "licensing/uncovered/firmware.bin",
            "closed",
            "forbidden (403): the access rules of this folder do not cover this file",
            ["licensing/uncovered/BUILD-INFO.txt"],
        ),
        ("licensing/eula/notes.txt", "eula", "licence needed (403): EULA ", ["licensing/eula/EULA.txt"]),
        ("licensing/open-eula/notes.txt", "public", "allow", ["licensing/open-eula/OPEN-EULA.txt"]),
        (
            "licensing/named-eula/firmware.bin",
            "eula",
            "licence needed (403): linaro ",
            ["licensing/named-eula/firmware.bin.EULA.txt.linaro"],
        ),
        ("licensing/groups/BUILD-INFO.txt", "closed", "hidden (404)", []),
        ("licensing/groups/not-there-yet.bin", "private", "login needed (401)", None),
    ],
)
def test_explain_names_the_rules_their_lines_and_the_decision(
    run: Run, path: str, tier: str, decision: str, rules: list[str] | None
) -> None:
    lines = [line.split(maxsplit=1) for line in run("explain", path).splitlines()]
    said = {key: value for key, value in lines if key not in ("rule", "because")}
    assert said["path"] == f"/{path.removeprefix('/')}"
    assert said["tier"] == tier
    assert said["decision"].startswith(decision)
    if rules is not None:
        assert [value for key, value in lines if key == "rule"] == rules


def decision(output: str) -> str:
    found = re.search("^decision  (.*)$", output, re.MULTILINE)
    assert found, output
    return found[1]


def test_explain_asks_as_a_member_of_groups(run: Run) -> None:
    path = "partners/notes.txt"
    assert decision(run("explain", path, "--group", "members")) == "allow"
    refused = decision(run("explain", path, "--group", "guests", "staff"))
    assert refused.startswith("forbidden (403): ")
    assert refused.endswith("groups: members, partners")


@pytest.mark.parametrize(
    ("address", "expected"), [("10.1.2.3", "allow"), ("192.0.2.1", "login needed (401)")]
)
def test_explain_asks_from_an_address(run: Run, address: str, expected: str) -> None:
    output = run("explain", "licensing/groups/firmware.bin", "--ip", address)
    assert decision(output) == expected
    assert ("trusted network" in output) == (expected == "allow")


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("snapshots/kernel/latest/", "/snapshots/kernel/100/"),
        ("snapshots/kernel/latest/config.txt", "/snapshots/kernel/100/config.txt"),
        ("snapshots/other/latest/", "/snapshots/other/7/"),
        ("snapshots/other/latest/config.txt", "/snapshots/other/7/config.txt"),
    ],
)
def test_explain_tells_where_a_link_leads(run: Run, path: str, target: str) -> None:
    assert decision(run("explain", path)) == f"redirect to {target}, whose own rules apply"


def test_explain_says_that_a_folder_is_not_there(run: Run) -> None:
    assert not run("explain", "nowhere/at/all.txt", status=1)
    assert run.errors == "pierhead: there is no folder /nowhere/at/\n"


def test_explain_says_that_a_path_cannot_be(run: Run) -> None:
    assert not run("explain", "a/../b", status=1)
    assert run.errors.startswith("pierhead: a path has no empty, '.' or '..' segment")


def test_explain_takes_a_name_with_any_bytes(run: Run) -> None:
    assert "path      /odd-names/a%20b%25%FF\n" in run("explain", "odd-names/a b%\udcff")


def test_explain_refuses_what_is_no_address(run: Run) -> None:
    run("explain", "x", "--ip", "localhost", status=2)
    assert "--ip: 'localhost' does not appear to be an IPv4 or IPv6 address" in run.errors


def test_what_explain_logs_stays_out_of_what_it_prints(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "latest"
    folder.mkdir()
    (folder / ".s3_linked_from").write_text("../outside")
    output = run("explain", "latest/x", "--storage", str(tmp_path))
    assert [line.split()[0] for line in output.splitlines()] == [
        "path",
        "tier",
        "decision",
        "rule",
        "because",
    ]
    assert "link_without_target" in run.errors


# --- serve, as far as it does not get ------------------------------------------------------------------


@pytest.mark.parametrize("workers", ["1", "2"])
def test_serve_tells_the_faults_of_storage_and_policy_together(
    run: Run, workers: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "wrong.toml"
    policy.write_text('rules = 1\n\n[[rule]]\npath = "a"\ntier = "secret"\n\n[[rule]]\ntier = "public"\n')
    monkeypatch.setenv("PIERHEAD_POLICY_FILE", str(policy))
    run("serve", "--storage", "/no/such/place", "--port", "0", "--workers", workers, status=2)
    _, storage, first, second, third = run.errors.splitlines()
    assert storage.startswith("  --storage (command line): must be file:///directory, ")
    assert storage.endswith("there is no directory '/no/such/place'")
    assert first.startswith(f"  {policy}, line 1: unknown key 'rules'")
    assert second == f"  {policy}, line 5: tier must be one of public, eula, private, but got 'secret'"
    assert third == f"  {policy}, line 7: a rule must have a path"


def test_serve_names_a_policy_file_that_is_not_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIERHEAD_POLICY_FILE", "gone.toml")
    run("serve", "--port", "0", status=2)
    assert "policy_file: gone.toml cannot be read" in run.errors


@pytest.mark.parametrize(("option", "value"), [("--port", "abc"), ("--port", "65536"), ("--workers", "0")])
def test_serve_names_a_wrong_option_as_any_other_setting(run: Run, option: str, value: str) -> None:
    run("serve", option, value, status=2)
    assert f"  {option} (command line): must be a whole number from " in run.errors


def test_serve_names_files_for_tls_that_cannot_be_used(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_certificate(tmp_path, "site")
    (tmp_path / "tree").mkdir()
    shutil.copy(made.key, tmp_path / "tree/site.key")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PIERHEAD_POLICY_FILE")
    for certificate, key, fault in (
        (
            "gone.pem",
            "site.key",
            "PIERHEAD_TLS_CERTIFICATE (environment): gone.pem cannot be read: No such file",
        ),
        (
            "site.pem",
            "",
            "PIERHEAD_TLS_CERTIFICATE (environment): site.pem: not a certificate with its key (there is no private key in PEM)",
        ),
        ("site.pem", "tree/site.key", "tree/site.key is in tree, which is published: move it elsewhere"),
        (
            "",
            "site.key",
            "PIERHEAD_TLS_KEY (environment): must be the path of a PEM file, with a tls_certificate",
        ),
    ):
        monkeypatch.setenv("PIERHEAD_TLS_CERTIFICATE", certificate)
        monkeypatch.setenv("PIERHEAD_TLS_KEY", key)
        run("serve", "--storage", "tree", "--port", "0", status=2)
        assert fault in run.errors


@pytest.mark.parametrize("url", ["", "http://x", "s3://", "s3:///prefix", "file://elsewhere/dir", "/no/such"])
def test_serve_names_a_wrong_storage(run: Run, url: str) -> None:
    run("serve", "--storage", url, "--port", "0", status=2)
    assert "  --storage (command line): must be " in run.errors


@pytest.mark.parametrize("url", ["KEY:SECRET", "https://KEY:SECRET@s3.example.org", "https://a?x=SECRET"])
def test_serve_names_a_wrong_endpoint_and_does_not_quote_it(
    run: Run, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
    run("serve", "--storage", "s3://bucket", "--port", "0", status=2)
    assert "AWS_ENDPOINT_URL_S3" in run.errors
    assert "SECRET" not in run.errors


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("AWS_PROFILE", "nobody", "AWS_PROFILE: "),
        ("AWS_CA_BUNDLE", "/no/such/file", "AWS_CA_BUNDLE, or "),
        (
            "AWS_ENDPOINT_URL_S3",
            "http://127.0.0.1:1",
            "bucket 'artifacts' at http://127.0.0.1:1: connection (",
        ),
    ],
)
def test_a_start_that_needs_the_storage_names_what_is_wrong_with_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, named: str
) -> None:
    point_aws_at(monkeypatch, S3Endpoint("http://127.0.0.1:1"))
    monkeypatch.setenv(variable, value)
    run("serve", "--check-storage", "--storage", "s3://artifacts", "--port", "0", status=2)
    assert named in run.errors


def test_a_start_goes_on_without_the_storage_and_says_why(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    point_aws_at(monkeypatch, S3Endpoint("http://127.0.0.1:1"))
    run("serve", "--host", "no-such-host.invalid", "--storage", "s3://artifacts", "--port", "0", status=1)
    assert "storage_fails_at_start" in run.errors
    assert "pierhead: cannot listen" in run.errors


def test_serve_says_that_a_host_is_not_known(run: Run) -> None:
    run("serve", "--host", "no-such-host.invalid", "--port", "0", status=1)
    assert "pierhead: cannot listen on no-such-host.invalid, port 0: " in run.errors


def test_serve_names_a_port_for_the_operator_that_is_in_use(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("PIERHEAD_ADMIN_LISTEN", f"127.0.0.1:{port}")
        run("serve", "--port", "0", status=1)
    assert f"cannot listen on 127.0.0.1, port {port}: Address already in use" in run.errors
