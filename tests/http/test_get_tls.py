"""`pierhead get` as a command: to a server with TLS, through a proxy, and at a terminal. Half a second for each run."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.certificates import Certificate, make_certificate
from tests.support.connect_proxy import ConnectProxy, connect_proxy
from tests.support.forked_command import PIERHEAD
from tests.support.serve_command import START_SECONDS, Served, environment

POLICY = """
[[rule]]
path = "licensed"
tier = "eula"
licence_name = "Firmware licence"
licence_text = "Be nice to the firmware."
"""
QUESTION = "Type 'yes' to accept: "


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), "site")


@pytest.fixture(scope="module")
def url(certificate: Certificate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("site")
    (directory / "policy.toml").write_text(POLICY)
    served = Served(
        directory,
        PIERHEAD_POLICY_FILE="policy.toml",
        PIERHEAD_TLS_CERTIFICATE=str(certificate.chain),
        PIERHEAD_TLS_KEY=str(certificate.key),
    )
    (directory / "tree/board.img").write_bytes(bytes(8 * 1024 * 1024))
    (directory / "tree/licensed").mkdir()
    (directory / "tree/licensed/fw.bin").write_bytes(b"firmware")
    try:
        yield served.url
    finally:
        served.kill()


@pytest.fixture(scope="module")
def proxy() -> Iterator[ConnectProxy]:
    with connect_proxy() as proxy:
        yield proxy


def get(home: Path, url: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PIERHEAD, "get", url],
        cwd=home,
        env=environment({"HOME": str(home), **environ}),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


def test_a_server_is_believed_by_the_certificates_of_the_environment(
    url: str, certificate: Certificate, tmp_path: Path
) -> None:
    refused = get(tmp_path, f"{url}/hello.txt")
    assert refused.returncode == 1
    assert "certificate" in refused.stderr.lower()
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "hello.txt").exists()
    assert get(tmp_path, f"{url}/hello.txt", SSL_CERT_FILE=str(certificate.chain)).returncode == 0
    assert (tmp_path / "hello.txt").read_text() == "hello\n"


@pytest.mark.parametrize(
    ("variable", "excepted"),
    [("HTTPS_PROXY", "other.example"), ("https_proxy", ""), ("HTTPS_PROXY", "127.0.0.1")],
)
def test_a_proxy_is_taken_but_for_hosts_that_are_excepted(
    url: str, certificate: Certificate, proxy: ConnectProxy, tmp_path: Path, variable: str, excepted: str
) -> None:
    proxy.asked.clear()
    environ = {variable: proxy.url, "NO_PROXY": excepted, "SSL_CERT_FILE": str(certificate.chain)}
    assert get(tmp_path, f"{url}/hello.txt", **environ).returncode == 0
    assert (tmp_path / "hello.txt").read_text() == "hello\n"
    expected = set() if excepted == "127.0.0.1" else {url.removeprefix("https://")}
    assert set(proxy.asked) == expected


def at_terminal(home: Path, url: str, answer: str, **environ: str) -> tuple[int, str]:
    """The exit status, and what the terminal showed, with an answer typed once a question is there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [PIERHEAD, "get", url],
        cwd=home,
        env=environment({"HOME": str(home), "TERM": "xterm", **environ}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown, is_answered = b"", False
    with suppress(OSError):  # Linux raises it when the last one has closed the other end
        while part := os.read(ours, 65536):
            shown += part
            if not is_answered and QUESTION.encode() in shown:
                is_answered = True
                os.write(ours, f"{answer}\n".encode())
    os.close(ours)
    return process.wait(START_SECONDS), shown.decode()


def test_at_a_terminal_a_licence_is_shown_and_asked_for_once(
    url: str, certificate: Certificate, tmp_path: Path
) -> None:
    trusting = {"SSL_CERT_FILE": str(certificate.chain)}
    file, licensed = tmp_path / "fw.bin", f"{url}/licensed/fw.bin"
    status, shown = at_terminal(tmp_path, licensed, "no", **trusting)
    assert (status, file.exists()) == (4, False)
    status, shown = at_terminal(tmp_path, licensed, "yes", **trusting)
    assert "Be nice to the firmware." in shown
    assert shown.index("Be nice") < shown.index(QUESTION)
    assert (status, file.read_bytes()) == (0, b"firmware")
    file.unlink()
    status, shown = at_terminal(tmp_path, licensed, "", **trusting)
    assert QUESTION not in shown
    assert (status, file.read_bytes()) == (0, b"firmware")


def test_bars_are_for_terminals(url: str, certificate: Certificate, tmp_path: Path) -> None:
    trusting = {"SSL_CERT_FILE": str(certificate.chain)}
    status, shown = at_terminal(tmp_path, f"{url}/board.img", "", **trusting)
    assert (status, "\u2501" in shown) == (0, True)
    (tmp_path / "board.img").unlink()
    ended = get(tmp_path, f"{url}/board.img", **trusting)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert "\u2501" not in ended.stderr
    assert "\x1b" not in ended.stderr
