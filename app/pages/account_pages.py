"""The values that pages about who is logged in are made from: to log in, of the account, of a user's own tokens."""

from __future__ import annotations

from dataclasses import dataclass

from app.pages.contexts import Site


@dataclass(frozen=True)
class LoginPage:
    """A form for name and password.

    Attributes:
        site: the site.
        return_url: URL path of this site to go to in the end.
        form_token: as in `LicencePage`.
        failure: what was wrong with the last attempt, for people; empty for none.
        provider_href: another way to log in; empty if there is none.
        is_demo: whether the demonstration's users can log in.
    """

    site: Site
    return_url: str
    form_token: str
    failure: str = ""
    provider_href: str = ""
    is_demo: bool = False


@dataclass(frozen=True)
class AccountPage:
    """The user who is logged in, with links to log in or out.

    Attributes:
        site: the site.
        return_url: URL path of this site that they came from.
        login_href, switch_href: to log in, and to log in as another user.
        form_token: as in `LicencePage`.
        subject: user name; empty if nobody is logged in.
        groups: names of the groups, sorted.
    """

    site: Site
    return_url: str
    login_href: str
    switch_href: str
    form_token: str
    subject: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class MintedToken:
    """The page with a new token.

    Attributes:
        id: of the token.
        groups: sorted.
        expires: as `iso_text` gives it.
    """

    text: str
    id: str
    groups: tuple[str, ...]
    expires: str


@dataclass(frozen=True)
class TokenPage:
    """A form to make a token with, or the token.

    Attributes:
        site: the site.
        subject: user name.
        groups: to choose from, sorted.
        lives: to choose from, in seconds and in words.
        form_token: as in `LicencePage`.
        minted: None before it is made.
    """

    site: Site
    subject: str
    groups: tuple[str, ...]
    lives: tuple[tuple[int, str], ...]
    form_token: str
    minted: MintedToken | None = None


@dataclass(frozen=True)
class LeadOnPage:
    """A page that leads on to another by itself, like `DownloadPage` and for the same reason.

    Attributes:
        site: the site.
        title: a few words.
        detail: a sentence.
        href: of the other page; empty if there is none.
        label: of the button that leads there too.
    """

    site: Site
    title: str
    detail: str
    href: str
    label: str
