"""Settings for the server: where it listens, whom it trusts, how it stops, what it logs."""

from __future__ import annotations

import socket
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from app.config.types import MAX_PORT, Allowed, Listen, Networks, Number, Origins, check_origins
from app.domain.reserved import is_reserved
from app.domain.root_path import ALLOWED as ROOT_PATH_ALLOWED
from app.domain.root_path import parse_root_path


class ServerSettings(BaseModel):
    """The server and its network."""

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
        description="Proxies in front whose `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Prefix` and "
        "`Forwarded` are trusted. `unix:` stands for programs that connect over a Unix socket.",
    )
    root_path: Annotated[str, Allowed(ROOT_PATH_ALLOWED)] = Field(
        "", description="Path below which the site is on its host. All links and cookies are for this path."
    )
    cors_origins: Origins = Field(
        (),
        description="Other sites whose pages may read public files and listings. None: no other site.",
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
        description="Certificate of the site, with its chain. With it, the server speaks TLS.",
    )
    tls_key: Annotated[Path | None, Allowed("the path of a PEM file, with a `tls_certificate`")] = Field(
        None,
        description="Private key of `tls_certificate`, without a password. None: the key is in the same file.",
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
        description="File for the audit log. A request whose line cannot be written there gets a 503. "
        "None: standard error.",
    )

    access_log_file: Annotated[Path | None, Allowed("the path of a file")] = Field(
        None,
        description="File for a line of JSON for each request, whatever `log_level` and `log_format` say. It may be rotated by "
        "renaming it. None: standard error.",
    )
    tracing: Literal["off", "on"] = Field(
        "off",
        description="Whether requests and calls to the storage are sent as OpenTelemetry spans to "
        "`OTEL_EXPORTER_OTLP_ENDPOINT`; see [Traces](operations.md#traces).",
    )

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

    @field_validator("tls_key")
    @classmethod
    def _key_has_its_certificate(cls, key: Path | None, others: ValidationInfo) -> Path | None:
        if key is not None and others.data.get("tls_certificate") is None:
            raise ValueError("there is none")
        return key

    @field_validator("admin_listen", mode="before")
    @classmethod
    def _admin_has_a_port(cls, value: object, others: ValidationInfo) -> object:
        port = others.data.get("port", 0)
        return value or f"127.0.0.1:{(port + 1) % (MAX_PORT + 1) if port else 0}"
