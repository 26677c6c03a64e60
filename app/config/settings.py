"""The settings themselves: names, defaults, what is allowed."""

from __future__ import annotations

import socket
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from app.config.credentials import CredentialsInUrl, holds_credentials
from app.config.ldap_settings import LdapServerSettings
from app.config.login_settings import LoginSettings
from app.config.page_settings import PageSettings
from app.config.types import (
    MAX_PORT,
    Allowed,
    CredentialsBy,
    Listen,
    Networks,
    Number,
    Origins,
    Prewarm,
    Secrets,
    StoreCredentials,
    Stores,
    check_origins,
    check_store,
)
from app.domain.reserved import is_reserved
from app.domain.root_path import ALLOWED as ROOT_PATH_ALLOWED
from app.domain.root_path import parse_root_path

MASK = "********"


class ServerSettings(BaseModel):
    """The storage and its delivery."""

    storage: Stores = Field(
        (".",),
        min_length=1,
        description="What is published. With several, the first is read; the others are copies of it and are read when "
        "it fails or is slow.",
    )
    overlay: Annotated[
        str | None, StoreCredentials, Allowed("a directory, `file:///dir` or `s3://bucket/prefix`")
    ] = Field(None, description="A store whose files replace those of `storage`.")
    secret_keys: Secrets = Field(
        (),
        description="Keys that sign tokens, licence acceptances and forms. The first signs, all verify. None: "
        "a random key is generated at startup; tokens and acceptances stop working on restart.",
    )
    policy_file: Annotated[Path | None, Allowed("the path of a TOML file")] = Field(
        None, description="Site policy: the operator's path rules, beside the control files in the tree."
    )
    default_tier: Literal["public", "closed"] = Field(
        "public", description="Tier of files that no rule governs."
    )
    links: Literal["in-place", "redirect"] = Field(
        "in-place",
        description="How links (`latest`) are answered. `in-place`: with the content they lead to. `redirect`: with a redirect to it.",
    )
    archives: Literal["off", "on"] = Field(
        "off", description="Whether there is `?archive=tar`, `tar.zst` and `zip` of folders."
    )
    delivery: Literal["auto", "redirect", "proxy", "accel"] = Field(
        "auto",
        description="How files are sent. `auto` and `redirect`: by redirect to a presigned S3 URL, or streamed from here for "
        "requests with Authorization; `auto` serves directories too. `proxy`: always streamed from here. `accel`: by the nginx "
        "in front, which must be one of the `trusted_proxies`.",
    )
    presign_seconds: Number = Field(
        300, ge=10, le=604800, description="Lifetime of a presigned URL, in seconds."
    )
    cache_ttl: Number = Field(
        60,
        ge=0,
        le=86400,
        description="Seconds for which a cached folder is fresh; 0: read it for each request.",
    )
    cache_grace: Number = Field(
        240,
        ge=0,
        le=86400,
        description="Seconds after `cache_ttl` for which it is still served while it is read again.",
    )
    cache_max_stale: Number = Field(
        86400,
        ge=0,
        le=2592000,
        description="Age in seconds up to which a cached folder is served if the storage fails.",
    )
    cache_bytes: Number = Field(
        256 * 1024 * 1024, ge=0, description="Memory for cached folders and pages, in bytes, per worker."
    )
    prewarm: Prewarm = Field(
        (),
        description="Folders that each worker reads before `/readyz` says 200, for at most a minute: paths, or a number of levels "
        "from the top (1: the top folder, 2: those in it too). None: none.",
    )
    trusted_networks: Networks = Field(
        (),
        description="Clients that skip licences, groups and malformed rules, and may read `/metrics` on the public port.",
    )
    trusted_proxies: Annotated[
        Networks,
        Allowed(
            "networks such as `10.0.0.0/8` or `2001:db8::/32`, or `unix:`, separated by commas or spaces"
        ),
    ] = Field(
        (),
        validate_default=True,
        description="Proxies in front whose `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Prefix` and `Forwarded` are "
        "believed. `unix:` are programs that connect over a Unix socket.",
    )
    root_path: Annotated[str, Allowed(ROOT_PATH_ALLOWED)] = Field(
        "", description="Path below which the site is on its host. All links and cookies are for this path."
    )
    cors_origins: Origins = Field(
        (),
        description="Other sites whose pages may read what anybody gets: public files and listings. None: no other.",
    )
    host: Annotated[str, Allowed("a host name or an IP address")] = Field(
        "127.0.0.1", min_length=1, description="Address to listen on."
    )
    port: Number = Field(8000, ge=0, le=65535, description="Port to listen on; 0: any free port.")
    unix_socket: Annotated[Path | None, Allowed("the path of a socket")] = Field(
        None, description="Unix socket to listen on instead of `host` and `port`. Its mode is 0660."
    )
    tls_certificate: Annotated[Path | None, Allowed("the path of a PEM file")] = Field(
        None,
        description="Certificate of the site, with those between it and a known one: the server speaks TLS. None: it does not.",
    )
    tls_key: Annotated[Path | None, Allowed("the path of a PEM file, with a `tls_certificate`")] = Field(
        None,
        description="Private key of `tls_certificate`, without a password. None: it is in the same file.",
    )
    workers: Number = Field(1, ge=1, le=64, description="Processes that share the port.")
    admin_listen: Listen = Field(
        "",
        validate_default=True,
        description="Address and port of the operator's listener: metrics, probes, state. None: on 127.0.0.1, the port after "
        "`port`; any free port if that is 0.",
    )
    drain_delay: Number = Field(
        0,
        ge=0,
        le=3600,
        description="Seconds for which new connections are still served when the server stops, while `/readyz` says 503.",
    )
    drain_timeout: Number = Field(
        8,
        ge=0,
        le=3600,
        description="Seconds that running requests have to finish after that. `drain_seconds` is its former name.",
    )
    replica_id: Annotated[str, Allowed("1 to 64 of the characters `A-Za-z0-9._-`")] = Field(
        default_factory=socket.gethostname,
        validate_default=True,
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="Name of this replica in logs and headers.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lowest level that is logged."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="Format of log lines; `auto` is `console` on a terminal and `json` elsewhere."
    )

    audit_file: Annotated[Path | None, Allowed("the path of a file")] = Field(
        None,
        description="File for the audit log. What cannot be written there is not done: such requests get a 503. None: standard "
        "error.",
    )

    @field_validator("tls_key")
    @classmethod
    def _key_has_its_certificate(cls, key: Path | None, others: ValidationInfo) -> Path | None:
        if key is not None and others.data.get("tls_certificate") is None:
            raise ValueError("there is none")
        return key

    @field_validator("secret_keys")
    @classmethod
    def _keys_are_long(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(key.get_secret_value()) < 32 for key in keys):
            raise ValueError("one is shorter")
        return keys

    @field_validator("admin_listen", mode="before")
    @classmethod
    def _admin_has_a_port(cls, value: object, others: ValidationInfo) -> object:
        port = others.data.get("port", 0)
        return value or f"127.0.0.1:{(port + 1) % (MAX_PORT + 1) if port else 0}"

    @field_validator("trusted_networks", "trusted_proxies")
    @classmethod
    def _networks_parse(cls, networks: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for text in networks:
            if text == "unix:" and info.field_name == "trusted_proxies":
                continue
            ip_network(text)  # its ValueError names the text and says what is wrong with it
        return networks

    @field_validator("trusted_proxies")
    @classmethod
    def _accel_has_its_proxy(cls, networks: tuple[str, ...], others: ValidationInfo) -> tuple[str, ...]:
        if not networks and others.data.get("delivery") == "accel":
            raise ValueError("there are none, and delivery accel needs one")
        return networks

    @field_validator("root_path")
    @classmethod
    def _root_path_parses(cls, text: str) -> str:
        path = parse_root_path(text)
        if path and is_reserved(path.split("/")[1]):
            raise ValueError(f"{path.split('/')[1]!r} is one of the server's own paths")
        return path

    @field_validator("cors_origins")
    @classmethod
    def _origins_are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        check_origins(origins)
        return origins

    @field_validator("storage")
    @classmethod
    def _storage_is_known(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            check_store(url)
        return urls

    @field_validator("overlay")
    @classmethod
    def _overlay_is_known(cls, url: str | None) -> str | None:
        if url is not None:
            check_store(url)
        return url

    @field_validator("delivery")
    @classmethod
    def _redirect_leads_somewhere(cls, delivery: str, others: ValidationInfo) -> str:
        storage = others.data.get("storage", ("s3://",))
        if delivery == "redirect" and not any(url.startswith("s3://") for url in storage):
            raise ValueError("redirect needs s3://bucket/prefix: a directory has no URLs")
        return delivery


class Settings(LdapServerSettings, LoginSettings, PageSettings, ServerSettings):
    """Everything an operator can choose. A test compares `docs/settings.md` with this class."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _has_no_credentials(cls, value: object, info: ValidationInfo) -> object:
        # As a fault of the setting itself: settings that go with it then ask for nothing on its account.
        if info.field_name and not is_secret(info.field_name, cls) and holds_credentials(value):
            raise CredentialsInUrl
        return value


def allowed(name: str) -> str:
    """The allowed values of a setting, to complete "must be ...". Code is in Markdown backquotes."""
    field = Settings.model_fields[name]
    for said in reversed(field.metadata):  # the last one is the setting's own, the others are from its type
        if isinstance(said, Allowed):
            return said.text
    if choices := get_args(field.annotation):
        return "one of " + ", ".join(f"`{choice}`" for choice in choices)
    least = next(limit.ge for limit in field.metadata if hasattr(limit, "ge"))
    most = next((limit.le for limit in field.metadata if hasattr(limit, "le")), None)
    return f"a whole number from {least} " + ("up" if most is None else f"to {most}")


def credentials_by(name: str) -> str:
    """Where to put credentials instead of into the URL of a setting. Code is in Markdown backquotes."""
    said = (item.text for item in Settings.model_fields[name].metadata if isinstance(item, CredentialsBy))
    return next(said, "leave them out")


def is_secret(name: str, of: type[Settings] = Settings) -> bool:
    """Whether a setting's values are secrets, which are never quoted."""
    return "SecretStr" in repr(of.model_fields[name].annotation)


def masked(settings: Settings) -> dict[str, str]:
    """Every setting as text, with secrets masked."""
    return {name: _show(getattr(settings, name)) for name in Settings.model_fields}


def _show(value: object) -> str:
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, tuple):
        return " ".join(MASK if isinstance(item, SecretStr) else str(item) for item in value)
    return "" if value is None else str(value)
