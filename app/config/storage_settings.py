"""Settings for the storage, and for how it is read and delivered."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr, ValidationInfo, field_validator

from app.config.types import A_STORE, Allowed, Number, Prewarm, Secrets, StoreCredentials, Stores, check_store


class StorageSettings(BaseModel):
    """What is published, by which rules, and what is kept of it in memory."""

    storage: Stores = Field(
        (".",),
        min_length=1,
        description="What is published. With several, the first is read; the others are copies of it and are read when "
        "it fails or is slow.",
    )
    overlay: Annotated[str | None, StoreCredentials, Allowed(A_STORE)] = Field(
        None, description="A store whose files replace those of `storage`."
    )
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
        "off", description="Whether folders can be downloaded with `?archive=tar`, `tar.zst` and `zip`."
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
        description="Seconds for which a cached folder is fresh; 0: it is read for each request, and `cache_grace` does not count.",
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
        256 * 1024 * 1024, ge=0, description="Memory for cached folders and pages, in bytes, for each worker."
    )
    prewarm: Prewarm = Field(
        (),
        description="Folders that each worker reads before `/readyz` says 200, for at most a minute: paths, or a number of levels "
        "from the top (1: the top folder, 2: also its folders). None: none.",
    )

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

    @field_validator("secret_keys")
    @classmethod
    def _keys_are_long(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(key.get_secret_value()) < 32 for key in keys):
            raise ValueError("one is shorter")
        return keys

    @field_validator("delivery")
    @classmethod
    def _redirect_leads_somewhere(cls, delivery: str, others: ValidationInfo) -> str:
        storage = others.data.get("storage", ("s3://",))
        if delivery == "redirect" and not any(url.startswith("s3://") for url in storage):
            raise ValueError("redirect needs s3://bucket/prefix: a directory has no URLs")
        return delivery
