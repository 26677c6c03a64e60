"""Several sites of one server: the tables `[sites."HOST"]` of the configuration file."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, MutableSequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from app.config.loaded import MAIN_SITE, ConfigError, LoadedSettings, checked
from app.config.page_settings import PageSettings
from app.config.settings import Settings
from app.domain.hosts import ALLOWED, parse_host

TABLE: Final = "sites"
OWN: Final = ("storage", "overlay", "policy_file", "site_hosts")
"""Settings that a site has for itself alone."""
TAKEN_OVER: Final = (
    "default_tier", "links", "archives", "delivery", "presign_seconds", "cache_ttl", "cache_grace", "cache_max_stale",
    "prewarm", "root_path", "cors_origins", "contact", "user_token_seconds", "link_seconds", *PageSettings.model_fields,
)  # fmt: skip
"""Settings that a site has, and that it takes from outside its table where that does not say otherwise."""
SHARED_OUT: Final = "cache_bytes"
"""In a table, a part of what all sites have together."""
OF_A_SITE: Final = (*OWN, *TAKEN_OVER, SHARED_OUT)


class Common(NamedTuple):
    """What all sites have in common, and what it is in.

    Attributes:
        values: of settings outside the tables.
        sources: for each setting, where its value came from.
        file: that has the tables.
    """

    values: Mapping[str, Any]
    sources: Mapping[str, str]
    file: Path


def read_sites(tables: object, common: Common, faults: MutableSequence[str]) -> tuple[LoadedSettings, ...]:
    """The sites that the tables say; those that cannot be used are left out.

    Args:
        tables: value of `sites`.
        faults: takes a sentence for each fault.
    """
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        faults.append(f'{common.file}: sites: must be tables such as [sites."releases.example.org"]')
        return ()
    found = (_read(name, table, common, faults) for name, table in tables.items())
    return tuple(site for site in found if site is not None)


def _read(
    name: str, table: Mapping[str, Any], common: Common, faults: MutableSequence[str]
) -> LoadedSettings | None:
    origin = f'{common.file}, sites."{name}"'
    before = len(faults)
    try:
        host = parse_host(name)
    except ValueError as error:
        host = ""
        faults.append(f"{origin}: must be named by {ALLOWED.replace('`', '')}, but {error}")
    if host == MAIN_SITE:
        faults.append(f"{origin}: is what the site of the settings outside all tables is called")
    faults += (f"{origin}: {key}: {why}" for key in table if (why := _fault_of_key(key)))
    if "storage" not in table:
        faults.append(f"{origin}: storage: is missing, and a site must have its own")
    if len(faults) > before:
        return None
    taken = {key: value for key, value in common.values.items() if key not in (*OWN, SHARED_OUT)}
    sources = {**common.sources, **dict.fromkeys(OWN, "default"), **dict.fromkeys(table, origin)}
    settings = checked({**taken, **table}, sources, faults)
    if settings is None:
        return None
    hosts = tuple(dict.fromkeys((host, *settings.site_hosts)))
    sources["site_hosts"] = origin
    return LoadedSettings(settings.model_copy(update={"site_hosts": hosts}), sources, common.file, site=host)


def _fault_of_key(key: str) -> str:
    if key in OF_A_SITE:
        return ""
    if key in Settings.model_fields:
        return "is for the whole server: it must be outside the tables of sites"
    near = difflib.get_close_matches(key, OF_A_SITE, n=1)
    return "is not a setting of a site; " + (
        f"did you mean {near[0]}?" if near else f"must be one of {', '.join(sorted(OF_A_SITE))}"
    )


def with_sites(main: LoadedSettings, sites: tuple[LoadedSettings, ...]) -> LoadedSettings:
    """A server of several sites. Each gets its share of the cache.

    Args:
        main: what is said outside the tables; a site too, if its storage is.

    Raises:
        ConfigError: two have one host name, or want more of the cache than there is.
    """
    if not sites:
        return main
    main = main._replace(site=MAIN_SITE if main.is_served else "", sites=sites)
    if faults := (*_faults_of_hosts(main.served), *_faults_of_shares(main)):
        raise ConfigError(faults)
    own = [one for one in main.served if _has_own_share(one, main)]
    left = main.settings.cache_bytes - sum(one.settings.cache_bytes for one in own)
    share = left // max(1, len(main.served) - len(own))
    said = f"an equal share of {main.settings.cache_bytes} ({main.sources[SHARED_OUT]})"
    first, *others = [one if one in own else _with_cache(one, share, said) for one in main.served]
    if main.is_served:
        return first._replace(sites=tuple(others))
    return main._replace(sites=(first, *others))


def _has_own_share(one: LoadedSettings, main: LoadedSettings) -> bool:
    return one.sources[SHARED_OUT] != main.sources[SHARED_OUT]


def _with_cache(one: LoadedSettings, share: int, said: str) -> LoadedSettings:
    settings = one.settings.model_copy(update={SHARED_OUT: share})
    return one._replace(settings=settings, sources={**one.sources, SHARED_OUT: said})


def _faults_of_hosts(sites: Iterable[LoadedSettings]) -> Iterator[str]:
    counted = Counter(host for one in sites for host in one.settings.site_hosts)
    for host, count in counted.items():
        if count > 1:
            names = " and ".join(one.site for one in sites if host in one.settings.site_hosts)
            yield f"site_hosts: {host} is a host name of {names}: it must be of one site"


def _faults_of_shares(main: LoadedSettings) -> Iterator[str]:
    total = main.settings.cache_bytes
    own = [one for one in main.served if _has_own_share(one, main)]
    wanted = sum(one.settings.cache_bytes for one in own)
    if wanted > total or (wanted == total > 0 and len(own) < len(main.served)):
        yield (
            f"{main.named(SHARED_OUT)}: is {total}, and the sites that say how much of it they want"
            f" leave {total - wanted} for the others: it must be more"
        )
