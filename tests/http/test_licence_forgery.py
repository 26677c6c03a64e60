"""The licence form against those who would accept for others, or lead them elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.cookies import Morsel, SimpleCookie

import httpx
import pytest

from app.auth.forms import FORM_COOKIE, FORM_SECONDS, issue_form_token
from app.auth.keys import KeyRing
from app.auth.licences import ACCEPTANCE_COOKIE
from tests.support.answers import BROWSER, problem
from tests.support.licence_form import LicenceForm, leads_to, open_form
from tests.support.live_server import SECRET
from tests.support.site_trees import MemoryTree, client_of, http_client

HTTPS = {"X-Forwarded-Proto": "https"}


def licensed_tree() -> MemoryTree:
    tree = MemoryTree()
    tree.put("lic/EULA.txt", b"Be nice.")
    tree.put("lic/x.img", b"content")
    tree.put("open/x.img", b"content")
    return tree


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with client_of(licensed_tree().app()) as client:
        yield str(client.base_url)


@pytest.fixture
def browser(url: str) -> Iterator[httpx.Client]:
    """A browser that has not been here before."""
    with http_client(url, headers=BROWSER) as client:
        yield client


@pytest.fixture
def form(browser: httpx.Client) -> LicenceForm:
    """What that browser was shown."""
    return open_form(browser, "/lic/x.img")


def assert_refused(answer: httpx.Response, *, status: int = 403) -> None:
    assert answer.status_code == status
    assert "set-cookie" not in answer.headers
    assert "location" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


def test_without_the_cookie_of_the_page_a_form_is_refused(url: str, form: LicenceForm) -> None:
    with http_client(url) as other:
        assert_refused(form.send(other))
        assert problem(other.post(form.action, data=form.fields | {"accept": "1"})) == (403, "form-refused")


def test_the_form_of_one_browser_is_refused_from_another(url: str, form: LicenceForm) -> None:
    with http_client(url) as other:
        open_form(other, "/lic/x.img")
        assert_refused(form.send(other))


@pytest.mark.parametrize(
    "value", ["", "x", "0" * 32, "\u00fc" * 32, '"\\012Set-Cookie: a=b"', "a" * 31, "a" * 5000]
)
def test_a_nonce_of_ones_own_making_is_refused(browser: httpx.Client, form: LicenceForm, value: str) -> None:
    sent_there = browser.get("/lic/x.img").headers["location"]
    with http_client(
        str(browser.base_url), headers=[(b"Cookie", f"{FORM_COOKIE}={value}".encode())]
    ) as forger:
        assert_refused(form.send(forger))
        page = forger.get(sent_there)
    assert page.status_code == 200
    assert page.headers["set-cookie"].startswith(f"{FORM_COOKIE}=")
    assert "a=b" not in page.headers["set-cookie"]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_site_sends_is_refused(browser: httpx.Client, form: LicenceForm, site: str) -> None:
    answer = browser.post(form.action, data=form.fields | {"accept": "1"}, headers={"Sec-Fetch-Site": site})
    assert_refused(answer)


def test_a_browser_that_says_nothing_of_the_origin_is_believed_by_its_cookie(
    browser: httpx.Client, form: LicenceForm
) -> None:
    assert leads_to(browser.post(form.action, data=form.fields | {"accept": "1"})) == "/lic/x.img"


def test_a_tampered_or_stale_form_is_refused(browser: httpx.Client, form: LicenceForm) -> None:
    value = form.fields["form_token"]
    assert_refused(form.send(browser, form_token=value[:-3] + "AAA"))
    assert_refused(form.send(browser, form_token=""))
    assert_refused(form.send(browser, form_token="ü"))
    nonce = browser.cookies[FORM_COOKIE]
    stale = issue_form_token(KeyRing([SECRET]), nonce, time.time() - FORM_SECONDS - 1)
    assert_refused(form.send(browser, form_token=stale))
    foreign = issue_form_token(KeyRing(["x" * 40]), nonce, time.time())
    assert_refused(form.send(browser, form_token=foreign))


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/x.img", "https://evil.example/x.img", "/\\evil.example/x.img", "\\\\evil.example", "///evil",
        "/%2F/evil.example", "/%5Cevil.example/", "/lic/../x.img", "/lic/%2e%2e/x.img", "javascript:alert(1)", "",
        "data:text/html,x", "/lic/x.img%00", "/lic/x.img\r\nLocation: https://evil.example", "/none", "/lic/", "/ü",
        "/open/x.img", "lic/x.img", "/lic/%zz", "/" + "a" * 5000,
    ],
)  # fmt: skip
def test_the_way_back_never_leads_off_the_site(browser: httpx.Client, form: LicenceForm, path: str) -> None:
    answer = form.send(browser, path=path)
    assert 400 <= answer.status_code < 500
    assert_refused(answer, status=answer.status_code)
    assert "evil" not in answer.text


@pytest.mark.parametrize("digest", ["", "0" * 32, "ü", "x" * 9999])
def test_only_a_licence_of_that_file_can_be_accepted(
    browser: httpx.Client, form: LicenceForm, digest: str
) -> None:
    assert_refused(form.send(browser, digest=digest), status=404)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", b"accept=1"),
        ("application/json", b"{}"),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("application/x-www-form-urlencoded", b"a=" + b"x" * 17_000),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(30))),
        ("application/x-www-form-urlencoded", b"a=%ff"),
        ("application/x-www-form-urlencoded", b"\xff"),
    ],
)
def test_what_is_no_such_form_is_refused(browser: httpx.Client, content_type: str, body: bytes) -> None:
    answer = browser.post("/license", content=body, headers={"Content-Type": content_type})
    assert_refused(answer, status=400)


def cookie_of(answer: httpx.Response, name: str) -> Morsel[str]:
    jar = SimpleCookie()
    for line in answer.headers.get_list("set-cookie"):
        jar.load(line)
    morsel: Morsel[str] = jar[name]
    return morsel


def test_cookies_are_kept_from_scripts_and_other_sites_for_a_day(
    browser: httpx.Client, form: LicenceForm
) -> None:
    acceptance = cookie_of(form.send(browser), ACCEPTANCE_COOKIE)
    assert (acceptance["httponly"], acceptance["samesite"]) == (True, "lax")
    assert (acceptance["max-age"], acceptance["path"], acceptance["domain"]) == ("86400", "/", "")
    page = browser.get("/lic/x.img", headers={"Cookie": ""})
    nonce = cookie_of(browser.get(page.headers["location"]), FORM_COOKIE)
    assert (nonce["httponly"], nonce["samesite"], nonce["path"]) == (True, "strict", "/license")
    assert nonce["secure"] == acceptance["secure"] == ""  # this server is asked by plain HTTP


@pytest.mark.parametrize(
    ("proxies", "is_secure"), [((), False), (("127.0.0.1",), True), (("10.0.0.1",), False)]
)
def test_cookies_are_for_https_alone_where_a_proxy_of_ours_says_so(
    proxies: tuple[str, ...], is_secure: bool
) -> None:
    with client_of(licensed_tree().app(trusted_proxies=proxies), headers=BROWSER | HTTPS) as client:
        page = client.get(client.get("/lic/x.img").headers["location"])
        nonce = cookie_of(page, FORM_COOKIE)
        client.cookies = httpx.Cookies({FORM_COOKIE: nonce.value})
        acceptance = cookie_of(open_form(client, "/lic/x.img").send(client), ACCEPTANCE_COOKIE)
    assert (bool(nonce["secure"]), bool(acceptance["secure"])) == (is_secure, is_secure)


def test_a_host_that_is_claimed_is_never_led_to(browser: httpx.Client) -> None:
    claims = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    for path in ("/lic/x.img", "/lic", "/"):
        answer = browser.get(path, headers=claims)
        assert "evil.example" not in answer.text + str(answer.headers)


@pytest.mark.parametrize(
    "target", ["https://evil.example/x", "//evil.example", "data:text/html,evil.example", "/lic/x.img"]
)
def test_no_link_makes_a_page_lead_elsewhere(browser: httpx.Client, target: str) -> None:
    plain = browser.get("/lic/")
    page = browser.get("/lic/", params={"dl": target, "next": target, "url": target})
    assert page.content == plain.content
    assert "refresh" not in page.text
    slash = browser.get("/lic", params={"dl": target})
    assert slash.headers["location"] == f"/lic/?{httpx.QueryParams({'dl': target})}"
