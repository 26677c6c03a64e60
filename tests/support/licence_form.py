"""A browser at a licence page: what it reads there and what it sends."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import NamedTuple

import httpx

from tests.support.answers import BROWSER


class LicenceForm(NamedTuple):
    """Attributes:
    text: the licence as it is shown.
    fields: the form's hidden fields.
    action: where it is sent.
    """

    text: str
    fields: dict[str, str]
    action: str

    def send(self, client: httpx.Client, choice: str = "accept", **changed: str) -> httpx.Response:
        """Press a button.

        Args:
            choice: `accept` or `reject`.
            changed: fields that are not as the page had them.
        """
        data = self.fields | changed | {choice: "1"}
        return client.post(self.action, data=data, headers=BROWSER | {"Sec-Fetch-Site": "same-origin"})


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.fields: dict[str, str] = {}
        self.action = ""
        self._in_text = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "input":
            self.fields[values["name"]] = values.get("value", "")
        elif tag == "form":
            self.action = values["action"]
        self._in_text = self._in_text or tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        self._in_text = self._in_text and tag != "pre"

    def handle_data(self, data: str) -> None:
        self.text += data if self._in_text else ""


def read_form(answer: httpx.Response) -> LicenceForm:
    """Read a licence page.

    Raises:
        AssertionError: it is none.
    """
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    reader = _Reader()
    reader.feed(answer.text)
    assert reader.action, "no form"
    return LicenceForm(reader.text.strip(), reader.fields, reader.action)


def open_form(client: httpx.Client, path: str) -> LicenceForm:
    """Ask for a file as a browser does and follow the redirect to its licence."""
    sent_there = client.get(path, headers=BROWSER)
    assert sent_there.status_code == 302
    return read_form(client.get(sent_there.headers["location"], headers=BROWSER))


def leads_to(page: httpx.Response) -> str:
    """Where the page that follows an accepted licence leads by itself."""
    assert page.status_code == 200
    refresh = re.search(r'http-equiv="refresh" content="0; url=([^"]*)"', page.text)
    assert refresh
    return refresh[1].replace("&amp;", "&").replace("&#39;", "'")
