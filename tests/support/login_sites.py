"""Sites with a login: a tree with something private, a provider, and a person who comes by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx

from app.auth.keys import KeyRing, Purpose
from app.auth.sealing import unseal
from app.auth.sessions import SESSION_COOKIE
from tests.support.clocks import Clock
from tests.support.fake_provider import CLIENT_ID, CLIENT_SECRET, FakeProvider
from tests.support.live_server import SECRET, app_over, live_server
from tests.support.memory_store import MemoryStore
from tests.support.person import Person
from tests.support.site_policies import MEMBERS_AND_VAULT

START = 1_800_000_000.0


class LoginSite(NamedTuple):
    """Attributes:
    person: at a browser that is open at the site.
    clock: the time of day there and at the provider.
    """

    url: str
    person: Person
    provider: FakeProvider
    clock: Clock

    def session(self) -> str:
        """The id of the session in the person's browser."""
        value = self.person.client.cookies[SESSION_COOKIE]
        claims = unseal(KeyRing([SECRET]), Purpose.SESSION, value)
        assert claims is not None
        return str(claims["sid"])


def oidc_settings(provider: FakeProvider, **settings: Any) -> dict[str, Any]:
    """Settings of a site whose people log in at the provider."""
    return {
        "oidc_issuer": provider.url,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": CLIENT_SECRET,
        **settings,
    }


@contextmanager
def login_site(provider: FakeProvider, clock: Clock | None = None, **settings: Any) -> Iterator[LoginSite]:
    """A site whose people log in at the provider, until the block ends."""
    store = _tree()
    if clock is None:
        clock = Clock()
        clock.now = START
    provider.now = clock
    app = app_over(store, policy=MEMBERS_AND_VAULT, wall_clock=clock, **oidc_settings(provider, **settings))
    with live_server(app) as server:
        person = Person(server.url)
        try:
            yield LoginSite(server.url, person, provider, clock)
        finally:
            person.close()


class FormSite(NamedTuple):
    """A site whose people log in by a form: `alice`, who is on the staff, and `bob`, who is not."""

    person: Person
    clock: Clock
    store: MemoryStore


@contextmanager
def form_site(**settings: Any) -> Iterator[FormSite]:
    """Such a site, until the block ends."""
    clock = Clock()
    clock.now = START
    store = _tree()
    app = app_over(
        store, policy=MEMBERS_AND_VAULT, wall_clock=clock, demo_login_groups=("staff",), **settings
    )
    with live_server(app) as server:
        person = Person(server.url)
        try:
            yield FormSite(person, clock, store)
        finally:
            person.close()


def log_in(
    person: Person, user: str, password: str | None = None, path: str = "/members/plan.txt"
) -> httpx.Response:
    """Send the form, with the name for the password unless another is given."""
    page = person.get(f"/login?return={path}")
    return person.submit(page, "/login", user=user, password=user if password is None else password)


def _tree() -> MemoryStore:
    store = MemoryStore()
    for path in ("README.txt", "members/plan.txt", "vault/secret.txt"):
        store.put(path, b"content")
    return store
