"""Random bytes at every place where bytes come in: requests, and files that rule a folder."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.attacks import assert_well, small_tree, unharmed
from tests.support.live_server import LiveServer, app_over, live_server
from tests.support.memory_store import MemoryStore
from tests.support.raw_http import CLOSE, RawAnswer, exchange, parse_answer, request
from tests.support.site_policies import MEMBERS

FUZZ = settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def assert_answered(received: bytes) -> RawAnswer:
    """Assert that an answer is whole, and no fault of the server's."""
    answer = parse_answer(received)
    assert 200 <= answer.status < 500
    assert b"Traceback" not in received
    return answer


WORDS = [
    *(b"..", b".", b"/", b"//", b"%2e", b"%2f", b"%00", b"%", b"%ff", b"%C3%A9", b"\\", b"?", b"&", b"="),
    *(b"public", b"a.txt", b"sub", b"eula", b"x.img", b"members", b"api", b"ls", b"license", b"healthz"),
    *(b"BUILD-INFO.txt", b"*", b"[", b"]", b"-", b"static", b"metrics", b"login", b"readyz", b"latest"),
    *(b"format=json", b"recursive=true", b"limit=1", b"after=a", b"lic=x", b"url=/", b"key=x", b";", b"#"),
]
paths = st.lists(st.sampled_from(WORDS) | st.binary(max_size=4), max_size=12).map(b"".join)
names = st.sampled_from(
    [
        *(b"Range", b"If-Range", b"If-Match", b"If-None-Match", b"If-Modified-Since", b"If-Unmodified-Since"),
        *(
            b"Accept",
            b"Accept-Encoding",
            b"Authorization",
            b"Cookie",
            b"License-Accepted",
            b"X-Forwarded-For",
        ),
        *(b"X-Forwarded-Proto", b"Host", b"Content-Length", b"Transfer-Encoding", b"Connection", b"Expect"),
        *(b"Content-Type", b"Sec-Fetch-Site", b"Upgrade", b"Cache-Control", b"License_Accepted", b"TE"),
    ]
) | st.binary(max_size=8)
pieces = st.sampled_from(
    [
        *(
            b"bytes=",
            b"0-",
            b"-5",
            b"1-3",
            b",",
            b'"',
            b'W/"',
            b"*",
            b"gzip",
            b"identity",
            b";q=",
            b"0.5",
            b"/",
        ),
        *(
            b"text/html",
            b"application/json",
            b"Bearer ",
            b"Basic ",
            b"eyJhbGciOiJub25lIn0.e30.",
            b"dTpw",
            b"=",
        ),
        *(
            b"pierhead_licences=",
            b"pierhead_form=",
            b"; ",
            b"chunked",
            b"100-continue",
            b"close",
            b"127.0.0.1",
        ),
        *(b"Sun, 06 Nov 1994 08:49:37 GMT", b"9" * 30, b"no-cache", b"\xe9", b"\r\n ", b"\x00", b"<b>", b" "),
    ]
) | st.binary(max_size=6)
values = st.lists(pieces, max_size=8).map(b"".join)
methods = st.sampled_from([b"GET"] * 8 + [b"HEAD", b"POST", b"PUT", b"OPTIONS"]) | st.binary(max_size=6)


@FUZZ
@given(data=st.binary(min_size=1, max_size=300))
@example(data=b"GET / HTTP/1.1\r\n")
def test_bytes_of_any_kind_are_answered_or_waited_for(
    server: LiveServer, still_well: None, data: bytes
) -> None:
    """What is no head yet becomes one by the end that is sent behind."""
    assert_answered(exchange(server.port, data + b"\r\n\r\n" + b"garbage\r\n\r\n"))


@FUZZ
@given(method=methods, path=paths, lines=st.lists(st.tuples(names, values), max_size=6), body=values)
@example(method=b"GET", path=b"", lines=[(b"Host", b"[")], body=b"")
@example(method=b"POST", path=b"license", lines=[(b"Transfer-Encoding", b"chunked")], body=b"0\r\n\r\n")
def test_a_request_of_any_parts_is_answered(
    server: LiveServer,
    still_well: None,
    method: bytes,
    path: bytes,
    lines: list[tuple[bytes, bytes]],
    body: bytes,
) -> None:
    head = b"".join(name + b": " + value + b"\r\n" for name, value in lines)
    data = method + b" /" + path + b" HTTP/1.1\r\n" + CLOSE + head + b"\r\n" + body
    # Garbage behind it, so that a body which was announced and is not there gets an end.
    assert_answered(exchange(server.port, data + b"\r\n\r\n" + b"garbage\r\n\r\n" * 20_000))


@FUZZ
@given(path=paths, value=values, name=names)
def test_what_a_well_formed_request_asks_for_never_breaks_the_server(
    server: LiveServer, still_well: None, path: bytes, value: bytes, name: bytes
) -> None:
    line = [name + b": " + value.translate(None, b"\r\n\x00")] if name.isalpha() else []
    answer = assert_answered(exchange(server.port, request(b"GET", b"/public/" + path, *line)))
    assert b"secret" not in answer.body
    assert_answered(exchange(server.port, request(b"GET", b"/api/ls/" + path, *line)))


LINES = [
    *(b"Format-Version: 0.5", b"Format-Version: 0.1", b"Files-Pattern: *.img", b"Files-Pattern: x.img,"),
    *(b"License-Type: protected", b"License-Type: open", b"License-Text: Be nice.", b"Auth-Groups: staff"),
    *(
        b" continued",
        b"Theme: linaro",
        b"Build-Name: x",
        b"Collect-User-Data: yes",
        b"",
        b"#",
        b"Files-Pattern:",
    ),
    *(
        b"OpenID-Launchpad-Teams: staff",
        b"Files-Pattern: [",
        b"License-Text:",
        b"\xff\xfe",
        b"\x00",
        b"\xef\xbb\xbf",
    ),
]
rules_files = st.lists(st.sampled_from(LINES) | st.binary(max_size=30), max_size=10).map(b"\n".join)
rules_names = st.sampled_from(
    [
        "BUILD-INFO.txt",
        "EULA.txt",
        "OPEN-EULA.txt",
        "x.img.EULA.txt",
        "x.img.EULA.txt.linaro",
        ".s3_linked_from",
    ]
)


@pytest.fixture(scope="module")
def ruled() -> Iterator[tuple[MemoryStore, httpx.Client]]:
    store = MemoryStore()
    app = app_over(store, default_tier="closed", cache_ttl=0, cache_grace=0)
    with live_server(app) as running, httpx.Client(base_url=running.url) as client:
        yield store, client


@settings(FUZZ, max_examples=25)
@given(files=st.dictionaries(rules_names, rules_files, max_size=3))
@example(files={"BUILD-INFO.txt": b"Format-Version: 0.5\n\xff: 1\n"})
@example(files={".s3_linked_from": b"../../etc"})
@example(files={".s3_linked_from": b"\x00"})
def test_no_file_that_rules_a_folder_breaks_the_server(
    ruled: tuple[MemoryStore, httpx.Client], caplog: pytest.LogCaptureFixture, files: dict[str, bytes]
) -> None:
    store, client = ruled
    folder = f"f{len(store.calls)}"
    store.put(f"{folder}/x.img", b"image")
    for name, content in files.items():
        store.put(f"{folder}/{name}", content)
    for target in ("/", f"/{folder}/", f"/{folder}/x.img", f"/{folder}/*.img", f"/{folder}/y"):
        assert client.get(target).status_code < 500
        assert client.get(target, headers={"Accept": "text/html"}).status_code < 500
    for target in (f"/api/ls/{folder}/", f"/api/license/{folder}/x.img", f"/{folder}/?recursive=true"):
        assert client.get(target).status_code < 500
    for name in [*files, "x.img"]:
        store.remove(f"{folder}/{name}")


@settings(FUZZ, max_examples=50)
@given(noise=st.binary(min_size=1, max_size=20), at=st.integers(0, 100))
@example(noise=b"Auth-Groups", at=0)
def test_a_file_that_is_malformed_never_opens(
    ruled: tuple[MemoryStore, httpx.Client], noise: bytes, at: int
) -> None:
    """A field that there is not makes the whole file malformed, wherever it stands and whatever else does."""
    store, client = ruled
    lines = [b"Format-Version: 0.5", b"", b"Files-Pattern: *", b"License-Type: open"]
    unknown = b"X" + noise.translate(None, b"\r\n\x0b\x0c\x1c\x1d\x1e\x85:") + b": 1"
    lines.insert(1 + at % len(lines), unknown)
    folder = f"m{len(store.calls)}"
    store.put(f"{folder}/x.img", b"image")
    store.put(f"{folder}/BUILD-INFO.txt", b"\n".join(lines))
    assert client.get(f"/{folder}/x.img").status_code == 403
    assert client.get(f"/{folder}/").status_code == 403
    store.remove(f"{folder}/x.img")
    store.remove(f"{folder}/BUILD-INFO.txt")


def test_the_proof_itself_notices_a_server_that_breaks(caplog: pytest.LogCaptureFixture) -> None:
    store = small_tree()

    def break_it(server: LiveServer) -> None:
        with unharmed(server, caplog):
            store.fail_next(RuntimeError("a bug"))
            answer = parse_answer(exchange(server.port, request(b"GET", b"/public/a.txt")))
            assert (answer.status, b"a bug" in answer.body) == (500, False)

    with live_server(app_over(store, policy=MEMBERS)) as server:
        assert_well(server)
        with pytest.raises(AssertionError, match="request_failed"):
            break_it(server)
