"""curl: what build scripts download with."""

from __future__ import annotations

import gzip
import re
import subprocess
from email import message_from_bytes
from email.policy import HTTP
from pathlib import Path

import pytest

from tests.support.programs import run
from tests.support.published_tree import BIG, LICENCE, ODD, PUBLIC, RESTRICTED, SECOND_LICENCE
from tests.support.publishing import Published

HTTP_REFUSED = 22
"""curl's exit status with --fail, for an answer of 400 or above."""

NOTES = PUBLIC["tree/notes.txt"]


def curl(home: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return run("curl", "--silent", "--show-error", *arguments, home=home)


def succeed(home: Path, *arguments: str) -> bytes:
    """The standard output of a curl that must not fail."""
    result = curl(home, "--fail", *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


class TestDownload:
    def test_a_file_comes_whole(self, published: Published, home: Path) -> None:
        succeed(home, "--location", "--remote-name", published.url_of("tree/big.img"))
        assert (home / "big.img").read_bytes() == BIG

    def test_the_name_may_come_from_the_server(self, published: Published, home: Path) -> None:
        succeed(home, "-LOJ", published.url_of("tree/odd/a b"))
        assert (home / "a b").read_bytes() == PUBLIC["tree/odd/a b"]

    def test_every_odd_name_comes_with_its_own_content(self, published: Published, home: Path) -> None:
        wanted = [
            part
            for index, path in enumerate(ODD)
            for part in ("--output", str(index), published.url_of(path))
        ]
        succeed(home, "--location", *wanted)
        assert {path: (home / str(index)).read_bytes() for index, path in enumerate(ODD)} == ODD

    def test_an_empty_file_is_empty(self, published: Published, home: Path) -> None:
        succeed(home, "-LO", published.url_of("tree/empty.txt"))
        assert (home / "empty.txt").read_bytes() == b""

    def test_a_folder_without_its_slash_is_found(self, published: Published, home: Path) -> None:
        listing = succeed(home, "--location", f"{published.url}/tree/nested/one?format=text")
        assert listing == b"two/\nfirst.bin\n"

    def test_the_time_is_kept(self, published: Published, home: Path) -> None:
        headers = succeed(home, "--location", "--head", published.url_of("tree/notes.txt"))
        succeed(home, "-LO", "--remote-time", published.url_of("tree/notes.txt"))
        shown = run("date", "--utc", "--reference=notes.txt", "+%a, %d %b %Y %H:%M:%S GMT", home=home)
        assert f"last-modified: {shown.stdout.decode().strip()}".lower() in headers.decode().lower()


class TestResume:
    def test_only_what_is_missing_is_fetched(self, published: Published, home: Path) -> None:
        here = b"what is here already is not fetched again ".ljust(4_000_001, b"-")
        (home / "big.img").write_bytes(here)
        succeed(home, "-LO", "--continue-at", "-", published.url_of("tree/big.img"))
        assert (home / "big.img").read_bytes() == here + BIG[len(here) :]

    def test_a_broken_download_is_completed(self, published: Published, home: Path) -> None:
        interrupted = curl(home, "-LO", "--max-filesize", "1000000", published.url_of("tree/big.img"))
        assert interrupted.returncode == 63
        (home / "big.img").write_bytes(BIG[:1_000_000])
        succeed(home, "-LO", "--continue-at", "-", published.url_of("tree/big.img"))
        assert (home / "big.img").read_bytes() == BIG


class TestRanges:
    @pytest.mark.parametrize(
        ("wanted", "part"),
        [
            ("0-9", BIG[:10]),
            ("4000000-4999999", BIG[4_000_000:5_000_000]),
            ("-1000", BIG[-1000:]),
            ("9000000-", BIG[9_000_000:]),
        ],
        ids=["first", "middle", "suffix", "rest"],
    )
    def test_one_range(self, published: Published, home: Path, wanted: str, part: bytes) -> None:
        answer = succeed(
            home, "--location", "--range", wanted, "--output", "part", "--write-out", "%{http_code}",
            published.url_of("tree/big.img"),
        )  # fmt: skip
        assert answer == b"206"
        assert (home / "part").read_bytes() == part

    def test_several_ranges(self, published: Published, home: Path) -> None:
        succeed(
            home, "-L", "-r", "0-9,5000000-5000099,-7", "--dump-header", "headers", "--output", "parts",
            published.url_of("tree/big.img"),
        )  # fmt: skip
        field = re.findall(
            rb"(?im)^content-type: (multipart/byteranges.*?)\r$", (home / "headers").read_bytes()
        )
        message = message_from_bytes(
            b"Content-Type: " + field[-1] + b"\r\n\r\n" + (home / "parts").read_bytes(), policy=HTTP
        )
        assert [(part["Content-Range"], part.get_payload(decode=True)) for part in message.iter_parts()] == [
            (f"bytes 0-9/{len(BIG)}", BIG[:10]),
            (f"bytes 5000000-5000099/{len(BIG)}", BIG[5_000_000:5_000_100]),
            (f"bytes {len(BIG) - 7}-{len(BIG) - 1}/{len(BIG)}", BIG[-7:]),
        ]

    def test_a_range_beyond_the_end_is_refused(self, published: Published, home: Path) -> None:
        answer = curl(
            home,
            "-L",
            "-r",
            "99000000-",
            "-o",
            "part",
            "-w",
            "%{http_code}",
            published.url_of("tree/big.img"),
        )
        assert answer.stdout == b"416"


class TestHead:
    def test_it_is_answered_in_full_and_not_redirected(self, published: Published, home: Path) -> None:
        lines = succeed(home, "--head", published.url_of("tree/big.img")).decode().lower().splitlines()
        fields = dict(line.split(": ", 1) for line in lines[1:] if line)
        assert lines[0] == "http/1.1 200 ok"
        assert fields["content-length"] == str(len(BIG))
        assert fields["accept-ranges"] == "bytes"
        assert fields["content-disposition"] == 'attachment; filename="big.img"'
        assert {"etag", "last-modified", "content-type", "cache-control", "vary"} <= fields.keys()

    def test_of_a_licensed_file_is_refused_like_the_file(self, published: Published, home: Path) -> None:
        answer = curl(home, "--fail", "--head", published.url_of("tree/licensed/board.img"))
        assert answer.returncode == HTTP_REFUSED


class TestConditions:
    def test_what_has_not_changed_is_not_sent_again(self, published: Published, home: Path) -> None:
        url = published.url_of("tree/notes.txt")
        succeed(home, "-LO", "--remote-time", url)
        again = succeed(
            home, "-L", "--time-cond", "notes.txt", "-o", "again", "-w", "%{http_code} %{size_download}", url
        )
        assert again == b"304 0"

    def test_what_is_newer_is_sent(self, published: Published, home: Path) -> None:
        url = published.url_of("tree/notes.txt")
        succeed(home, "-L", "--time-cond", "2001-01-01", "--output", "notes", url)
        assert (home / "notes").read_bytes() == NOTES

    def test_an_entity_tag_is_kept_and_compared(self, published: Published, home: Path) -> None:
        url = published.url_of("tree/notes.txt")
        succeed(home, "-L", "--etag-save", "tag", "-o", "notes", url)
        again = succeed(
            home, "-L", "--etag-compare", "tag", "-o", "again", "-w", "%{http_code} %{size_download}", url
        )
        assert re.fullmatch(rb'"[^"]+"\n', (home / "tag").read_bytes())
        assert again == b"304 0"

    def test_another_entity_tag_brings_the_file(self, published: Published, home: Path) -> None:
        (home / "tag").write_text('"of another file"\n')
        url = published.url_of("tree/notes.txt")
        succeed(home, "-L", "--etag-compare", "tag", "--output", "notes", url)
        assert (home / "notes").read_bytes() == NOTES


class TestListing:
    def test_it_may_be_compressed(self, published: Published, home: Path) -> None:
        url = published.url_of("tree/odd/")
        plain = succeed(home, url)
        assert succeed(home, "--compressed", url) == plain
        assert gzip.decompress(succeed(home, "--header", "Accept-Encoding: gzip", url)) == plain

    def test_what_is_published_is_never_compressed_on_its_way(self, published: Published, home: Path) -> None:
        url = published.url_of("tree/notes.txt")
        succeed(home, "-L", "--header", "Accept-Encoding: gzip", "-o", "notes", url)
        assert (home / "notes").read_bytes() == NOTES


class TestLicence:
    def test_it_is_refused_without(self, published: Published, home: Path) -> None:
        answer = curl(home, "-fLO", published.url_of("tree/licensed/board.img"))
        assert answer.returncode == HTTP_REFUSED
        assert not (home / "board.img").exists()

    def test_accepted_by_header(self, published: Published, home: Path) -> None:
        accepted = f"License-Accepted: {LICENCE.digest}"
        succeed(home, "-LO", "--header", accepted, published.url_of("tree/licensed/board.img"))
        assert (home / "board.img").read_bytes() == RESTRICTED["tree/licensed/board.img"]

    def test_one_of_two_is_not_enough(self, published: Published, home: Path) -> None:
        url = published.url_of("tree/licensed/both.img")
        one = curl(home, "-fLO", "-H", f"License-Accepted: {LICENCE.digest}", url)
        assert one.returncode == HTTP_REFUSED
        succeed(home, "-LO", "-H", f"License-Accepted: {LICENCE.digest} {SECOND_LICENCE.digest}", url)
        assert (home / "both.img").read_bytes() == RESTRICTED["tree/licensed/both.img"]

    def test_accepted_by_the_form(self, published: Published, home: Path) -> None:
        """What a browser does, step by step, with nothing but a cookie jar."""
        url = published.url_of("tree/licensed/board.img")
        jar = ("--cookie-jar", "jar", "--cookie", "jar")
        page = succeed(home, "-L", *jar, "-H", "Accept: text/html", url).decode()
        fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
        form = [part for name, value in fields for part in ("--data-urlencode", f"{name}={value}")]
        succeed(home, *jar, *form, "--data", "accept=1", f"{published.url}/license")
        succeed(home, "-LO", *jar, url)
        assert (home / "board.img").read_bytes() == RESTRICTED["tree/licensed/board.img"]


class TestPrivate:
    def test_it_is_refused_to_strangers(self, published: Published, home: Path) -> None:
        answer = curl(home, "-fLO", "-w", "%{http_code}", published.url_of("tree/members/plan.txt"))
        assert (answer.returncode, answer.stdout) == (HTTP_REFUSED, b"401")

    @pytest.mark.usefixtures("netrc")
    @pytest.mark.parametrize("name", ["plan.txt", "preview.img"])
    def test_a_token_may_stand_in_netrc(self, published: Published, home: Path, name: str) -> None:
        succeed(home, "-LO", "--netrc", published.url_of(f"tree/members/{name}"))
        assert (home / name).read_bytes() == RESTRICTED[f"tree/members/{name}"]

    @pytest.mark.usefixtures("netrc")
    def test_it_can_be_resumed(self, published: Published, home: Path) -> None:
        content = RESTRICTED["tree/members/preview.img"]
        here = b"-" * 1_000_003
        (home / "preview.img").write_bytes(here)
        succeed(home, "-LO", "-n", "-C", "-", published.url_of("tree/members/preview.img"))
        assert (home / "preview.img").read_bytes() == here + content[len(here) :]

    def test_a_token_may_be_sent_as_a_header(
        self, published: Published, home: Path, member_token: str
    ) -> None:
        bearer = f"Authorization: Bearer {member_token}"
        succeed(home, "-LO", "--header", bearer, published.url_of("tree/members/plan.txt"))
        assert (home / "plan.txt").read_bytes() == RESTRICTED["tree/members/plan.txt"]
        assert published.s3 is None or not published.s3.seen_from("curl")

    def test_a_wrong_token_is_told_so(self, published: Published, home: Path) -> None:
        answer = curl(home, "-L", "-H", "Authorization: Bearer nonsense", published.url_of("tree/notes.txt"))
        assert b'"status":401' in answer.stdout.replace(b" ", b"")


def test_what_is_not_there_fails(published: Published, home: Path) -> None:
    answer = curl(home, "-fLO", "-w", "%{http_code}", published.url_of("tree/absent.txt"))
    assert (answer.returncode, answer.stdout) == (HTTP_REFUSED, b"404")
    assert not (home / "absent.txt").exists()
