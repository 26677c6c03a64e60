"""Follows everything on a site that is a URL: links, forms, redirects, and what JSON and header fields say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html import unescape
from types import MappingProxyType
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from tests.support.answers import BROWSER, SCRIPT

MOST_PAGES = 400

_IN_HTML = re.compile(r'\s(?:href|src|action)="([^"]*)"|http-equiv="refresh" content="0; url=([^"]*)"')
_RETURN = re.compile(r'name="return" value="([^"]*)"|[?&]return=([^&"]*)')
_URL_KEYS = ("url", "text_url", "next")


def crawl(
    http: httpx.Client, *starts: str, known: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """Every URL that can be come by from some pages on, each with the page or answer that names it.

    Each is asked for as a browser and as a script do. Those of other hosts are not followed.

    Args:
        http: a client that follows no redirects; its cookies and credentials count.
        starts: paths of the first pages.
        known: what an earlier crawl by the same client has found; it is part of the result, and not asked for again.
    """
    origin = str(http.base_url)
    found = {**{urljoin(origin, start): "the start" for start in starts}, **known}
    waiting = [url for url in found if url not in known]
    while waiting:
        assert len(found) < MOST_PAGES
        url = waiting.pop()
        for headers in (BROWSER, SCRIPT):
            for name in urls_of(http.get(url, headers=headers)):
                if name not in found:
                    found[name] = url
                    if urlsplit(name)[:2] == urlsplit(origin)[:2]:
                        waiting.append(name)
    return found


def urls_of(answer: httpx.Response, asked: str = "") -> Iterator[str]:
    """Every URL that an answer names, whole and without a fragment.

    Args:
        asked: the URL that the client asked for, if that is not the one the server was asked for.
    """
    for reference in _references(answer):
        yield urljoin(asked or str(answer.url), reference).partition("#")[0]


def _references(answer: httpx.Response) -> Iterator[str]:
    for field in ("location", "content-location"):
        if field in answer.headers:
            yield answer.headers[field]
    yield from re.findall(r"<([^>]*)>", answer.headers.get("link", ""))
    for cookie in answer.headers.get_list("set-cookie"):
        yield re.findall(r"; Path=([^;]*)", cookie)[0]
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    if media_type == "text/html":
        for groups in (*_IN_HTML.findall(answer.text), *_RETURN.findall(answer.text)):
            yield from (unescape(group) for group in groups if group)
    elif media_type.endswith("json"):
        for line in answer.text.splitlines():
            yield from _named(json.loads(line))


def _named(value: Any) -> Iterator[str]:
    """What is a URL by its name, anywhere in JSON."""
    if isinstance(value, dict):
        yield from (value[key] for key in _URL_KEYS if isinstance(value.get(key), str))
        for member in value.values():
            yield from _named(member)
    elif isinstance(value, list):
        for member in value:
            yield from _named(member)
