"""Who is believed: networks that skip licences, and proxies that say who asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from ipaddress import ip_network
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from app.cli.doctor.finding import Finding, error, warning, well
from app.config import LoadedSettings

AREA: Final = "proxies"
ASK_SECONDS: Final = 10.0
WIDE_ADDRESSES: Final = 2**24
"""A network with more addresses than this is hardly anybody's own."""
MAX_ANSWER_BYTES: Final = 1 << 20

_ID: Final = re.compile("<id>([^<]+)</id>")


def look_at_networks(loaded: LoadedSettings) -> Iterator[Finding]:
    """Look at the networks and proxies of the settings."""
    settings = loaded.settings
    proxies = [ip_network(text) for text in settings.trusted_proxies if text != "unix:"]
    for text in settings.trusted_networks:
        network = ip_network(text)
        named = loaded.named("trusted_networks")
        if network.num_addresses > WIDE_ADDRESSES and not network.is_private:
            yield error(
                AREA, f"{named}: {text} lets strangers read everything", "name your own networks only"
            )
        for proxy in proxies:
            if network.version == proxy.version and network.overlaps(proxy):
                yield warning(
                    AREA,
                    f"{named}: {text} has the proxy {proxy} in it",
                    "remove proxies: a request that comes through one without X-Forwarded-For is trusted",
                )
    for proxy in proxies:
        if proxy.num_addresses > WIDE_ADDRESSES and not proxy.is_private:
            text = f"{loaded.named('trusted_proxies')}: {proxy} lets anybody forge client addresses"
            yield error(AREA, text, "name the addresses of your proxies only")
    yield well(
        AREA,
        f"{len(settings.trusted_networks)} trusted networks, {len(settings.trusted_proxies)} trusted proxies",
    )


def look_through_proxy(url: str) -> Finding:
    """Ask the site by its public URL what it takes for its own: a feed has whole URLs.

    Args:
        url: of the top folder, as clients write it.
    """
    try:
        found = _feed_url(url)
    except HTTPError as failure:
        return warning(AREA, f"{url}: answers {failure.code} to strangers", "give the URL of a public folder")
    except (URLError, OSError, ValueError) as failure:
        reason = getattr(failure, "reason", failure)
        return error(
            AREA,
            f"{url}: cannot be reached ({reason})",
            "check that the site is served there, and its certificate",
        )
    if found is None:
        return warning(
            AREA, f"{url}: is not a page of this server", "give the folder's URL as clients write it"
        )
    asked, said = urlsplit(url), urlsplit(found)
    if (asked.scheme, asked.netloc) == (said.scheme, said.netloc):
        return well(AREA, f"{url}: the server sees the URL that clients use")
    return error(
        AREA,
        f"{url}: the server sees itself as {said.scheme}://{said.netloc}",
        "have the proxy send X-Forwarded-Proto and the Host of the request, and put its address into trusted_proxies",
    )


def _feed_url(url: str) -> str | None:
    """The URL of a folder as the server has it; None if it shows no listing."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("it must begin with http:// or https://")
    asked = f"{url.rstrip('/')}/?format=atom"
    with build_opener(ProxyHandler({})).open(asked, timeout=ASK_SECONDS) as answer:
        found = _ID.search(answer.read(MAX_ANSWER_BYTES).decode("utf-8", "replace"))
    return unescape(found[1]) if found else None
