"""Sites, people and changes to try a cache with: few of each, so that they meet often."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from app.domain.access import Permission
from app.domain.errors import StoreDenied, StoreUnavailable
from tests.support.in_process import Asker
from tests.support.live_server import policy_from, settings_for, token
from tests.support.oracle import NOW, Fault, Site, State

TTL: Final = 60
GRACE: Final = 60
MAX_STALE: Final = 3600
LICENCE_A: Final = b"the text of licence A"
LICENCE_B: Final = b"the text of licence B"

_RULES: Final = (
    "",
    '[[rule]]\npath = "a/members"\ntier = "private"\ngroups = ["staff"]\n',
    '[[rule]]\npath = "a/members"\ntier = "private"\ngroups = ["staff"]\nvisibility = "listed"\n'
    '[[rule]]\npath = "**/*.img"\ntier = "eula"\nlicence_text = "the text of licence A"\n',
    '[[rule]]\npath = "b"\ntier = "public"\noverride = true\n'
    '[[rule]]\npath = "a/two.img"\ntier = "private"\ngroups = ["authors"]\nvisibility = "hidden"\n',
)
_SETTINGS: Final = (
    {"private_entries": "unlisted", "default_tier": "public", "cache_bytes": 2**24, "delivery": "proxy"},
    {"private_entries": "listed", "default_tier": "public", "cache_bytes": 50_000},
    {"private_entries": "hidden", "default_tier": "closed", "cache_bytes": 2**24, "delivery": "proxy"},
    {"private_entries": "hidden", "default_tier": "public", "cache_bytes": 2**24},
)


class Sites:
    """Every site that the tests are made on, each wired once."""

    def __init__(self) -> None:
        self._made: dict[int, Site] = {}

    def __len__(self) -> int:
        return len(_RULES) * len(_SETTINGS)

    def __getitem__(self, number: int) -> Site:
        if number not in self._made:
            rules, values = _RULES[number // len(_SETTINGS)], dict(_SETTINGS[number % len(_SETTINGS)])
            policy = f'private_entries = "{values.pop("private_entries")}"\n{rules}'
            lives = {"cache_ttl": TTL, "cache_grace": GRACE, "cache_max_stale": MAX_STALE}
            settings = settings_for(log_level="error", trusted_networks=("10.0.0.0/8",), **lives, **values)
            self._made[number] = Site(settings, policy_from(policy))
        return self._made[number]

    def close(self) -> None:
        """Let all oracles go."""
        for site in self._made.values():
            site.oracle.close()


def _md5(text: bytes) -> str:
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def _member(name: str, *groups: str, accepted: str = "", **grant: Any) -> Asker:
    headers = [("Authorization", f"Bearer {token(*groups, now=NOW, subject=name, **grant)}")]
    if accepted:
        headers.append(("License-Accepted", accepted))
    return Asker(name, tuple(headers))


_BOTH_LICENCES: Final = f"{_md5(LICENCE_A)} {_md5(LICENCE_B)}"
ASKERS: Final = (
    Asker("anonymous"),
    _member("outsider"),
    _member("staff", "staff"),
    _member("author", "authors"),
    _member("both", "authors", "staff"),
    _member("limited", "staff", paths=("a/members",)),
    Asker("accepting", (("License-Accepted", _BOTH_LICENCES),)),
    _member("accepting-staff", "staff", accepted=_md5(LICENCE_A)),
    Asker("trusted", address="10.1.2.3"),
    Asker("liar", (("Authorization", "Bearer not-a-token"),)),
)
PUBLISHER: Final = _member(
    "publisher", "staff", permissions=frozenset({Permission.REFRESH, Permission.INVALIDATE})
)
"""Who may have folders read again."""

FOLDERS: Final = ("", "a/", "a/members/", "b/")
FILES: Final = (
    "top.txt",
    "a/one.txt",
    "a/two.img",
    "a/new.img",
    "a/members/secret.txt",
    "a/members/two.img",
    "b/new.txt",
)
LINK_FILE: Final = "latest/.s3_linked_from"
CONTENTS: Final = (b"", b"one", b"a second version", b"s3cret" * 40)
FIRST: Final[State] = frozenset(
    {
        *((f"b/an-artifact-with-a-name-that-is-rather-long-{n}.img", b"x" * n) for n in range(12)),
        ("a/one.txt", b"one"),
        ("a/two.img", b"two"),
        ("a/members/secret.txt", b"s3cret"),
        ("a/members/kept.bin", b"kept"),
        ("b/kept.bin", b"kept"),
        (LINK_FILE, b"a"),
    }
)
CONTROL_FILES: Final = (
    ("BUILD-INFO.txt", b"Format-Version: 0.5\nFiles-Pattern: *,\nAuth-Groups: staff\n"),
    ("BUILD-INFO.txt", b"Format-Version: 0.5\nFiles-Pattern: *,\nAuth-Groups: authors\n"),
    (
        "BUILD-INFO.txt",
        b"Format-Version: 0.5\nFiles-Pattern: *.img\nAuth-Groups: authors\n"
        b"Files-Pattern: *.txt\nLicense-Type: open\n",
    ),
    (
        "BUILD-INFO.txt",
        b"Format-Version: 0.5\nFiles-Pattern: *\nLicense-Type: protected\n"
        b"License-Text: the text of licence A\nAuth-Groups: staff\n",
    ),
    ("BUILD-INFO.txt", b"Format-Version: 0.5\nFiles-Pattern: *\nLicense-Type: open\n"),
    ("BUILD-INFO.txt", b"not such a file at all"),
    ("BUILD-INFO.txt", None),
    ("EULA.txt", LICENCE_A),
    ("EULA.txt", LICENCE_B),
    ("EULA.txt", None),
    ("two.img.EULA.txt", LICENCE_B),
    ("two.img.EULA.txt", None),
    ("OPEN-EULA.txt", b""),
    ("OPEN-EULA.txt", None),
)
"""Names, and contents; None for a file that is taken away."""
FAULTS: Final = (
    Fault("list", None, StoreUnavailable("timeout")),
    Fault("list", "a/", StoreUnavailable("throttled")),
    Fault("list", "a/members/", StoreDenied()),
    Fault("get", "a/BUILD-INFO.txt", StoreUnavailable("timeout")),
    Fault("get", None, StoreUnavailable("timeout")),
    Fault("head", None, StoreUnavailable("timeout")),
)
