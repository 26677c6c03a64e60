"""Paths that no tree can hold, as bytes: clients would put them right before sending."""

from __future__ import annotations

import pytest

from tests.support.attacks import assert_refused
from tests.support.live_server import LiveServer, app_for, live_server
from tests.support.raw_http import ask, request

pytestmark = pytest.mark.usefixtures("still_well")


ABOVE_ROOT = [
    b"/../etc/passwd",
    b"/..",
    b"/public/../..",
    b"/%2e%2e/etc/passwd",
    b"/%2E%2e/%2e%2E/etc/passwd",
    b"/.%2e/etc/passwd",
    b"http://test/../etc/passwd",
    b"http://test/%2e%2e/etc/passwd",
]
RESOLVED = {
    b"/public/./a.txt": b"/public/a.txt",
    b"//public/a.txt": b"/public/a.txt",
    b"/public//a.txt": b"/public/a.txt",
    b"/x/%2E./public/a.txt": b"/public/a.txt",
    b"http://test//public/a.txt": b"/public/a.txt",
    b"http://test": b"/",
    b"http://test?format=text": b"/?format=text",
    b"/public/..?format=text": b"/?format=text",
    b"/.": b"/",
    b"/public/./": b"/public/",
    b"/members/../public/": b"/public/",
    b"/public//?format=json": b"/public/?format=json",
    b"/%70ublic/%61.txt": b"/public/a.txt",
    b"/%61%70i/ls/public/": b"/api/ls/public/",
    b"//": b"/",
    b"/public/../members/secret.txt": b"/members/secret.txt",
    b"/public/../api/ls/public/": b"/api/ls/public/",
    b"//etc/passwd": b"/etc/passwd",
    b"/./healthz": b"/healthz",
    b"/%C3%BC": b"/\xc3\xbc",
}
"""What is asked for, and the canonical path that it stands for."""
TRAVERSAL = [
    b"/..%2fetc%2fpasswd",
    b"/%2e%2e%2fetc%2fpasswd",
    b"/public/..%2f..%2fetc%2fpasswd",
    b"/..%5c..%5cetc%5cpasswd",
    b"/..\\..\\etc\\passwd",
    b"/%252e%252e/%252e%252e/etc/passwd",
    b"/%252e%252e%252fetc%252fpasswd",
    b"/%c0%ae%c0%ae/etc/passwd",
    b"/%c0%ae%c0%ae%c0%afetc%c0%afpasswd",
    b"/%e0%80%ae%e0%80%ae/etc/passwd",
    b"/%uff0e%uff0e/etc/passwd",
    b"/..;/etc/passwd",
    b"/%2fetc/passwd",
    b"/%2f%2fevil.example/",
    b"/public%2fa.txt",
    b"file:///etc/passwd",
    b"/file:///etc/passwd",
    b"*",
]
CONTROL = [
    b"/%00",
    b"/public/a.txt%00",
    b"/public/a.txt%00.img",
    b"/a%0ab",
    b"/a%0d%0aX-Injected:%20yes",
    b"/%7f",
    b"/%1b[31m",
    b"/%09",
]
ENCODING = [
    b"/%",
    b"/%2",
    b"/%zz",
    b"/%0",
    b"/a%",
    b"/a%g0",
    b"/%%32%65",
    b"/%ff",
    b"/%ff%fe/",
    b"/%ed%a0%80",
    b"/%f5%80%80%80",
    b"/%c3",
    b"/public/a.txt%ff",
]


@pytest.mark.parametrize("target", TRAVERSAL + CONTROL + ENCODING)
def test_a_path_that_no_tree_holds_is_not_found(server: LiveServer, target: bytes) -> None:
    answer = ask(server.port, request(target=target))
    # Where there is no path at all in what stands for it, it is no request either.
    assert_refused(answer, 404, *([400] if not target.startswith(b"/") else []))
    assert "x-injected" not in answer.headers


@pytest.mark.parametrize("target", ABOVE_ROOT)
def test_a_path_that_leads_above_the_root_is_refused(server: LiveServer, target: bytes) -> None:
    assert_refused(ask(server.port, request(target=target)), 400)


@pytest.mark.parametrize("target", RESOLVED)
def test_a_path_is_answered_as_its_canonical_one(server: LiveServer, target: bytes) -> None:
    answers = [ask(server.port, request(target=path)) for path in (target, RESOLVED[target])]
    assert (answers[0].status, answers[0].body) == (answers[1].status, answers[1].body)
    assert answers[0].headers.get("etag") == answers[1].headers.get("etag")


@pytest.mark.parametrize(
    ("target", "location"),
    [
        (b"/public/..", "/"),
        (b"/public/%2e%2E", "/"),
        (b"/public/x/..", "/public/"),
        (b"/public/x/..?sort=size", "/public/?sort=size"),
        (b"/public//", "/public/"),
        (b"/members/..//public///", "/public/"),
        (b"/no-such-folder//", "/no-such-folder/"),
    ],
)
def test_a_page_whose_links_would_mislead_is_at_its_canonical_path(
    server: LiveServer, target: bytes, location: str
) -> None:
    """Also when the page is in memory."""
    for _ in range(2):
        answer = ask(server.port, request(target=target))
        assert (answer.status, answer.headers["location"]) == (301, location)
        ask(server.port, request(target=location.encode()))


@pytest.mark.parametrize("prefix", [b"/api/ls", b"/api/license"])
@pytest.mark.parametrize("target", [t for t in TRAVERSAL + CONTROL + ENCODING if t.startswith(b"/")])
def test_the_api_finds_nothing_there_either(server: LiveServer, prefix: bytes, target: bytes) -> None:
    assert_refused(ask(server.port, request(target=prefix + target)), 404)


@pytest.mark.parametrize("raw", [b"\x00", b"\x01", b"\x1b", b"\x7f", b"\t", b"\r", b"\n"])
@pytest.mark.parametrize("target", [b"/a%sb", b"/public/?format=%s", b"/api/ls/%s"])
def test_bytes_that_belong_in_no_request_line_are_refused(
    server: LiveServer, target: bytes, raw: bytes
) -> None:
    assert_refused(ask(server.port, request(target=target.replace(b"%s", raw))), 400, 404)


@pytest.mark.parametrize(
    "target",
    [
        b"",
        b" ",
        b"public/a.txt",
        b"../etc/passwd",
        b"/public/a.txt /x",
        b"http://",
        b"http:///public/a.txt",
        b"://x",
        b"?format=json",
        b"#",
        b"test:80",
    ],
)
def test_a_target_without_a_path_is_refused(server: LiveServer, target: bytes) -> None:
    assert_refused(ask(server.port, request(target=target)), 400)


def test_an_absolute_target_is_what_proxies_send(server: LiveServer) -> None:
    answer = ask(server.port, request(target=b"http://other.example/public/a.txt"))
    assert (answer.status, len(answer.body)) == (200, 1000)


@pytest.mark.parametrize("size", [4 << 10, 12 << 10, 16 << 10, 64 << 10, 1 << 20])
@pytest.mark.parametrize("target", [b"/", b"/api/ls/", b"/public/"])
def test_a_path_longer_than_any_trees_is_too_long(server: LiveServer, target: bytes, size: int) -> None:
    assert_refused(ask(server.port, request(target=target + b"a" * (size + 1))), 414)
    assert_refused(ask(server.port, request(target=target + b"%61" * (size + 1))), 414)


def test_a_path_as_long_as_a_path_can_be_is_looked_for(server: LiveServer) -> None:
    assert_refused(ask(server.port, request(target=b"/" + b"a" * 4096)), 404)
    assert_refused(ask(server.port, request(target=b"/" + (b"a" * 255 + b"/") * 16)), 404)
    assert_refused(ask(server.port, request(target=b"/" + b"a/" * 2048)), 404)
    assert_refused(ask(server.port, request(target=b"/" + b"%61" * 4096)), 404)


def test_a_query_without_an_end_is_too_long(server: LiveServer) -> None:
    assert_refused(ask(server.port, request(target=b"/?a=" + b"b" * (64 << 10))), 414)


@pytest.mark.parametrize(
    "query",
    [
        b"format=%ff",
        b"format=pdf",
        b"format=",
        b"format=json&format=text",
        b"format=json%00",
        b"limit=0",
        b"limit=-1",
        b"limit=1e3",
        b"limit=ten",
        b"limit=%c2%b2",
        b"limit=%d9%a1",
        b"limit=99999999999999999999999",
        b"limit=" + b"9" * 5000,
        b"limit=",
        b"limit=1&limit=2",
        b"after=..",
        b"after=a//b",
        b"after=%00",
        b"after=/",
        b"after=sub/b.txt",
        b"after=" + b"a" * 5000,
        b"recursive=yes",
        b"recursive=true&format=html",
        b"recursive=true&after=../x",
        b"recursive=true&limit=0",
        b"&".join(b"x%d=1" % number for number in range(60)) + b"&format=json",
    ],
)
def test_a_parameter_that_is_not_of_its_form_is_named(server: LiveServer, query: bytes) -> None:
    answer = ask(server.port, request(target=b"/public/?" + query))
    assert_refused(answer, 400)
    assert b"must be" in answer.body


@pytest.mark.parametrize(
    "query", [b"", b"&&&", b"=", b"==", b"%", b"%zz=%", b"a;b;c", b"?", b"after=%ff", b"x=" + b"y" * 9000]
)
def test_what_no_parameter_is_made_of_is_ignored(server: LiveServer, query: bytes) -> None:
    assert ask(server.port, request(target=b"/public/?" + query)).status == 200


@pytest.mark.parametrize(
    "query",
    [
        b"",
        b"lic=x",
        b"lic=x&url=/",
        b"lic=x&url=../../etc/passwd",
        b"lic=%ff&url=%ff",
        b"lic=%00&url=%00",
        b"lic=x&url=https://evil.example/",
        b"lic=x&url=eula/x.img",
        b"lic=<script>&url=eula/x.img",
    ],
)
def test_no_licence_is_shown_for_what_is_not_there(server: LiveServer, query: bytes) -> None:
    assert_refused(ask(server.port, request(target=b"/license?" + query)), 404)


@pytest.mark.parametrize(
    "target",
    [
        b"/healthz%2f..%2f",
        b"/%68ealthz/x",
        b"/metrics/../x",
        b"/-/static/..%2f..%2fapp%2fmain.py",
        b"/-/static/../../app/main.py",
        b"/-/static/",
        b"/-/static/%00",
        b"/-/",
        b"/api",
        b"/api/",
        b"/api%2fls/",
        b"/license/x",
    ],
)
def test_nothing_else_is_below_the_servers_own_paths(server: LiveServer, target: bytes) -> None:
    assert_refused(ask(server.port, request(target=target)), 404)


def test_a_byte_of_a_name_that_is_no_text_finds_only_that_name(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    root = tmp_path_factory.mktemp("root")
    (root / "caf\udce9.txt").write_bytes(b"latin")
    (root.parent / "outside.txt").write_bytes(b"outside")
    with live_server(app_for(f"file://{root}")) as directory:
        assert ask(directory.port, request(target=b"/caf%e9.txt")).body == b"latin"
        assert_refused(ask(directory.port, request(target=b"/caf%c3%a9.txt")), 404)
        assert ask(directory.port, request(target=b"/caf\xe9.txt")).body == b"latin"
        for target in TRAVERSAL + ABOVE_ROOT:
            depth = target.replace(b"etc/passwd", b"outside.txt")
            answer = ask(directory.port, request(target=depth))
            assert answer.is_client_error
            assert b"outside" not in answer.body
