"""Settings for logins."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

from app.config.types import Allowed, FileOrObject, Names, Number, StoreCredentials
from app.domain.hosts import parse_host
from app.domain.urls import is_issuer_url

_NAME = Allowed("1 or more characters")
_CONTACT = re.compile(r"[^\s@:]+@[^\s@]+|(https?|mailto):\S+")


class LoginSettings(BaseModel):
    """How users log in, and for how long."""

    site_hosts: Annotated[Names, Allowed("host names without port, separated by commas or spaces")] = Field(
        (),
        description="Host names of this site. Requests for another `Host` are refused. None: any is accepted.",
    )
    contact: Annotated[
        str | None, Allowed("an e-mail address, or a URL with `https:`, `http:` or `mailto:`")
    ] = Field(
        None,
        description='Whom to ask for access, about a licence or a failure; error pages and `Link: rel="help"` name it.',
    )
    session_seconds: Number = Field(
        43200, ge=60, le=2592000, description="Longest life of a login, in seconds."
    )
    session_idle_seconds: Number = Field(
        7200, ge=60, le=2592000, description="Seconds without a request after which a login ends."
    )
    session_refresh_seconds: Number = Field(
        900,
        ge=30,
        le=86400,
        validate_default=True,
        description="Seconds for which the groups of a login are valid; then they are read again from the "
        "provider or directory. Must be less than `session_idle_seconds`.",
    )
    session_epoch: Number = Field(
        0, ge=0, description="Change this number on all replicas to end all logins."
    )
    user_token_seconds: Number = Field(
        0,
        ge=0,
        le=31622400,
        description="Longest life, in seconds, of tokens that logged-in users create for themselves at "
        "`/-/token`. 0: users cannot create tokens.",
    )
    revoked_file: Annotated[
        FileOrObject | None, StoreCredentials, Allowed("the path of a text file, or `s3://bucket/key`")
    ] = Field(
        None,
        description="File or object with the IDs of revoked tokens, logins and links, one per line. Read every 5 seconds; if it "
        "cannot be read for a minute, all of them are refused.",
    )
    link_seconds: Number = Field(
        0,
        ge=0,
        le=2592000,
        description="Longest life of a link to a private file that a logged-in member creates, in seconds. "
        "0: members cannot create links.",
    )
    login_groups: Annotated[
        Names, Allowed("names or `THEIRS=OURS`, each with at most one `*`, separated by commas or spaces")
    ] = Field(
        ("*",),
        description="Which groups of a login count, and under which name: `*` takes all as they are, `*=corp-*` adds a "
        "prefix to each.",
    )
    oidc_issuer: Annotated[str | None, Allowed("the `https:` URL of an issuer, as its tokens name it")] = (
        Field(None, description="The OpenID Connect provider that people log in with.")
    )
    oidc_client_id: Annotated[str | None, _NAME] = Field(
        None,
        min_length=1,
        validate_default=True,
        description="The client ID of this site at the provider.",
    )
    oidc_client_secret: Annotated[SecretStr | None, _NAME] = Field(
        None, min_length=1, description="The client secret, if the provider gave one."
    )
    oidc_scopes: Names = Field(
        ("openid", "profile", "groups"), description="The scopes requested from the provider."
    )
    oidc_user_claim: Annotated[str, _NAME] = Field(
        "sub", min_length=1, description="The claim with the user's name; dots lead to a nested claim."
    )
    oidc_groups_claim: Annotated[str, _NAME] = Field(
        "groups", min_length=1, description="The claim with the names of the user's groups; dots as above."
    )

    @field_validator("site_hosts")
    @classmethod
    def _hosts_are_names(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(parse_host, hosts))

    @field_validator("contact")
    @classmethod
    def _contact_is_a_link(cls, contact: str | None) -> str | None:
        if contact is not None and not _CONTACT.fullmatch(contact):
            raise ValueError(f"got {contact!r}")
        return contact

    @field_validator("session_refresh_seconds")
    @classmethod
    def _refresh_is_before_idle(cls, seconds: int, others: ValidationInfo) -> int:
        idle = others.data.get("session_idle_seconds")
        if idle is not None and seconds >= idle:
            raise ValueError(f"got {seconds}, and session_idle_seconds is {idle}")
        return seconds

    @field_validator("login_groups")
    @classmethod
    def _groups_have_one_star(cls, items: tuple[str, ...]) -> tuple[str, ...]:
        for item in items:
            before, equals, after = item.rpartition("=")
            theirs, ours = (before, after) if equals else (item, item)
            if not theirs or not ours or theirs.count("*") > 1 or ours.count("*") > theirs.count("*"):
                raise ValueError(f"got {item!r}")
        return items

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer_is_a_url(cls, url: str | None) -> str | None:
        if url is not None and not is_issuer_url(url):
            raise ValueError(f"got {url!r}")
        return url

    @field_validator("oidc_client_id")
    @classmethod
    def _issuer_has_its_client(cls, client_id: str | None, others: ValidationInfo) -> str | None:
        if client_id is None and others.data.get("oidc_issuer") is not None:
            raise ValueError("there is none, and oidc_issuer needs one")
        return client_id

    @field_validator("oidc_scopes")
    @classmethod
    def _scopes_have_openid(cls, scopes: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in scopes:
            raise ValueError("openid is not among them")
        return scopes
