"""Real proxies before two replicas, as docs/operations.md has them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.certificates import Certificate
from tests.support.shared_caches import run_nginx
from tests.support.waiting import answers, free_port, wait_until

GUIDE = (Path(__file__).parents[2] / "docs/operations.md").read_text()
_SECTION = GUIDE.split("\n### Two replicas, upgraded one after the other\n")[1].split("\n### ")[0]
START_SECONDS = 60


def documented_upstream_and_server() -> str:
    """The documented nginx before two replicas."""
    (whole,) = re.findall(r"^nginx:\n\n```nginx\n(.*?)```", GUIDE, re.MULTILINE | re.DOTALL)
    (upstream,) = re.findall(r"```nginx\n(.*?)```", _SECTION, re.DOTALL)
    server: str = whole[whole.index("\nserver {") + 1 :]
    return f"{upstream}{server}"


@contextmanager
def nginx_before(ports: Sequence[int], directory: Path, tls: Certificate | None = None) -> Iterator[str]:
    """The documented nginx until the block ends. Gives its URL, without a slash at the end.

    Args:
        tls: its certificate; None to have it speak without TLS.
    """
    text = documented_upstream_and_server()
    if tls is None:
        text = re.sub(r" *ssl_certificate.*\n", "", text)
        text = _placed(text, "listen 443 ssl;", "listen 127.0.0.1:@PORT@;", ports)
    else:
        port = free_port()
        probe = "server { listen 127.0.0.1:@PORT@; location = /healthz { return 200; } }\n"
        text = probe + _placed(text, "listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;", ports)
        text = text.replace("/etc/ssl/releases.pem", str(tls.chain)).replace(
            "/etc/ssl/releases.key", str(tls.key)
        )
    with run_nginx(directory, text, "/healthz") as nginx:
        yield nginx.url if tls is None else f"https://127.0.0.1:{port}"


@contextmanager
def haproxy_before(ports: Sequence[int], directory: Path) -> Iterator[str]:
    """The documented haproxy without TLS, until the block ends. Gives its URL, without a slash at the end."""
    directory.mkdir()
    port = free_port()
    (whole,) = re.findall(r"^haproxy:\n\n```haproxy\n(.*?)```", GUIDE, re.MULTILINE | re.DOTALL)
    (backend,) = re.findall(r"```haproxy\n(.*?)```", _SECTION, re.DOTALL)
    text = whole[: whole.index("\nbackend pierhead\n") + 1] + backend
    bind = "bind :443 ssl crt /etc/ssl/releases.pem alpn h2,http/1.1"
    configuration, log = directory / "haproxy.cfg", directory / "haproxy.log"
    configuration.write_text(_placed(text, bind, f"bind 127.0.0.1:{port}", ports))
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["haproxy", "-db", "-f", str(configuration)], stdout=output, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    try:
        assert wait_until(lambda: answers(f"{url}/healthz") or process.poll() is not None, START_SECONDS)
        assert process.poll() is None, log.read_text()
        yield url
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def _placed(text: str, old: str, new: str, ports: Sequence[int]) -> str:
    """With this machine's places in it."""
    for documented, here in (
        (old, new),
        *((f"127.0.0.1:{8000 + 10 * n}", f"127.0.0.1:{port}") for n, port in enumerate(ports)),
    ):
        assert text.count(documented) == 1, documented
        text = text.replace(documented, here)
    return text
