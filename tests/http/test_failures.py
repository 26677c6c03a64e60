"""When the server or its storage fails: what is told, to whom, and what is not."""

from __future__ import annotations

import pytest

from app.domain.errors import StoreDenied, StoreUnavailable
from tests.support.answers import BROWSER, SCRIPT, problem
from tests.support.served_store import Site

SLIP = "a slip at /home/somebody/secret-place"


def planted(site: Site) -> Site:
    site.store.put("d/f", b"content")
    site.store.put("other/f", b"content")
    return site


@pytest.mark.parametrize("accept", [BROWSER, SCRIPT])
@pytest.mark.parametrize("path", ["/d/", "/d/f", "/api/ls/d/", "/api/license/d/f", "/d/?recursive=true"])
def test_a_slip_of_the_program_tells_nothing_of_its_inside(
    site: Site, path: str, accept: dict[str, str]
) -> None:
    planted(site).store.fail_on("list", RuntimeError(SLIP), path="d/")
    answer = site.http.get(path, headers=accept)
    is_page = answer.headers["content-type"].startswith("text/html")
    assert (answer.status_code, is_page) == (500, accept == BROWSER)
    assert accept == BROWSER or problem(answer) == (500, "internal-error")
    for inside in ("secret-place", "Traceback", "RuntimeError", ".py", "app/"):
        assert inside not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert site.http.get("/other/f").content == b"content"  # and the server goes on


@pytest.mark.parametrize("accept", [BROWSER, SCRIPT])
@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [(StoreUnavailable("throttled"), 503, "5"), (StoreDenied(), 502, None)],
)
def test_a_store_that_fails_is_told_in_the_form_that_was_asked_for(
    site: Site, error: Exception, status: int, retry_after: str | None, accept: dict[str, str]
) -> None:
    planted(site).store.fail_on("list", error)
    for path in ("/d/", "/d/f", "/", "/d"):
        answer = site.http.get(path, headers=accept)
        assert answer.status_code == status
        assert answer.headers.get("retry-after") == retry_after
        expected = "text/html" if accept is BROWSER else "application/problem+json"
        assert answer.headers["content-type"].startswith(expected)


def test_an_absent_folder_and_a_store_that_fails_are_two_things(site: Site) -> None:
    planted(site)
    assert site.http.get("/none/").status_code == 404
    site.store.fail_on("list", StoreUnavailable("timeout"), path="none/")
    assert site.http.get("/none/").status_code == 503
    site.store.fail_on("list", StoreDenied(), path="none/")
    assert site.http.get("/none/").status_code == 502


@pytest.mark.parametrize(
    "path", ["/get-textile-files", "/get-textile-files?path=d/", "/accept-license", "/reports/"]
)
def test_addresses_of_older_servers_are_ordinary_paths(site: Site, path: str) -> None:
    assert problem(planted(site).http.get(path)) == (404, "not-found")


def test_files_of_older_sites_break_no_page(site: Site) -> None:
    planted(site)
    names = (
        "HEADER.html", "HEADER.textile", "HOWTO_install.txt", "README.textile", "source-manifest-ann.xml",
        "testplan.textile",
    )  # fmt: skip
    for name in names:
        site.store.put(f"d/{name}", b'<script>alert(1)</script><linaro:include file="BUILD-INFO.txt" />\xff')
    page = site.http.get("/d/", headers=BROWSER)
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert site.http.get("/d/?format=text").text.split() == ["f", *names]


@pytest.mark.parametrize(
    ("path", "headers", "line"),
    [
        ("/eula/f.img", SCRIPT, "403 Licence required"),
        ("/members/f", SCRIPT, "401 Login required"),
        ("/members/f", BROWSER, "401 Login required"),
        ("/none", SCRIPT, "404 Not found"),
        ("/d/?limit=0", SCRIPT, "400 Bad request"),
        ("/d/", SCRIPT, "200 OK"),
    ],
)
def test_the_reason_phrase_says_what_is_missing(
    site: Site, path: str, headers: dict[str, str], line: str
) -> None:
    planted(site)
    site.store.put("eula/f.img", b"x")
    site.store.put("eula/EULA.txt", b"The terms.")
    site.store.put("members/f", b"x")
    site.store.put("members/BUILD-INFO.txt", b"Format-Version: 0.5\n\nFiles-Pattern: *\nAuth-Groups: team\n")
    answer = site.http.get(path, headers=headers)
    assert f"{answer.status_code} {answer.reason_phrase}" == line
