"""`pierhead get` against servers that break off, lie, name odd places and turn it away."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

from tests.support.get_command import Get, getter
from tests.support.rough_server import RoughServer, listing, reply, rough_server, scripted

FILE = "/rel/x.bin"
BODY = b"0123456789" * 500
OTHER = b"abcdefghij" * 600
TAG, OTHER_TAG = '"one"', '"two"'


@pytest.fixture
def get(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Get:
    return getter(tmp_path, capfd, monkeypatch)


def cut(body: bytes, at: int, **fields: str) -> bytes:
    """An answer whose connection closes after some bytes of its body."""
    whole = reply(200, body, **fields)
    return whole[: len(whole) - len(body) + at]


def part(body: bytes, first: int, **fields: str) -> bytes:
    """The rest of a file."""
    return reply(206, body[first:], Content_Range=f"bytes {first}-{len(body) - 1}/{len(body)}", **fields)


def digest(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def entry(url: str, size: int = 1, e_tag: str | None = None, **more: object) -> dict[str, object]:
    return {"name": "x", "type": "file", "size": size, "url": url, "e_tag": e_tag, "locked": False, **more}


FOLDER = "GET /rel/?recursive=true&limit=1000"

# --- broken off, and replaced in between ---------------------------------------------------------------


def test_what_breaks_off_is_continued_from_the_same_file(get: Get) -> None:
    answers = [cut(BODY, 2000, ETag=TAG), part(BODY, 1999, ETag=TAG)[:-1000], part(BODY, 3999, ETag=TAG)]
    with rough_server(scripted({f"GET {FILE}": answers})) as server:
        got = get(server.url + FILE, "--json")
        asked = [(asked.headers.get("range"), asked.headers.get("if-range")) for asked in server.got(FILE)]
    assert (got.status, got.files()) == (0, {"x.bin": BODY})
    assert asked == [(None, None), ("bytes=1999-", TAG), ("bytes=3999-", TAG)]
    assert got.lines["x.bin"]["resumed_at"] == 3999


def test_what_was_replaced_in_between_is_fetched_anew(get: Get) -> None:
    answers = [cut(BODY, 2000, ETag=TAG), reply(200, OTHER, ETag=OTHER_TAG, Repr_Digest=digest(OTHER))]
    with rough_server(scripted({f"GET {FILE}": answers})) as server:
        got = get(server.url + FILE, "--json")
    assert (got.status, got.files()) == (0, {"x.bin": OTHER})
    assert got.lines["x.bin"]["resumed_at"] == 0


@pytest.mark.parametrize(
    "bad",
    [
        part(OTHER, 1999, ETag=OTHER_TAG),
        part(OTHER, 500, ETag=TAG),
        reply(206, BODY[1999:], ETag=TAG),
        reply(206, BODY[1999:], ETag=TAG, Content_Type="multipart/byteranges; boundary=x"),
        reply(416, Content_Range="bytes */5"),
    ],
    ids=["another file's", "another range", "no range", "several ranges", "none"],
)
def test_only_the_rest_of_the_same_file_is_appended(get: Get, bad: bytes) -> None:
    answers = [cut(BODY, 2000, ETag=TAG), bad, reply(200, BODY, ETag=TAG)]
    with rough_server(scripted({f"GET {FILE}": answers})) as server:
        got = get(server.url + FILE)
    assert (got.status, got.files()) == (0, {"x.bin": BODY})


@pytest.mark.parametrize("tag", ["", 'W/"weak"'])
def test_without_a_strong_validator_nothing_is_continued(get: Get, tag: str) -> None:
    answers = [cut(BODY, 2000, ETag=tag), reply(200, BODY, ETag=tag)]
    with rough_server(scripted({f"GET {FILE}": answers})) as server:
        got = get(server.url + FILE)
        assert all("range" not in asked.headers for asked in server.got(FILE))
    assert (got.status, got.files()) == (0, {"x.bin": BODY})


def test_parts_of_two_files_with_one_validator_are_found_by_the_digest(get: Get) -> None:
    answers = [
        cut(BODY[::-1], 2000, ETag=TAG),
        part(BODY, 1999, ETag=TAG, Repr_Digest=digest(BODY)),
        reply(200, BODY, ETag=TAG, Repr_Digest=digest(BODY)),
    ]
    with rough_server(scripted({f"GET {FILE}": answers})) as server:
        got = get(server.url + FILE)
    assert (got.status, got.files()) == (0, {"x.bin": BODY})


def test_a_part_is_kept_for_the_next_time(get: Get) -> None:
    with rough_server(
        scripted({f"GET {FILE}": [cut(BODY, 2000, ETag=TAG), reply(503, Retry_After="999999")]})
    ) as server:
        got = get(server.url + FILE)
    assert got.status == 1
    assert got.files()["x.bin.pierhead.part"] == BODY[:2000]
    assert "x.bin" not in got.files()


# --- lies ----------------------------------------------------------------------------------------------


def test_a_file_that_is_not_as_long_as_it_was_listed_is_refused(get: Get) -> None:
    script = {FOLDER: [listing(entry(FILE, 9999, "one"))], f"GET {FILE}": [reply(200, BODY, ETag=TAG)]}
    with rough_server(scripted(script)) as server:
        got = get(f"{server.url}/rel/")
    assert (got.status, got.files()) == (6, {})
    assert "9999" in got.errors


@pytest.mark.parametrize("field", [{"digests": {"sha-256": "00" * 32}}, {"sha256": "00" * 32}])
def test_a_listed_digest_counts_for_the_file_that_was_listed(get: Get, field: dict[str, object]) -> None:
    script = {
        FOLDER: [listing(entry(FILE, len(BODY), "one", **field))],
        f"GET {FILE}": [reply(200, BODY, ETag=TAG)],
    }
    with rough_server(scripted(script)) as server:
        assert get(f"{server.url}/rel/").status == 6
    script[f"GET {FILE}"] = [reply(200, OTHER, ETag=OTHER_TAG)]  # replaced since
    with rough_server(scripted(script)) as server:
        got = get(f"{server.url}/rel/")
    assert (got.status, got.files()) == (0, {"x.bin": OTHER})


@pytest.mark.parametrize(
    "field",
    ["", "nonsense", "sha-256=::", "sha-256=:!!!!:", "unknown=:AAAA:", "sha-256=1", "crc32c=:AAAAAA==:"],
)
def test_digests_that_cannot_be_checked_are_none(get: Get, field: str) -> None:
    with rough_server(scripted({f"GET {FILE}": [reply(200, BODY, Repr_Digest=field)]})) as server:
        got = get(server.url + FILE, "--json")
    if field == "sha-256=::":
        assert got.status == 6
    else:
        assert (got.status, got.lines["x.bin"]["checked_by"]) == (0, None)


def test_a_licence_text_that_has_another_digest_is_not_shown(get: Get) -> None:
    problem = {
        "type": "urn:pierhead:problem:licence-required",
        "licences": [
            {"name": "n", "digest": "0" * 32, "sha256": "0" * 64, "text_url": "http://x/license?lic=0"}
        ],
    }
    refusal = reply(403, json.dumps(problem).encode(), Content_Type="application/problem+json")
    texts = reply(
        200, json.dumps({"licenses": [{"text": "Pay us."}]}).encode(), Content_Type="application/json"
    )
    script = {f"GET {FILE}": [refusal], f"GET /api/license{FILE}": [texts]}
    with rough_server(scripted(script)) as server:
        got = get(server.url + FILE, "--show-licence")
    assert got.status == 6
    assert "Pay us." not in got.output


# --- names that lead elsewhere -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "/rel/../../x",
        "/rel/..%2f..%2fx",
        "/rel/%2e%2e/x",
        "/other/x",
        "/rel",
        "/rel/",
        "/etc/passwd",
        "x",
        "",
        "http://evil.example/rel/x",
        "//evil.example/rel/x",
        "/rel/a%00b",
        "/rel/a%0ab",
        "/rel/a%1b[2J",
        "/rel/" + "x" * 256,
        "/rel/x.pierhead.part",
        "/rel/x.pierhead.etag",
        "/rel/ü",
        "/rel/%zz",
    ],
)
def test_no_name_of_a_listing_leads_out_of_the_directory(get: Get, tmp_path: Path, url: str) -> None:
    script = scripted({FOLDER: [listing(entry(url))]})
    before = sorted(tmp_path.rglob("*"))
    with rough_server(
        lambda asked: script(asked) if asked.target[:6] == "/rel/?" else reply(200, b"!")
    ) as server:
        got = get(f"{server.url}/rel/")
    assert got.status == 1
    assert got.files() == {}
    assert sorted(tmp_path.rglob("*")) == sorted([*before, got.directory])
    assert "\x1b" not in got.errors


@pytest.mark.parametrize(
    "location", ["/rel/..%2fx", "http://evil.example/y.bin", "/../../../y.bin", "/rel/", ""]
)
def test_no_wildcard_names_a_file_elsewhere(get: Get, tmp_path: Path, location: str) -> None:
    with rough_server(scripted({"GET /rel/*.bin": [reply(200, BODY, Content_Location=location)]})) as server:
        got = get(f"{server.url}/rel/*.bin")
    assert set(got.files()) <= {"*.bin", "y.bin"}
    assert {path.name for path in tmp_path.iterdir()} <= {"out"}


def test_a_listing_goes_on_at_the_same_server_only(get: Get) -> None:
    with rough_server(lambda _: listing(entry("/rel/stolen")), "127.0.0.2") as other:
        page = listing(Link=f'<{other.url}/rel/?after=x>; rel="next"')
        with rough_server(scripted({FOLDER: [page]})) as server:
            got = get(f"{server.url}/rel/")
    assert got.status == 1
    assert other.asked == []


# --- turned away ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("media_type", ["text/html", "application/problem+json"])
def test_a_refusal_is_final(get: Get, status: int, media_type: str) -> None:
    refusal = reply(status, b"{broken", Content_Type=media_type)
    with rough_server(scripted({FOLDER: [refusal], f"GET {FILE}": [refusal]})) as server:
        assert get(server.url + FILE).status == 5
        assert get(f"{server.url}/rel/").status == 5
        assert len(server.got(FOLDER[4:])) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again_when_the_server_says(get: Get, status: int) -> None:
    later = reply(status, Retry_After="0")
    script = {
        FOLDER: [later, listing(entry(FILE, len(BODY)))],
        f"GET {FILE}": [later, later, reply(200, BODY)],
    }
    with rough_server(scripted(script)) as server:
        got = get(f"{server.url}/rel/", "--retries", "2")
    assert (got.status, got.files()) == (0, {"x.bin": BODY})


@pytest.mark.parametrize(
    ("after", "requests"), [("0", 4), ("86400", 1), ("Fri, 01 Jan 2100 00:00:00 GMT", 1)]
)
def test_its_patience_has_an_end(get: Get, after: str, requests: int) -> None:
    with rough_server(lambda _: reply(429, Retry_After=after)) as server:
        got = get(server.url + FILE, "--retries", "3")
        assert len(server.asked) == requests
    assert got.status == 1


def test_one_file_that_fails_keeps_no_other_from_arriving(get: Get) -> None:
    lines = listing(entry("/rel/gone"), entry("/rel/secret"), entry(FILE, len(BODY)), {"left_out": 2})
    script = {FOLDER: [lines], f"GET {FILE}": [reply(200, BODY)], "GET /rel/secret": [reply(403)]}
    with rough_server(scripted(script)) as server:
        got = get(f"{server.url}/rel/", "--json")
    assert (got.status, got.files()) == (5, {"x.bin": BODY})
    assert {path: line["status"] for path, line in got.lines.items()} == {
        "gone": "failed",
        "secret": "failed",
        "x.bin": "fetched",
        "": "failed",
    }


@pytest.mark.parametrize(
    "page",
    [
        reply(200, b"<!DOCTYPE html>", Content_Type="text/html"),
        reply(200, b"{broken", Content_Type="application/x-ndjson"),
        reply(204),
        reply(302, Location="/rel/?recursive=true&limit=1000"),
        reply(302, Location="ftp://127.0.0.1/"),
        b"not http\r\n\r\n",
    ],
    ids=["page", "no json", "no content", "loop", "no http", "nonsense"],
)
def test_what_is_no_pierhead_is_said_to_be_none(get: Get, page: bytes) -> None:
    with rough_server(lambda _: page) as server:
        got = get(f"{server.url}/rel/", "--retries", "0")
    assert (got.status, got.files()) == (1, {})
    assert got.errors.startswith("pierhead: ")


def test_what_a_server_says_cannot_control_the_terminal(get: Get) -> None:
    problem = reply(
        404, json.dumps({"detail": "gone \x1b]0;x\x07\n\r"}).encode(), Content_Type="application/problem+json"
    )
    with rough_server(lambda _: problem) as server:
        got = get(server.url + FILE)
    assert got.status == 3
    assert not {"\x1b", "\x07", "\r"} & set(got.errors)
    assert got.errors.count("\n") == 1


# --- other servers -------------------------------------------------------------------------------------


def sent_to(server: RoughServer) -> set[str]:
    return {name for asked in server.asked for name in asked.headers}


def test_a_token_stays_with_the_server_that_the_user_named(
    get: Get, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIERHEAD_TOKEN", "secret-token")
    (tmp_path / ".netrc").write_text("machine 127.0.0.2 login a password other-secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    with rough_server(lambda _: reply(200, BODY, Set_Cookie="a=b"), "127.0.0.2") as other:
        there = reply(302, Location=f"{other.url}/signed", Set_Cookie="c=d", Repr_Digest=digest(BODY))
        with rough_server(scripted({f"GET {FILE}": [there]})) as server:
            got = get(server.url + FILE, "--json")
            assert {asked.headers["authorization"] for asked in server.asked} == {"Bearer secret-token"}
    assert got.lines["x.bin"]["checked_by"] == "sha-256"
    assert other.asked
    assert not {"authorization", "cookie", "license-accepted"} & sent_to(other)


def test_another_port_is_another_server(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIERHEAD_TOKEN", "secret-token")
    with (
        rough_server(lambda _: reply(200, BODY)) as other,
        rough_server(lambda _: reply(307, Location=f"{other.url}/x")) as server,
    ):
        assert get(server.url + FILE).status == 0
    assert "authorization" not in sent_to(other)
