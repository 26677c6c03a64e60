"""S3 hangs, refuses, breaks off or is overloaded: what is cold fails clearly, what is warm does not notice.

Nothing here is timed: how long a call may take is shown in virtual time, with `CallLimiter` and `ListingCache`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx
import pytest

from app.storage.s3.call_limits import DEFAULT_LIMITS
from tests.support.aws import S3Endpoint, point_aws_at
from tests.support.fake_s3 import Answer, Request, hang, reset, status
from tests.support.live_server import app_for
from tests.support.patience import Patience, be_patient_with_s3
from tests.support.raw_http import RawAnswer, request
from tests.support.site_trees import client_of
from tests.support.stampede import stampede
from tests.support.switched_s3 import BUCKET, SwitchedS3, operation_of, run_switched_s3
from tests.support.waiting import wait_until

FOLDERS = 200
MOST_PROBES = 20
"""One is made every few seconds. On a slow machine the answers to everybody may take that often as long."""

OBJECTS = {f"f{number}/app.bin": b"bytes" for number in range(FOLDERS)} | {
    "ruled/BUILD-INFO.txt": b"Format-Version: 0.5\n\nFiles-Pattern: *\nBuild-Name: b\nLicense-Type: open\n",
    "ruled/app.bin": b"bytes",
}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[SwitchedS3]:
    with run_switched_s3(OBJECTS) as s3:
        point_aws_at(monkeypatch, S3Endpoint(s3.url))
        yield s3


@pytest.fixture
def patience(s3: SwitchedS3, monkeypatch: pytest.MonkeyPatch) -> Patience:
    return be_patient_with_s3(monkeypatch)


@contextmanager
def site_over_s3(*, ttl: int = 60, grace: int = 240) -> Iterator[httpx.Client]:
    app = app_for(
        f"s3://{BUCKET}",
        delivery="proxy",
        log_level="warning",
        cache_ttl=ttl,
        cache_grace=grace,
        cache_max_stale=86400,
    )
    with client_of(app) as http:
        yield http


@pytest.fixture
def site(s3: SwitchedS3, patience: Patience) -> Iterator[httpx.Client]:
    with site_over_s3() as site:
        yield site


def all_at_once(site: httpx.Client, targets: Sequence[bytes]) -> list[RawAnswer]:
    return stampede(site.base_url.port or 0, [request(target=target) for target in targets])


def assert_refused(answer: RawAnswer, reasons: set[str]) -> None:
    assert answer.status == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    assert any(f'"reason":"{reason}"'.encode() in answer.body for reason in reasons), answer.body


STANDS_IN = "pierhead; hit; detail=stale"
COLD = [b"/ruled/", b"/f1/", b"/f2/app.bin", b"/api/ls/f3/"]


@pytest.mark.parametrize(
    ("failing", "reason"),
    [
        (hang, "timeout"),
        (reset, "connection"),
        (status(503, "SlowDown"), "throttled"),
        (status(500, "InternalError"), "server-error"),
    ],
    ids=["hang", "reset", "throttled", "broken"],
)
def test_what_is_cold_is_refused(
    s3: SwitchedS3, patience: Patience, site: httpx.Client, failing: Answer, reason: str
) -> None:
    s3.answer(failing)
    if failing is hang:
        patience.run_out()
    answers = all_at_once(site, COLD)
    for answer in answers:
        # Each folder is asked for twice: in itself, and for its own entry. So the circuit may have opened.
        assert_refused(answer, {reason, "circuit-open"} if failing is hang else {reason})


def test_what_is_cold_is_refused_where_nobody_listens(s3: SwitchedS3, site: httpx.Client) -> None:
    s3.refuse()
    answers = all_at_once(site, COLD)
    for answer in answers:
        assert_refused(answer, {"connection"})


@pytest.mark.parametrize(
    ("operation", "earlier", "target"), [("get", 2, b"/ruled/"), ("head", 3, b"/ruled/app.bin")]
)
def test_a_store_that_hangs_half_way_is_given_up(
    s3: SwitchedS3, patience: Patience, site: httpx.Client, operation: str, earlier: int, target: bytes
) -> None:
    async def count(seen: Request, writer: asyncio.StreamWriter) -> None:
        if len(s3.requests) == earlier:
            patience.run_out()
        await s3.serve(seen, writer)

    s3.answer_each(**{"list": count, "get": count, operation: hang})
    (answer,) = all_at_once(site, [target])
    assert_refused(answer, {"timeout"})
    assert {operation_of(seen) for seen in s3.requests} >= {"list", operation}


def test_many_who_ask_are_let_in_a_few_at_a_time(s3: SwitchedS3, site: httpx.Client) -> None:
    is_full = asyncio.Event()

    async def answer(seen: Request, writer: asyncio.StreamWriter) -> None:
        if s3.most_under_way >= DEFAULT_LIMITS.in_flight:
            is_full.set()
        await is_full.wait()
        await s3.serve(seen, writer)

    s3.answer(answer)
    answers = all_at_once(site, [f"/f{n}/".encode() for n in range(DEFAULT_LIMITS.in_flight + 8)])
    assert {answer.status for answer in answers} == {200}
    assert s3.most_under_way == DEFAULT_LIMITS.in_flight


def test_many_who_ask_a_hanging_store_are_all_answered_and_it_is_not_crushed(
    s3: SwitchedS3, patience: Patience, site: httpx.Client
) -> None:
    s3.answer(hang)
    patience.run_out()
    answers = all_at_once(site, [f"/f{n}/".encode() for n in range(FOLDERS)])
    for answer in answers:
        assert_refused(answer, {"timeout", "too-many-calls", "circuit-open"})
    # A few are let in when the first have failed and before the circuit opens; and S3 learns a moment later
    # that a client has gone.
    most = DEFAULT_LIMITS.in_flight + DEFAULT_LIMITS.breaker_failures + 1  # and the probe
    assert s3.most_under_way <= most
    assert wait_until(lambda: site.get("/f0/").json()["reason"] == "circuit-open")
    # However many ask again now, nobody waits, and only probes are sent.
    before = len(s3.requests)
    for answer in all_at_once(site, [f"/f{n}/".encode() for n in range(FOLDERS)]):
        assert answer.status == 503
    assert len(s3.requests) - before <= MOST_PROBES
    refusal = site.get("/ruled/")
    assert (refusal.status_code, refusal.json()["reason"]) == (503, "circuit-open")
    assert not [seen for seen in s3.requests if "prefix=ruled" in seen.target]


def test_the_store_is_left_alone_and_found_again(s3: SwitchedS3, site: httpx.Client) -> None:
    s3.answer(status(500, "InternalError"))
    for number in range(DEFAULT_LIMITS.breaker_failures):
        assert site.get(f"/f{number}/").json()["reason"] == "server-error"
    for number in range(20):
        assert site.get(f"/f{number}/").json()["reason"] == "circuit-open"
    # Probes, which are of no folder, may come at any time.
    asked_for = [seen.target for seen in s3.requests if "prefix=f" in seen.target]
    assert len(asked_for) == 2 * DEFAULT_LIMITS.breaker_failures  # a folder and its own entry
    s3.well()
    assert wait_until(lambda: site.get("/ruled/app.bin").content == b"bytes")
    for number in range(20):
        assert site.get(f"/f{number}/").status_code == 200


def test_after_a_refusal_connections_are_made_again(s3: SwitchedS3, site: httpx.Client) -> None:
    assert site.get("/f1/").status_code == 200
    s3.refuse()
    assert site.get("/f2/").status_code == 503
    s3.well()
    assert site.get("/f2/").status_code == 200


@pytest.mark.parametrize("failing", [hang, reset, None], ids=["hang", "reset", "refuse"])
def test_what_is_warm_does_not_notice(s3: SwitchedS3, patience: Patience, failing: Answer | None) -> None:
    ttl, grace = 1, 1
    with site_over_s3(ttl=ttl, grace=grace) as site:
        before = {url: site.get(url) for url in ("/ruled/", "/f1/?format=json", "/f2/?format=text")}
        if failing is None:
            s3.refuse()
        else:
            s3.answer(failing)
        patience.run_out()

        def all_stand_in_past_the_grace() -> bool:
            answers = {url: site.get(url) for url in before}
            for url, answer in answers.items():
                assert (answer.status_code, answer.content) == (200, before[url].content)
                assert answer.headers["etag"] == before[url].headers["etag"]
            return all(
                int(answer.headers["age"]) > ttl + grace and answer.headers.get("cache-status") == STANDS_IN
                for answer in answers.values()
            )

        assert wait_until(all_stand_in_past_the_grace)
        patience.come_back()
        s3.well()
        assert wait_until(lambda: "cache-status" not in site.get("/ruled/").headers)


@pytest.mark.parametrize(
    ("failing", "attempts"),
    [
        (status(503, "SlowDown"), 3),
        (status(429, "TooManyRequests"), 3),
        (reset, 3),
        (status(500, "InternalError"), 1),
        (status(403, "AccessDenied"), 1),
        (status(404, "NoSuchBucket"), 1),
        (hang, 1),
    ],
    ids=["slow-down", "too-many", "reset", "broken", "denied", "no-bucket", "hang"],
)
def test_only_throttling_and_lost_connections_are_tried_again(
    s3: SwitchedS3, patience: Patience, site: httpx.Client, failing: Answer, attempts: int
) -> None:
    s3.answer(failing)
    if failing is hang:
        patience.run_out()
    assert site.get("/f1/").status_code in (502, 503)
    assert {operation_of(seen) for seen in s3.requests} == {"list"}
    # The folder and its own entry are asked for at once. The HTTP client sends a request once more by itself when
    # its connection breaks (RFC 9112 section 9.3.1).
    calls = 2 * attempts
    assert calls <= len(s3.requests) <= (2 * calls if failing is reset else calls)


def test_a_call_that_is_throttled_once_succeeds_unnoticed(s3: SwitchedS3, site: httpx.Client) -> None:
    left = [None]

    async def once(seen: Request, writer: asyncio.StreamWriter) -> None:
        await (status(503, "SlowDown") if left and not left.pop() else s3.serve)(seen, writer)

    s3.answer(once)
    assert site.get("/ruled/").status_code == 200
    assert [operation_of(seen) for seen in s3.requests] == ["list", "list", "list", "get"]
