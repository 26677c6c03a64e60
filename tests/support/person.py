"""A person at a browser: keeps cookies, follows links and redirects, and comes back from the provider."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urljoin

import httpx

from tests.support.answers import BROWSER
from tests.support.site_trees import http_client

MAX_REDIRECTS = 10


class Person:
    """Attributes:
    client: whose cookies are this person's.
    """

    def __init__(self, url: str) -> None:
        self.client = http_client(url, headers=BROWSER)
        self._elsewhere = http_client("")

    def close(self) -> None:
        """Close all connections."""
        self.client.close()
        self._elsewhere.close()

    def get(self, url: str) -> httpx.Response:
        """Open a page, and go wherever it leads."""
        answer = self.send(url)
        for _ in range(MAX_REDIRECTS):
            if not answer.is_redirect:
                return answer
            answer = self.send(urljoin(str(answer.url), answer.headers["location"]))
        raise AssertionError(f"{url} leads round in circles")

    def send(self, url: str) -> httpx.Response:
        """Open one URL, of the site or of the provider, and go nowhere from there."""
        whole = urljoin(str(self.client.base_url), url)
        is_own = whole.startswith(str(self.client.base_url).rstrip("/") + "/")
        return (self.client if is_own else self._elsewhere).get(whole)

    def stop_before_callback(self, path: str) -> str:
        """Log in on the way to a path, up to where the provider has answered.

        Returns:
            The callback's URL, which was not opened.
        """
        sent_away = self.client.get("/login", params={"return": path})
        assert sent_away.status_code == 303, sent_away.text
        back = self._elsewhere.get(sent_away.headers["location"])
        assert back.is_redirect, back.text
        return str(back.headers["location"])

    def press(self, page: httpx.Response, label: str) -> httpx.Response:
        """Follow the link with this label."""
        links = re.findall(r'<a [^>]*href="([^"]*)"[^>]*>([^<]*)</a>', page.text)
        return self.get(unescape(next(href for href, text in links if text == label)))

    def submit(self, page: httpx.Response, action: str, **fields: str) -> httpx.Response:
        """Send the form of a page that goes to this URL."""
        form = re.search(rf'<form method="post" action="{action}".*?</form>', page.text, re.DOTALL)
        assert form, page.text
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form[0]))
        data = {name: unescape(value) for name, value in hidden.items()} | fields
        return self.client.post(action, data=data, headers={"Sec-Fetch-Site": "same-origin"})

    def name(self) -> str | None:
        """Who the site says is logged in."""
        page = self.client.get("/-/account").text
        found = re.search(r"logged in as <strong><bdi>(.*?)</bdi>", page)
        return found[1] if found else None
