"""Settings for an LDAP directory."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

from app.config.types import Allowed, Names

_DN = Allowed("the name of an entry, such as `ou=people,dc=example,dc=org`")
_FILTER = "an LDAP filter in brackets that has "


class LdapServerSettings(BaseModel):
    """How to find people and groups in an LDAP directory, and the demonstration's users."""

    ldap_url: Annotated[str | None, Allowed("`ldaps://HOST` or `ldap://HOST`, perhaps with a port")] = Field(
        None,
        description="The LDAP directory that people log in with, by name and password. `ldap:` uses StartTLS, except on this "
        "host.",
    )
    ldap_user_base: Annotated[str | None, _DN] = Field(
        None, validate_default=True, description="The entry that contains the people."
    )
    ldap_user_filter: Annotated[str, Allowed(_FILTER + "`{user}` and no other place")] = Field(
        "(uid={user})", description="Finds the one entry of a user."
    )
    ldap_group_base: Annotated[str | None, _DN] = Field(
        None,
        description="The entry that contains the groups. None: only `memberOf` of the user's entry counts.",
    )
    ldap_group_filter: Annotated[str, Allowed(_FILTER + "`{dn}`, `{user}` or `{gid}`")] = Field(
        "(|(member={dn})(uniqueMember={dn})(memberUid={user})(&(objectClass=posixGroup)(gidNumber={gid})))",
        description="Finds the groups of a user; `cn` is the name of a group.",
    )
    ldap_bind_dn: Annotated[str | None, _DN] = Field(
        None, description="The entry to search as. None: anonymous."
    )
    ldap_bind_password: Annotated[SecretStr | None, Allowed("1 or more characters")] = Field(
        None, min_length=1, description="The password of `ldap_bind_dn`."
    )
    ldap_ca_file: Annotated[Path | None, Allowed("the path of a PEM file")] = Field(
        None,
        description="CA certificates that verify the directory's certificate. None: those of the system.",
    )
    demo_login_groups: Annotated[
        Names, Allowed("names, separated by commas or spaces, with a loopback `host`")
    ] = Field(
        (),
        description="For trying things out: anybody may log in as `alice`, who is in these groups, or `bob`, who is in none. "
        "The password is the name.",
    )

    @field_validator("ldap_url")
    @classmethod
    def _url_is_ldap(cls, url: str | None) -> str | None:
        if url is not None:
            parts = urlsplit(url)
            if parts.scheme not in ("ldap", "ldaps") or not parts.hostname or parts.path.strip("/"):
                raise ValueError(f"got a URL of the scheme {parts.scheme!r}")
        return url

    @field_validator("ldap_user_base")
    @classmethod
    def _directory_has_people(cls, base: str | None, others: ValidationInfo) -> str | None:
        if not base and others.data.get("ldap_url") is not None:
            raise ValueError("there is none, and ldap_url needs one")
        return base

    @field_validator("ldap_user_filter", "ldap_group_filter")
    @classmethod
    def _filter_has_a_place(cls, text: str, info: ValidationInfo) -> str:
        places = {place for place in ("{dn}", "{user}", "{gid}") if place in text}
        # A person's entry is not known before it is found.
        are_known = places == {"{user}"} if info.field_name == "ldap_user_filter" else bool(places)
        if not (text.startswith("(") and text.endswith(")") and are_known):
            raise ValueError(f"got {text!r}")
        return text

    @field_validator("demo_login_groups")
    @classmethod
    def _demonstration_stays_here(cls, groups: tuple[str, ...], others: ValidationInfo) -> tuple[str, ...]:
        host = others.data.get("host")  # None: it has a fault of its own
        if groups and host is not None and not _is_loopback(host):
            raise ValueError(f"host is {host}")
        if groups and others.data.get("ldap_url") is not None:
            raise ValueError("there is ldap_url as well")
        return groups


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
