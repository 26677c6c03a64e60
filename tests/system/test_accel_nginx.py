"""What a real nginx makes of what it is told, whatever becomes of the file and of S3 in the meantime."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from app.domain.storage_urls import S3Place
from app.responses.accel import BUCKETS, DIRECTORIES, URL_FIELD
from app.storage.s3.opening import open_s3_store
from tests.support.accel_nginx import run_accel_nginx
from tests.support.aws import BUCKET, S3Endpoint, open_bucket, point_aws_at
from tests.support.live_server import live_server
from tests.support.site_trees import http_client
from tests.support.store_contract import path_of
from tests.support.waiting import free_port

CONTENT = b"0123456789"
SECRET = b"OUTSIDE-THE-TREE"


class Told(NamedTuple):
    """What the server behind nginx says at one path."""

    status: int
    fields: dict[str, str]
    body: bytes = b""


class Behind:
    """A server that says what a test wants, in the place of Pierhead or of S3.

    Attributes:
        says: by path; nothing but 200 at any other.
    """

    def __init__(self) -> None:
        self.says: dict[str, Told] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; the connection is cut where the body is shorter than its length."""
        status, fields, body = self.says.get(scope["path"], Told(200, {}))
        length = {"Content-Length": str(len(body))}
        headers = [(name.lower().encode(), value.encode()) for name, value in (length | fields).items()]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        is_short = "Content-Length" in fields
        await send({"type": "http.response.body", "body": body, "more_body": is_short})


class Front(NamedTuple):
    """nginx, before a server that says what a test wants.

    Attributes:
        url: of the server behind.
        root: the directory whose files nginx sends.
    """

    http: httpx.Client
    behind: Behind
    url: str
    root: Path

    def get(self, **fields: str) -> httpx.Response:
        """What a client is given, where nginx was told this."""
        self.behind.says["/f"] = Told(200, fields)
        return self.http.get("/f")

    def get_from_s3(self, url: str, e_tag: str) -> httpx.Response:
        """The same, for a URL."""
        return self.get(**{"X-Accel-Redirect": BUCKETS, URL_FIELD: url, "ETag": e_tag})


@contextmanager
def front_in(directory: Path, authorities: Path | None = None, more: str = "") -> Iterator[Front]:
    root, behind = directory / "tree", Behind()
    (root / "d").mkdir(parents=True)
    with (
        live_server(behind) as server,
        run_accel_nginx(directory / "nginx", server.port, root, authorities=authorities, more=more) as url,
        http_client(url) as http,
    ):
        yield Front(http, behind, server.url, root)


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    with front_in(tmp_path) as found:
        yield found


class Signed(NamedTuple):
    """URLs of objects, and the ETag that all of these have."""

    urls: dict[str, str]
    e_tag: str


def plant_and_sign() -> Signed:
    """Plant an object, and sign its URL and that of one that is not there."""

    async def sign() -> Signed:
        async with open_bucket() as bucket:
            await bucket.plant("d/f", CONTENT)
        async with open_s3_store(S3Place(BUCKET), observe=lambda *_: None) as store:
            info = await store.head(path_of("d/f"))
            signed = {
                name: await store.presign(
                    path_of(name), fields={"Content-Type": "a/b", "Content-Disposition": "inline"}, expires=60
                )
                for name in ("d/f", "d/gone")
            }
        return Signed({name: found.url for name, found in signed.items()}, f'"{info.e_tag}"')

    return asyncio.run(sign())


@pytest.fixture
def signed(s3_engine: S3Endpoint, monkeypatch: pytest.MonkeyPatch) -> Signed:
    point_aws_at(monkeypatch, s3_engine)
    return plant_and_sign()


@pytest.mark.parametrize(("link", "asked"), [("d/link", "d/link"), ("dir", "dir/secret")])
def test_no_link_is_followed_that_was_put_there_since(front: Front, link: str, asked: str) -> None:
    outside = front.root.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(SECRET)
    (front.root / link).symlink_to(outside / "secret" if link == asked else outside)
    answer = front.get(**{"X-Accel-Redirect": f"{DIRECTORIES}/primary/{asked}"})
    assert answer.status_code in (403, 404)
    assert SECRET not in answer.content


@pytest.mark.parametrize(
    "path", ["d/../../outside", "..%2Foutside", "%2e%2e/outside", "d/%2e%2e/%2e%2e/outside"]
)
def test_no_path_leads_out_of_the_directory(front: Front, path: str) -> None:
    (front.root.parent / "outside").write_bytes(SECRET)
    answer = front.get(**{"X-Accel-Redirect": f"{DIRECTORIES}/primary/{path}"})
    assert answer.status_code == 404
    assert SECRET not in answer.content


def test_a_file_that_is_gone_is_not_found(front: Front) -> None:
    assert front.get(**{"X-Accel-Redirect": f"{DIRECTORIES}/primary/d/gone"}).status_code == 404


def test_the_object_itself_is_sent(front: Front, signed: Signed) -> None:
    answer = front.get_from_s3(signed.urls["d/f"], signed.e_tag)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (200, CONTENT, signed.e_tag)


def test_an_error_of_s3_is_clear_and_tells_nothing_of_it(front: Front, signed: Signed) -> None:
    url = signed.urls["d/f"]
    nowhere = f"http://127.0.0.1:{free_port()}/"
    for case, asked, e_tag, status in (
        ("replaced", url, '"another"', 502),
        ("tampered with", url.replace("inline", "other"), signed.e_tag, 502),
        ("expired", url.replace("Expires=72", "Expires=1"), signed.e_tag, 502),
        ("gone", signed.urls["d/gone"], signed.e_tag, 404),
        ("down", nowhere, signed.e_tag, 502),
    ):
        answer = front.get_from_s3(asked, e_tag)
        assert answer.status_code == status, case
        for secret in (BUCKET, "X-Amz", "x-amz", "Code>", "Signature"):
            assert secret not in answer.text + repr(answer.headers), case


def test_nginx_takes_no_orders_from_s3(front: Front) -> None:
    (front.root / "d" / "secret").write_bytes(SECRET)
    orders = {"X-Accel-Redirect": f"{DIRECTORIES}/primary/d/secret", "Set-Cookie": "a=b"}
    front.behind.says["/object"] = Told(200, orders, CONTENT)
    answer = front.get_from_s3(f"{front.url}/object", '"x"')
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert "set-cookie" not in answer.headers


def test_a_redirect_of_s3_is_not_passed_on(front: Front) -> None:
    front.behind.says["/object"] = Told(307, {"Location": "http://elsewhere.example/?X-Amz-Signature=x"})
    answer = front.get_from_s3(f"{front.url}/object", '"x"')
    assert answer.status_code == 502
    assert "location" not in answer.headers


def test_a_body_that_breaks_off_is_no_whole_file(front: Front) -> None:
    front.behind.says["/object"] = Told(200, {"Content-Length": "1000000"}, CONTENT)
    with pytest.raises(httpx.RemoteProtocolError):
        front.get_from_s3(f"{front.url}/object", '"x"')


def certificate(directory: Path, name: str) -> tuple[Path, Path]:
    """A certificate that vouches for itself, and its key."""
    directory.mkdir()
    paths = directory / "certificate.pem", directory / "key.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-out", paths[0], "-keyout", paths[1], "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
        ],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    return paths


@pytest.mark.parametrize(("trusted", "status"), [("mine", 200), ("another", 502)])
def test_s3_by_tls_is_who_its_certificate_says(trusted: str, status: int, tmp_path: Path) -> None:
    """An `upstream` by the name of the endpoint tells nginx where it is, and needs no resolver."""
    mine, key = certificate(tmp_path / "mine", "s3.test")
    authorities = {"mine": mine, "another": certificate(tmp_path / "another", "s3.test")[0]}
    port, s3 = free_port(), Behind()
    s3.says["/object"] = Told(200, {}, CONTENT)
    with live_server(s3) as server:
        s3_by_tls = (
            f"upstream s3.test {{ server 127.0.0.1:{port}; }}\n"
            f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {mine}; ssl_certificate_key {key};\n"
            f"location / {{ proxy_pass {server.url}; }} }}\n"
        )
        with front_in(tmp_path, authorities[trusted], s3_by_tls) as front:
            answer = front.get_from_s3("https://s3.test/object", '"x"')
            assert answer.status_code == status
            assert (answer.content == CONTENT) == (status == 200)
