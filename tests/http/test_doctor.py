"""`pierhead doctor`: each thing that can be wrong is found, with what to do; and a site that is well has no findings."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from time import time
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.cli import main
from app.cli.doctor.host import descriptors, memory
from app.cli.doctor.keys import strength_of
from app.cli.doctor.stores import skew_of
from tests.support.aws import S3Endpoint, point_aws_at
from tests.support.certificates import make_certificate
from tests.support.fake_s3 import Request, status
from tests.support.live_server import LiveServer, app_for, live_server
from tests.support.switched_s3 import BUCKET, SwitchedS3, run_switched_s3

KEY = "7d1f0e6a9b3c48d2a5f7e90c1b6d3a8472c5e9f0b1d4a6c8"
PLACE = f"s3://{BUCKET}"


@pytest.fixture(scope="module")
def s3() -> Iterator[SwitchedS3]:
    with run_switched_s3({"d/f.txt": b"0123456789"}) as s3:
        yield s3


class Doctor:
    """Runs the command over settings that are well, but for what a test changes."""

    def __init__(self, directory: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.directory = directory
        self.settings: dict[str, Any] = {
            "storage": str(directory / "tree"),
            "secret_keys": [KEY],
            "workers": 1,
        }
        self._capture = capture
        self.status = -1

    def look(self, *options: str) -> dict[str, list[dict[str, str]]]:
        """The findings of each area that are not well; of one that is, an empty list."""
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in self.settings.items()]
        file = self.directory / "pierhead.toml"
        file.write_text("".join(lines))
        file.chmod(0o600) if file.stat().st_mode & 0o777 == 0o644 else None
        self._capture.readouterr()
        self.status = main(["doctor", "--json", *options])
        said = json.loads(self._capture.readouterr().out)
        found: dict[str, list[dict[str, str]]] = {finding["area"]: [] for finding in said["findings"]}
        for finding in said["findings"]:
            assert (finding["level"] == "ok") is (finding["advice"] == "")
            if finding["level"] != "ok":
                found[finding["area"]].append(finding)
        return found

    def one(self, area: str, *options: str) -> tuple[str, str, str]:
        """The level, text and advice of the only finding that is not well."""
        found = self.look(*options)
        (finding,) = found.pop(area)
        assert not any(found.values()), found
        assert self.status == {"error": 1, "warning": 3}[finding["level"]]
        return finding["level"], finding["text"], finding["advice"]


@pytest.fixture
def doctor(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Doctor]:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/hello.txt").write_text("hello")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (65536, 65536))
    handlers, level, log = logging.root.handlers[:], logging.root.level, structlog.get_config()
    yield Doctor(tmp_path, capfd)
    structlog.configure(**log)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_a_site_that_is_well_has_nothing_to_do(doctor: Doctor) -> None:
    found = doctor.look()
    assert not any(found.values()), found
    assert set(found) == {"settings", "storage", "keys", "certificate", "files", "proxies", "host"}
    assert doctor.status == 0


def test_people_get_a_line_for_each_finding_and_one_for_what_to_do(
    doctor: Doctor, capfd: pytest.CaptureFixture[str]
) -> None:
    doctor.settings["secret_keys"] = []
    doctor.look()
    assert main(["doctor"]) == 3
    text = capfd.readouterr().out
    assert "\nwarning  keys         there are no secret_keys\n" in text
    assert "do: set one, the same for all replicas" in text


def test_settings_that_cannot_be_used_are_the_only_finding(doctor: Doctor) -> None:
    doctor.settings |= {"port": 99999, "policy_file": "gone.toml"}
    found = doctor.look()
    assert list(found) == ["settings"]
    assert "port" in found["settings"][0]["text"]
    assert doctor.status == 2
    del doctor.settings["port"]
    assert "gone.toml" in doctor.look()["settings"][0]["text"]


class TestBucket:
    @pytest.fixture(autouse=True)
    def _in_bucket(self, doctor: Doctor, s3: SwitchedS3, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        point_aws_at(monkeypatch, S3Endpoint(s3.url))
        doctor.settings["storage"] = PLACE
        s3.well()
        yield
        s3.well()

    def test_one_that_is_well(self, doctor: Doctor, s3: SwitchedS3) -> None:
        s3.answer(dated(s3, 0))
        found = doctor.look()
        assert not any(found.values()), found

    @pytest.mark.parametrize(
        ("answers", "text", "advice"),
        [
            ({"list": status(403, "AccessDenied")}, "cannot be listed", "s3:ListBucket"),
            ({"list": status(404, "NoSuchBucket")}, "cannot be listed", "bucket's name"),
            ({"list": status(403, "InvalidAccessKeyId")}, "cannot be listed", "AWS_ACCESS_KEY_ID"),
            ({"get": status(403, "AccessDenied")}, "/d/f.txt is listed but cannot be read", "s3:GetObject"),
        ],
    )
    def test_what_the_credentials_lack(
        self, doctor: Doctor, s3: SwitchedS3, answers: dict[str, Any], text: str, advice: str
    ) -> None:
        async def served(request: Request, writer: asyncio.StreamWriter) -> None:
            if request.target == "/":
                await dated(s3, 0)(request, writer)
            else:
                await answers.get("get" if "d/f.txt" in request.target else "list", dated(s3, 0))(
                    request, writer
                )

        s3.answer(served)
        level, found, what_to_do = doctor.one("storage")
        assert level == "error"
        assert text in found
        assert advice in what_to_do

    @pytest.mark.parametrize(
        ("seconds", "level"), [(-60, "warning"), (60, "warning"), (-1000, "error"), (1000, "error")]
    )
    def test_a_clock_that_is_wrong(self, doctor: Doctor, s3: SwitchedS3, seconds: int, level: str) -> None:
        s3.answer(dated(s3, seconds))
        found = doctor.one("storage")
        assert found[0] == level
        assert ("behind" if seconds > 0 else "ahead of") in found[1]
        assert "clock" in found[2]

    def test_an_endpoint_that_is_gone(self, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
        point_aws_at(monkeypatch, S3Endpoint("http://127.0.0.1:9"))
        found = doctor.look()["storage"]
        assert ["cannot be listed" in found[0]["text"], "clock cannot be read" in found[1]["text"]] == [
            True,
            True,
        ]
        assert doctor.status == 1


def dated(s3: SwitchedS3, ahead: float) -> Callable[[Request, asyncio.StreamWriter], Any]:
    """The answers of a store whose clock is so many seconds ahead."""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.target != "/":
            await s3.serve(request, writer)
            return
        date = formatdate(time() + ahead, usegmt=True)
        writer.write(f"HTTP/1.1 403 Forbidden\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    return answer


def test_a_directory_with_nothing_to_read(doctor: Doctor) -> None:
    (doctor.directory / "tree/hello.txt").unlink()
    assert "no file was found" in doctor.one("storage")[1]


@pytest.mark.parametrize(
    ("keys", "level", "text"),
    [
        ([], "warning", "no secret_keys"),
        (["a" * 40], "warning", "key 1 has at most 0 bits"),
        ([KEY, "passwordpasswordpasswordpasswordpassword"], "warning", "key 2"),
        ([KEY, KEY], "error", "twice"),
        ([f"{number}{KEY}" for number in range(5)], "warning", "5 keys are in use"),
    ],
)
def test_keys_that_are_weak_or_too_many(doctor: Doctor, keys: list[str], level: str, text: str) -> None:
    doctor.settings["secret_keys"] = keys
    found = doctor.one("keys")
    assert (found[0], text in found[1]) == (level, True), found


def test_the_strength_of_a_key_is_what_a_random_one_has() -> None:
    assert strength_of("0123456789abcdef" * 4) == 256
    assert strength_of("ab" * 16) == 32


class TestCertificate:
    def test_one_that_was_signed_by_itself(self, doctor: Doctor) -> None:
        made = make_certificate(doctor.directory, "site")
        made.key.chmod(0o600)
        doctor.settings |= {"tls_certificate": str(made.chain), "tls_key": str(made.key)}
        assert doctor.one("certificate")[:2] == ("warning", "it is self-signed")

    @pytest.mark.parametrize(("days", "level"), [(5, "warning"), (-1, "error")])
    def test_one_that_ends(self, doctor: Doctor, days: int, level: str) -> None:
        chain, key = issued(doctor.directory, days=days)
        doctor.settings |= {"tls_certificate": str(chain), "tls_key": str(key)}
        found = doctor.one("certificate")
        assert (found[0], found[2]) == (level, "renew it, then send SIGHUP")

    def test_a_whole_chain_is_well(self, doctor: Doctor) -> None:
        chain, key = issued(doctor.directory)
        doctor.settings |= {"tls_certificate": str(chain), "tls_key": str(key)}
        assert not any(doctor.look().values())

    def test_one_without_its_issuer(self, doctor: Doctor) -> None:
        chain, key = issued(doctor.directory)
        first = chain.read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
        chain.write_text(first)
        doctor.settings |= {"tls_certificate": str(chain), "tls_key": str(key)}
        assert "fullchain.pem" in doctor.one("certificate")[2]

    def test_a_chain_in_the_wrong_order(self, doctor: Doctor) -> None:
        chain, key = issued(doctor.directory)
        other = make_certificate(doctor.directory, "other")
        first = chain.read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
        chain.write_text(first + other.chain.read_text())
        doctor.settings |= {"tls_certificate": str(chain), "tls_key": str(key)}
        assert doctor.one("certificate")[1] == "certificate 1 of the chain was not issued by number 2"

    def test_the_key_of_another_one(self, doctor: Doctor) -> None:
        one, two = (make_certificate(doctor.directory, name) for name in ("one", "two"))
        two.key.chmod(0o600)
        doctor.settings |= {"tls_certificate": str(one.chain), "tls_key": str(two.key)}
        assert "not a certificate with its key" in doctor.one("certificate")[1]


def issued(directory: Path, days: int = 90) -> tuple[Path, Path]:
    """A certificate that another one has signed, in one file with it; and its key."""
    authority = make_certificate(directory, "authority")
    request, chain, key = directory / "site.csr", directory / "chain.pem", directory / "chain.key"
    openssl = ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    sign = [
        "openssl",
        "x509",
        "-req",
        "-in",
        str(request),
        "-CA",
        str(authority.chain),
        "-CAkey",
        str(authority.key),
    ]
    for command in (
        [*openssl, "-keyout", str(key), "-out", str(request), "-subj", "/CN=site"],
        [*sign, "-CAcreateserial", "-days", str(days), "-out", str(chain)],
    ):
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    with chain.open("a") as file:
        file.write(authority.chain.read_text())
    key.chmod(0o600)
    return chain, key


class TestFiles:
    def test_keys_that_everybody_can_read(self, doctor: Doctor) -> None:
        (doctor.directory / "pierhead.toml").touch()
        (doctor.directory / "pierhead.toml").chmod(0o604)
        level, text, advice = doctor.one("files")
        assert (level, "pierhead.toml" in text, advice.startswith("chmod o-rwx")) == ("error", True, True)

    def test_a_private_key_that_everybody_can_read(self, doctor: Doctor) -> None:
        chain, key = issued(doctor.directory)
        key.chmod(0o644)
        doctor.settings |= {"tls_certificate": str(chain), "tls_key": str(key)}
        assert "chain.key" in doctor.one("files")[1]

    def test_a_policy_that_everybody_may_change(self, doctor: Doctor) -> None:
        policy = doctor.directory / "policy.toml"
        policy.write_text("")
        policy.chmod(0o666)
        doctor.settings["policy_file"] = str(policy)
        assert "may change" in doctor.one("files")[1]

    def test_an_audit_log_that_cannot_be_written(self, doctor: Doctor) -> None:
        doctor.settings["audit_file"] = str(doctor.directory / "no/audit.log")
        assert "cannot be written" in doctor.one("files")[1]

    def test_a_log_for_which_no_space_is_left(self, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
        file = doctor.directory / "access.log"
        doctor.settings["access_log_file"] = str(file)
        assert not any(doctor.look().values())
        monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=0))
        level, text, advice = doctor.one("files")
        assert (level, text) == (
            "error",
            f"access_log_file (pierhead.toml): the file system of {file} is full",
        )
        assert "free some space" in advice


@pytest.mark.parametrize(
    ("settings", "level", "text"),
    [
        ({"trusted_networks": "0.0.0.0/0"}, "error", "lets strangers read everything"),
        ({"trusted_networks": "::/0"}, "error", "lets strangers read everything"),
        ({"trusted_proxies": "0.0.0.0/0"}, "error", "lets anybody forge client addresses"),
        ({"trusted_networks": "10.0.0.0/8", "trusted_proxies": "10.1.2.3"}, "warning", "has the proxy"),
    ],
)
def test_networks_that_trust_too_much(
    doctor: Doctor, settings: dict[str, str], level: str, text: str
) -> None:
    doctor.settings |= settings
    found = doctor.one("proxies")
    assert (found[0], text in found[1]) == (level, True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    tree = tmp_path_factory.mktemp("tree")
    (tree / "hello.txt").write_text("hello")
    with live_server(app_for(str(tree))) as server:
        yield server


class TestUrl:
    """The site is asked by the URL of its clients."""

    def test_one_that_is_the_sites_own(self, doctor: Doctor, site: LiveServer) -> None:
        found = doctor.look("--url", f"{site.url}/")
        assert not any(found.values()), found

    def test_a_proxy_that_keeps_the_host_to_itself(self, doctor: Doctor, site: LiveServer) -> None:
        with hiding_proxy(site.url) as url:
            level, text, advice = doctor.one("proxies", "--url", url)
        assert (level, text) == ("error", f"{url}: the server sees itself as {site.url}")
        assert "trusted_proxies" in advice

    def test_a_folder_that_strangers_are_not_shown(self, doctor: Doctor, site: LiveServer) -> None:
        found = doctor.one("proxies", "--url", f"{site.url}/none/")
        assert found[:2] == ("warning", f"{site.url}/none/: answers 404 to strangers")

    def test_another_page(self, doctor: Doctor, site: LiveServer) -> None:
        url = f"{site.url}/hello.txt?"
        found = doctor.one("proxies", "--url", url)
        assert found[:2] == ("warning", f"{url}: is not a page of this server")

    @pytest.mark.parametrize(
        ("url", "why"), [("http://127.0.0.1:9/", "refused"), ("ftp://a.example/", "http:// or https://")]
    )
    def test_nobody_there(self, doctor: Doctor, url: str, why: str) -> None:
        level, text, _ = doctor.one("proxies", "--url", url)
        assert level == "error"
        assert f"{url}: cannot be reached" in text
        assert why in text


@contextmanager
def hiding_proxy(url: str) -> Iterator[str]:
    """A proxy that asks a server by that one's own address, and does not say who was asked. Gives its URL."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            found = await client.get(f"{url}{scope['path']}?{scope['query_string'].decode()}")
        await Response(found.content, found.status_code, media_type="application/atom+xml")(
            scope, receive, send
        )

    with live_server(answer, lifespan="off") as proxy:
        yield f"{proxy.url}/"


@pytest.mark.parametrize(
    ("found", "level"),
    [
        (descriptors(512), "error"),
        (descriptors(4096), "warning"),
        (descriptors(65536), "ok"),
        (descriptors(resource.RLIM_INFINITY), "ok"),
        (memory(3 << 30, 2 << 30), "error"),
        (memory(1900 << 20, 2 << 30), "warning"),
        (memory(1 << 30, 2 << 30), "ok"),
        (skew_of("s3", 29), "ok"),
        (skew_of("s3", -30), "warning"),
        (skew_of("s3", 900), "error"),
    ],
)
def test_what_is_short_is_said_with_what_to_do(found: Any, level: str) -> None:
    assert (found.level.word, bool(found.advice)) == (level, level != "ok")
